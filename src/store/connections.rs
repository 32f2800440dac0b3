//! Business connections: provider accounts that let a bot act on their behalf. The owner of a connection decides
//! which messages through it are the business's own. The owner never changes; whether the connection is enabled does.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::{StoreError, Tx, Verb};
use crate::args;
use crate::error::Error;

const NOTE: &str = "insert into connections (tenant, channel, external_id, owner, enabled, updated_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict (tenant, channel, external_id) do update set enabled = excluded.enabled, \
    owner = coalesce(excluded.owner, connections.owner), updated_at = excluded.updated_at \
    where connections.updated_at <= excluded.updated_at";
const OF_CHANNEL: &str = "select external_id, owner from connections where tenant = $1 and channel = $2 order by external_id limit $3";

pub const ALL: &[&str] = &[NOTE, OF_CHANNEL];

/// The most connections of one channel that are loaded.
const MOST: i64 = 10_000;

/// Records the state of a connection at a time (Unix milliseconds). `false`: a newer state is stored.
pub async fn note(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    external_id: &str,
    owner: Option<&str>,
    (enabled, at): (bool, i64),
) -> Result<bool, StoreError> {
    Ok(tx.exec(NOTE, args![tenant, channel, external_id, owner, enabled, at]).await? == 1)
}

/// The owner of each connection of a channel, as the parser of webhook bodies needs them.
pub async fn context(tx: &mut Tx<'_>, tenant: Uuid, channel: Uuid) -> Result<adapters::Context, StoreError> {
    let found = tx.all::<(String, Option<String>)>(OF_CHANNEL, args![tenant, channel, MOST]).await?;
    let owners: BTreeMap<_, _> =
        found.into_iter().filter_map(|(id, owner)| Some((id, Value::String(owner?)))).collect();
    Ok(adapters::Context { business_connection_owner: owners, ..adapters::Context::default() })
}

/// [`context`] as a verb.
pub struct Owners {
    pub tenant: Uuid,
    pub channel: Uuid,
}

impl Verb for Owners {
    type Out = adapters::Context;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(context(tx, self.tenant, self.channel).await?)
    }
}
