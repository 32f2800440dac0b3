//! Finds the chat of a message whose body names only the message that it replies to. Never opens a conversation.

use std::borrow::Cow;

use adapters::event::{Chat, NewMessage};

use crate::error::Error;
use crate::inbox::message_change;
use crate::model::Channel;
use crate::store::{Tx, conversations, messages};

/// Returns the message with the chat and thread of the one that it replies to, if the body does not name them and that
/// message is stored.
pub(super) async fn resolve<'a>(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &'a NewMessage,
) -> Result<Cow<'a, NewMessage>, Error> {
    let told = Cow::Borrowed(event);
    let Some(key) = event.reply_key.as_deref().filter(|_| event.is_where_reply_is) else { return Ok(told) };
    let Some(id) = message_change::message_of(tx, channel, key).await? else { return Ok(told) };
    let Some(message) = messages::load(tx, channel.tenant, id).await? else { return Ok(told) };
    let found = conversations::load(tx, channel.tenant, message.conversation).await?;
    Ok(found.map_or(told, |conversation| {
        let chat = Chat {
            id: conversation.external_id,
            thread: conversation.thread,
            is_group: conversation.is_group,
            ..event.chat.clone()
        };
        Cow::Owned(NewMessage { chat, ..event.clone() })
    }))
}
