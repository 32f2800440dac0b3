//! Edits, deletions, reactions and statuses that came before their message, and wait for it. Of a channel only so many
//! wait: who can post to it could fill the disk otherwise.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const WAIT: &str = "insert into pending_effects (id, tenant, channel, target_key, event, created_at) values ($1, $2, $3, $4, $5, $6)";
const TAKE: &str = "select event, created_at from pending_effects where channel = $1 and target_key = $2 order by id desc limit 200";
const DROP: &str = "delete from pending_effects where channel = $1 and target_key = $2";
const COUNT: &str = "insert into waiting_effects (channel, amount) values ($1, 1) \
    on conflict (channel) do update set amount = waiting_effects.amount + 1 returning amount";
const COUNT_DOWN: &str = "update waiting_effects set amount = amount - $2 where channel = $1";
/// From the beginning of a channel on. With `channel = $1` PostgreSQL may look for it by age through those of all.
const OLDEST: &str = "select channel, id from pending_effects where (channel, id) > ($1, $2) \
    order by channel, id limit $3";
const REMOVE: &str = "delete from pending_effects where id = $1";

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
    tx.put(WAIT, args![id, tenant, channel, target_key, event, now]).await?;
    let waiting = tx.one::<(i64,)>(COUNT, args![channel]).await?;
    if waiting.is_some_and(|(waiting,)| waiting > MOST) {
        let mut oldest: Vec<(Uuid, Uuid)> = tx.all(OLDEST, args![channel, Uuid::nil(), ROOM]).await?;
        oldest.retain(|(of, _)| *of == channel);
        for (_, id) in &oldest {
            tx.put(REMOVE, args![*id]).await?;
        }
        count_down(tx, channel, oldest.len() as u64).await?;
        tracing::warn!(%tenant, %channel, "too many effects wait for messages that never came: the oldest are dropped");
    }
    Ok(())
}

/// So many of a channel wait no more.
pub(super) async fn count_down(tx: &mut Tx<'_>, channel: Uuid, less: u64) -> Result<(), StoreError> {
    tx.put(COUNT_DOWN, args![channel, less as i64]).await
}

/// What waited for this message, with the time of its arrival and in that order; it is removed. Of very many, the newest.
pub async fn take(
    tx: &mut Tx<'_>,
    channel: Uuid,
    target_key: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut found: Vec<(String, i64)> = tx.all(TAKE, args![channel, target_key]).await?;
    if !found.is_empty() {
        let dropped = tx.exec(DROP, args![channel, target_key]).await?;
        count_down(tx, channel, dropped).await?;
    }
    found.reverse();
    Ok(found)
}
