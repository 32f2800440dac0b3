//! Edits, deletions, reactions and statuses that came before their message, and wait for it. Of a channel only so many
//! wait: who can post to it could fill the disk otherwise.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const WAIT: &str = "insert into pending_changes (tenant, id, channel, target_key, event, created_at) values ($1, $2, $3, $4, $5, $6)";
const TAKE: &str = "select event, created_at from pending_changes where tenant = $1 and channel = $2 and target_key = $3 order by id desc limit 200";
const DROP: &str = "delete from pending_changes where tenant = $1 and channel = $2 and target_key = $3";
const COUNT: &str = "insert into waiting_changes (tenant, channel, amount) values ($1, $2, 1) \
    on conflict (tenant, channel) do update set amount = waiting_changes.amount + 1 returning amount";
const COUNT_DOWN: &str = "update waiting_changes set amount = amount - $3 where tenant = $1 and channel = $2";
const OLDEST: &str = "select id from pending_changes where tenant = $1 and channel = $2 order by id limit $3";
const REMOVE: &str = "delete from pending_changes where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[WAIT, TAKE, DROP, COUNT, COUNT_DOWN, OLDEST, REMOVE];

/// Effects of a channel that wait at the most. Their messages come within moments if they come at all, so it is the
/// oldest that make room.
pub const MOST: i64 = 10_000;
/// How many of them at a time.
const ROOM: i64 = 100;

/// Keeps an effect until its message comes. `event` is the effect as JSON.
pub async fn wait(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    channel: Uuid,
    target_key: &str,
    event: &str,
) -> Result<(), StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.put(WAIT, args![tenant, id, channel, target_key, event, now]).await?;
    let waiting = tx.one::<(i64,)>(COUNT, args![tenant, channel]).await?;
    if waiting.is_some_and(|(waiting,)| waiting > MOST) {
        let oldest: Vec<(Uuid,)> = tx.all(OLDEST, args![tenant, channel, ROOM]).await?;
        for (id,) in &oldest {
            tx.put(REMOVE, args![tenant, *id]).await?;
        }
        count_down(tx, (tenant, channel), oldest.len() as u64).await?;
        tracing::warn!(%tenant, %channel, "too many effects wait for messages that never came: the oldest are dropped");
    }
    Ok(())
}

/// So many of a channel wait no more.
pub(super) async fn count_down(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    less: u64,
) -> Result<(), StoreError> {
    tx.put(COUNT_DOWN, args![tenant, channel, less as i64]).await
}

/// What waited for this message, with the time of its arrival and in that order; it is removed. Of very many, the newest.
pub async fn take(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    target_key: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut found: Vec<(String, i64)> = tx.all(TAKE, args![tenant, channel, target_key]).await?;
    if !found.is_empty() {
        let dropped = tx.exec(DROP, args![tenant, channel, target_key]).await?;
        count_down(tx, (tenant, channel), dropped).await?;
    }
    found.reverse();
    Ok(found)
}
