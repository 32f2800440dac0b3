//! Edits, deletions, reactions and statuses that came before their message, and wait for it.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const WAIT: &str = "insert into pending_effects (id, tenant, channel, target_key, event, created_at) values ($1, $2, $3, $4, $5, $6)";
const TAKE: &str = "select event, created_at from pending_effects where channel = $1 and target_key = $2 order by id desc limit 200";
const DROP: &str = "delete from pending_effects where channel = $1 and target_key = $2";

pub const ALL: &[&str] = &[WAIT, TAKE, DROP];

/// Keeps an effect until its message comes. `event` is the effect as JSON.
pub async fn wait(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    channel: Uuid,
    target_key: &str,
    event: &str,
) -> Result<(), StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(WAIT, args![id, tenant, channel, target_key, event, now]).await?;
    Ok(())
}

/// What waited for this message, with the time of its arrival and in that order; it is removed. Of very many, the newest.
pub async fn take(
    tx: &mut Tx<'_>,
    channel: Uuid,
    target_key: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut found: Vec<(String, i64)> = tx.all(TAKE, args![channel, target_key]).await?;
    if !found.is_empty() {
        tx.exec(DROP, args![channel, target_key]).await?;
    }
    found.reverse();
    Ok(found)
}
