//! Looking at channels: when each is looked at next, and what is read then. Across tenants only the list of what is due.

use uuid::Uuid;

use super::value::from_row;
use super::{StoreError, Tx};
use crate::args;

const DUE: &str = "select tenant, id from channels where look_at <= $1 order by look_at, tenant, id limit $2";
const CLAIM: &str = "update channels set look_at = $3 where tenant = $1 and id = $2 and look_at <= $4";
const FROM: &str = "update channels set look_at = $3, looks_failed = 0 where tenant = $1 and id = $2";
const NEVER: &str = "update channels set look_at = null, looks_failed = 0 where tenant = $1 and id = $2";
const FAILED: &str = "select looks_failed from channels where tenant = $1 and id = $2";
const SET_FAILED: &str = "update channels set looks_failed = $3 where tenant = $1 and id = $2";
const LAST_HEARD: &str =
    "select received_at from envelopes where tenant = $1 and channel = $2 order by id desc limit 1";
const LAST_SENT: &str = "select conversation, state, updated_at from deliveries where tenant = $1 and channel = $2 \
    order by id desc limit $3";
const WAITING: &str = "select waiting from queues where tenant = $1 and id = $2 and class = $3";

pub const ALL: &[&str] = &[DUE, CLAIM, FROM, NEVER, FAILED, SET_FAILED, LAST_HEARD, LAST_SENT, WAITING];

/// A part that left, with its state.
#[derive(Clone, Debug)]
pub struct SentPart {
    pub conversation: Uuid,
    pub state: String,
    pub updated_at: i64,
}

from_row!(SentPart { conversation, state, updated_at });

/// The channels that are to be looked at by now, those that wait for the longest first.
pub async fn due(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let now = tx.now();
    tx.all(DUE, args![now, limit]).await
}

/// Takes a channel until `next_at`. `false`: another process has it.
pub async fn claim(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid), next_at: i64) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(CLAIM, args![tenant, id, next_at, now]).await? == 1)
}

/// A channel that was connected is looked at from then on.
pub async fn begin(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid), at: i64) -> Result<(), StoreError> {
    tx.put(FROM, args![tenant, id, at]).await
}

pub async fn end(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid)) -> Result<(), StoreError> {
    tx.put(NEVER, args![tenant, id]).await
}

/// How many looks in a row got no answer.
pub async fn failed(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid)) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(FAILED, args![tenant, id]).await?.map_or(0, |(count,)| count))
}

pub async fn set_failed(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid), count: i64) -> Result<(), StoreError> {
    tx.put(SET_FAILED, args![tenant, id, count]).await
}

/// When the provider last delivered anything.
pub async fn last_heard(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid)) -> Result<Option<i64>, StoreError> {
    Ok(tx.one::<(i64,)>(LAST_HEARD, args![tenant, id]).await?.map(|(at,)| at))
}

/// What was last sent through the channel, newest first.
pub async fn last_sent(
    tx: &mut Tx<'_>,
    (tenant, id): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<SentPart>, StoreError> {
    tx.all(LAST_SENT, args![tenant, id, limit]).await
}

/// Whether something waits to be sent.
pub async fn has_waiting(tx: &mut Tx<'_>, (tenant, id): (Uuid, Uuid)) -> Result<bool, StoreError> {
    let class = super::jobs::Class::Send as i64;
    Ok(tx.one::<(i64,)>(WAITING, args![tenant, id, class]).await?.is_some_and(|(count,)| count > 0))
}
