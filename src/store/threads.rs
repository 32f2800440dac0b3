//! Titles of threads: providers send the name of a topic only once. Conversations hold a copy of their thread's
//! title.

use adapters::Address;
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;
use crate::model::Channel;

const TITLE: &str =
    "select title from threads where tenant = $1 and channel = $2 and chat = $3 and thread = $4";
const NOTE: &str = "insert into threads (tenant, channel, chat, thread, title, titled_at) values ($1, $2, $3, $4, $5, $6) \
    on conflict (tenant, channel, chat, thread) do update set title = excluded.title, titled_at = excluded.titled_at \
    where threads.titled_at <= excluded.titled_at and threads.title <> excluded.title";
const SHOW: &str = "update conversations set thread_title = $5 where tenant = $1 and channel = $2 and external_id = $3 and thread = $4";
const SHOW_IN: &str = "update conversations set thread_title = $3 where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[TITLE, NOTE, SHOW, SHOW_IN];

/// The stored title of a thread; if there is none, the title that a message gives, which is then stored.
pub(super) async fn title(
    tx: &mut Tx<'_>,
    channel: &Channel,
    address: Address<'_>,
    said: Option<&str>,
) -> Result<Option<String>, StoreError> {
    let Address { chat, thread: Some(thread) } = address else { return Ok(None) };
    if let Some((known,)) =
        tx.one::<(String,)>(TITLE, args![channel.tenant, channel.id, chat, thread]).await?
    {
        return Ok(Some(known));
    }
    if let Some(said) = said {
        tx.put(NOTE, args![channel.tenant, channel.id, chat, thread, said, 0_i64]).await?;
    }
    Ok(said.map(str::to_owned))
}

/// Sets the title of a thread as of a time (Unix milliseconds), also in its conversations. `false`: it changed
/// nothing.
pub async fn entitle(
    tx: &mut Tx<'_>,
    channel: &Channel,
    address: Address<'_>,
    (title, at): (&str, i64),
) -> Result<bool, StoreError> {
    let Address { chat, thread: Some(thread) } = address else { return Ok(false) };
    if tx.exec(NOTE, args![channel.tenant, channel.id, chat, thread, title, at]).await? == 0 {
        return Ok(false);
    }
    tx.put(SHOW, args![channel.tenant, channel.id, chat, thread, title]).await?;
    Ok(true)
}

/// Copies the title into one conversation.
pub(super) async fn show(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    title: &str,
) -> Result<(), StoreError> {
    tx.put(SHOW_IN, args![tenant, conversation, title]).await
}
