//! A message that was told of without its files gets them: a provider tells of old messages first, and of their files later.
//! It is no edit: what a person wrote stays as it was, and no turn hears of it.

use uuid::Uuid;

use super::{Edit, apply};
use crate::announce;
use crate::error::Error;
use crate::inbox::files;
use crate::model::{Channel, EventKind, LastMessage, MessageKind};
use crate::store::{Tx, conversations, messages};

/// `false`: the message is not one that waits for its files.
pub(crate) async fn complete(
    tx: &mut Tx<'_>,
    channel: &Channel,
    id: Uuid,
    whole: &Edit,
) -> Result<bool, Error> {
    let tenant = channel.tenant;
    let Some(mut message) = messages::load(tx, tenant, id).await? else { return Ok(false) };
    let waits = message.kind == MessageKind::Unsupported && message.attachments.is_empty();
    if !waits || message.deleted_at.is_some() {
        return Ok(false);
    }
    let Some(mut conversation) = conversations::load_locked(tx, tenant, message.conversation).await? else {
        return Ok(false);
    };
    files::replace(tx, channel, &mut message, &whole.files).await?;
    apply::edit(&mut message, whole);
    messages::set_content(tx, tenant, &message).await?;
    if let Some(last) = conversation.last_message.as_ref().filter(|last| last.seq == message.seq) {
        // Its time is the one at which it was written.
        let at = last.at;
        conversation.last_message = Some(LastMessage { at, ..announce::last_message(&message) });
        conversations::set_last_message(tx, &conversation).await?;
    }
    announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)?;
    Ok(true)
}
