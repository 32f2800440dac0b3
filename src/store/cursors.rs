//! Where the reading of what a provider holds stopped, for each channel whose provider can be asked.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const GET: &str = "select cursor, updated_at, page from channel_cursors where tenant = $1 and channel = $2";
const BEGIN: &str = "insert into channel_cursors (tenant, channel, cursor, updated_at) values ($1, $2, '', $3) \
    on conflict (tenant, channel) do nothing";
/// Only from where the reading began: a reader that was overtaken changes nothing.
const MOVE: &str = "update channel_cursors set cursor = $3, updated_at = $4, page = null where tenant = $1 and channel = $2 and cursor = $5";
const TURN: &str = "update channel_cursors set page = $3 where tenant = $1 and channel = $2 and cursor = $4";
const FORGET: &str = "delete from channel_cursors where tenant = $1 and channel = $2";

pub const ALL: &[&str] = &[GET, BEGIN, MOVE, TURN, FORGET];

/// Where reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// As the provider gave it; empty before the first reading.
    pub text: String,
    /// When it was stored, Unix milliseconds.
    pub at: i64,
    /// Where a reading that began there goes on.
    pub page: Option<String>,
}

pub async fn get(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid)) -> Result<Option<Cursor>, StoreError> {
    let found = tx.one::<(String, i64, Option<String>)>(GET, args![tenant, channel]).await?;
    Ok(found.map(|(text, at, page)| Cursor { text, at, page }))
}

/// Begins now, unless a place is known.
pub async fn begin(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid)) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(BEGIN, args![tenant, channel, now]).await?;
    Ok(())
}

/// Moves on; `false` if another reader did meanwhile.
pub async fn move_on(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    from: &str,
    to: &str,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(MOVE, args![tenant, channel, to, now, from]).await? == 1)
}

/// Remembers the page that a reading from `from` comes to next; nothing: it begins anew.
pub async fn turn(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    from: &str,
    page: Option<&str>,
) -> Result<(), StoreError> {
    tx.put(TURN, args![tenant, channel, page, from]).await
}

/// For an account that is another one.
pub async fn forget(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid)) -> Result<(), StoreError> {
    tx.exec(FORGET, args![tenant, channel]).await?;
    Ok(())
}
