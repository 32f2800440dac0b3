//! What can happen to a message after it was written: an edit, a deletion, a reaction, a status. An effect
//! that comes before its message waits for it, and is then applied in the transaction that brings it.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{announce, receipt, turn};
use crate::error::Error;
use crate::model::{Channel, EventKind, Message, MessageError, MessageStatus, Reaction};
use crate::store::{Tx, conversations, deliveries, effects, messages};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    Edited {
        text: Option<String>,
        at: i64,
    },
    Deleted {
        at: i64,
    },
    /// `emoji` is nothing when the reaction was taken back.
    Reacted {
        by: String,
        emoji: Option<String>,
    },
    Status {
        status: MessageStatus,
        error: Option<MessageError>,
    },
}

/// Applies the effect to the message with this key, or keeps it until that message comes.
pub(super) async fn apply_or_wait(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    effect: Effect,
) -> Result<(), Error> {
    if apply_now(tx, channel, key, &effect).await? {
        return Ok(());
    }
    let text = serde_json::to_string(&effect).context("an effect cannot be written as JSON")?;
    Ok(effects::wait(tx, channel.tenant, channel.id, key, &text).await?)
}

/// `false`: there is no such message yet.
async fn apply_now(tx: &mut Tx<'_>, channel: &Channel, key: &str, effect: &Effect) -> Result<bool, Error> {
    if let Effect::Status { status, error } = effect {
        return receipt::apply(tx, channel, key, *status, error.clone()).await;
    }
    match message_of(tx, channel, key).await? {
        Some(id) => apply(tx, channel.tenant, id, effect).await.map(|()| true),
        None => Ok(false),
    }
}

/// The stored message that the channel calls by this key: brought by it, or sent through it.
pub(super) async fn message_of(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<Option<Uuid>, Error> {
    if let Some(id) = messages::seen(tx, channel.id, key).await? {
        return Ok(Some(id));
    }
    Ok(deliveries::by_key(tx, channel.id, key).await?.map(|delivery| delivery.message))
}

async fn apply(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid, effect: &Effect) -> Result<(), Error> {
    let Some(mut message) = messages::load(tx, tenant, id).await? else { return Ok(()) };
    let Some(mut conversation) = conversations::load_locked(tx, tenant, message.conversation).await? else {
        return Ok(());
    };
    if !change(&mut message, effect) {
        return Ok(());
    }
    store(tx, tenant, &message, effect).await?;
    if conversation.last_seq == message.seq {
        conversation.last_message = Some(announce::last_message(&message));
        conversations::set_last_message(tx, &conversation).await?;
    }
    if matches!(effect, Effect::Edited { .. } | Effect::Deleted { .. }) {
        turn::changed(tx, &mut conversation, &message).await?;
    }
    announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)
}

/// Applies, in the order of their arrival, the effects that waited for a message which was just stored.
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    message: &mut Message,
) -> Result<(), Error> {
    for text in effects::take(tx, channel.id, key).await? {
        let Some(effect) = read(&text) else { continue };
        if change(message, &effect) {
            store(tx, channel.tenant, message, &effect).await?;
        }
    }
    Ok(())
}

/// Applies what waited for a message of ours, whose key is known only now.
pub(crate) async fn settle_delivery(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<(), Error> {
    for text in effects::take(tx, channel.id, key).await? {
        let Some(effect) = read(&text) else { continue };
        apply_or_wait(tx, channel, key, effect).await?;
    }
    Ok(())
}

/// A damaged one must not keep its message from being stored.
fn read(text: &str) -> Option<Effect> {
    serde_json::from_str(text)
        .inspect_err(|error| tracing::error!(%error, "a waiting effect is damaged and left out"))
        .ok()
}

async fn store(tx: &mut Tx<'_>, tenant: Uuid, message: &Message, effect: &Effect) -> Result<(), Error> {
    match effect {
        Effect::Edited { .. } => messages::set_text(tx, tenant, message).await?,
        Effect::Deleted { .. } => messages::set_deleted(tx, tenant, message).await?,
        Effect::Reacted { .. } => messages::set_reactions(tx, tenant, message).await?,
        Effect::Status { .. } => messages::set_status(tx, tenant, message).await?,
    }
    Ok(())
}

/// The pure part: what the effect makes of the message; `false` if nothing.
fn change(message: &mut Message, effect: &Effect) -> bool {
    match effect {
        Effect::Edited { text, at } => {
            let older = message.edited_at.is_some_and(|last| last >= *at);
            if older || message.deleted_at.is_some() {
                return false;
            }
            message.text.clone_from(text);
            message.edited_at = Some(*at);
        }
        Effect::Deleted { at } => {
            if message.deleted_at.is_some() {
                return false;
            }
            message.deleted_at = Some(*at);
        }
        Effect::Reacted { by, emoji } => {
            let before = message.reactions.clone();
            message.reactions.retain(|reaction| reaction.by != *by);
            if let Some(emoji) = emoji {
                message.reactions.push(Reaction { by: by.clone(), emoji: emoji.clone() });
            }
            return before != message.reactions;
        }
        Effect::Status { status, error } => {
            if !message.status.may_become(*status) {
                return false;
            }
            message.status = *status;
            message.error.clone_from(error);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Author, AuthorKind, Direction, MessageKind};

    fn message() -> Message {
        Message {
            id: Uuid::nil(),
            conversation: Uuid::nil(),
            seq: 1,
            direction: Direction::In,
            kind: MessageKind::Text,
            text: Some("first".into()),
            author: Author { kind: AuthorKind::Customer, id: None, name: None },
            client_id: None,
            reply_to: None,
            attachments: vec![],
            reactions: vec![],
            status: MessageStatus::Received,
            error: None,
            edited_at: None,
            deleted_at: None,
            provider_at: None,
            created_at: 0,
            turn: None,
            data: None,
        }
    }

    fn edit(text: &str, at: i64) -> Effect {
        Effect::Edited { text: Some(text.into()), at }
    }

    #[test]
    fn an_older_edit_that_comes_later_changes_nothing() {
        let mut edited = message();
        assert!(change(&mut edited, &edit("third", 30)));
        assert!(!change(&mut edited, &edit("second", 20)));
        assert_eq!(edited.text.as_deref(), Some("third"));
    }

    #[test]
    fn a_deleted_message_is_not_edited_back_to_life() {
        let mut gone = message();
        assert!(change(&mut gone, &Effect::Deleted { at: 5 }));
        assert!(!change(&mut gone, &edit("again", 9)));
        assert!(!change(&mut gone, &Effect::Deleted { at: 9 }));
        assert_eq!(gone.deleted_at, Some(5));
    }

    #[test]
    fn a_person_has_one_reaction_at_a_time() {
        let mut liked = message();
        let react =
            |emoji: Option<&str>| Effect::Reacted { by: "customer".into(), emoji: emoji.map(str::to_owned) };
        assert!(change(&mut liked, &react(Some("👍"))));
        assert!(!change(&mut liked, &react(Some("👍"))));
        assert!(change(&mut liked, &react(Some("❤"))));
        assert_eq!(liked.reactions.len(), 1);
        assert!(change(&mut liked, &react(None)));
        assert!(liked.reactions.is_empty());
    }
}
