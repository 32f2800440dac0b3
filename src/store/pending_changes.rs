//! Edits, deletions, reactions and statuses that arrived before their message. Their number is limited for each channel:
//! otherwise anyone who can post to its webhook could fill the disk.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const WAIT: &str = "insert into pending_changes (tenant, id, channel, target_key, event, created_at) \
    values ($1, $2, $3, $4, $5, $6)";
const TAKE: &str = "select event, created_at from pending_changes \
    where tenant = $1 and channel = $2 and target_key = $3 order by id desc limit 200";
const DROP: &str = "delete from pending_changes where tenant = $1 and channel = $2 and target_key = $3";
const COUNT: &str = "insert into waiting_changes (tenant, channel, amount) values ($1, $2, 1) \
    on conflict (tenant, channel) do update set amount = waiting_changes.amount + 1 returning amount";
const COUNT_DOWN: &str = "update waiting_changes set amount = amount - $3 where tenant = $1 and channel = $2";
const OLDEST: &str = "select id from pending_changes where tenant = $1 and channel = $2 order by id limit $3";
const REMOVE: &str = "delete from pending_changes where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[WAIT, TAKE, DROP, COUNT, COUNT_DOWN, OLDEST, REMOVE];

/// Limit of pending changes of a channel. A message normally follows within moments, so the oldest changes are removed
/// first.
pub const MOST: i64 = 10_000;
/// How many are removed at a time.
const ROOM: i64 = 100;

/// Stores a change until its message arrives. `event` is the change as JSON.
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
        tracing::warn!(%tenant, %channel, "too many pending changes: the oldest are removed");
    }
    Ok(())
}

/// Lowers the channel's count of pending changes.
pub(super) async fn count_down(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    less: u64,
) -> Result<(), StoreError> {
    tx.put(COUNT_DOWN, args![tenant, channel, less as i64]).await
}

/// Removes a message's pending changes and returns the newest of them, with their arrival times, oldest first.
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
