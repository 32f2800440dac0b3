//! What can happen to a message after it was written: an edit, a deletion, a reaction, a status. An effect
//! that comes before its message waits for it, and is then applied in the transaction that brings it.
//!
//! What is later by its own time stands (`order`), whatever order it is delivered in and however often.

mod apply;
mod order;
mod person;

use adapters::MediaRef;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::order::{Mark, Marks};
use super::{files, receipt, turn};
use crate::announce;
use crate::error::Error;
use crate::model::{Channel, EventKind, Message, MessageError, MessageKind, MessageStatus};
use crate::store::{Tx, conversations, deliveries, messages, pending_changes};

/// Who reacted, when it was the business.
pub(super) const US: &str = "us";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageChange {
    Edited(Edit),
    Deleted,
    /// `emoji` is nothing when the reaction was taken back.
    Reacted {
        by: String,
        /// In a group: the other ids of the person, as far as the event says them.
        #[serde(default)]
        also: Option<Vec<String>>,
        emoji: Option<String>,
        /// The provider's id of a picture that `emoji` stands for.
        #[serde(default)]
        custom: Option<String>,
    },
    Status {
        status: MessageStatus,
        error: Option<MessageError>,
    },
}

/// What an edit tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edit {
    /// The kind of message that it is now, if the edit tells the whole message.
    pub content: Option<MessageKind>,
    pub text: Option<String>,
    pub data: Map<String, Value>,
    pub files: Vec<MediaRef>,
}

/// An effect, and what its place in the order is found by. What waits in the database has this form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedChange {
    /// Unix milliseconds, if the provider says when.
    #[serde(default)]
    pub at: Option<i64>,
    /// Its place among the provider's deliveries, if they are numbered or dated.
    #[serde(default)]
    pub place: Option<i64>,
    /// Names the delivery, the same over its repetitions; empty if nothing does.
    #[serde(default)]
    pub key: String,
    #[serde(flatten)]
    pub change: MessageChange,
}

/// Applies the effect to the message with this key, or keeps it until that message comes.
pub(super) async fn apply_or_wait(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    timed: TimedChange,
) -> Result<(), Error> {
    if apply_now(tx, channel, key, &timed).await? {
        return Ok(());
    }
    let text = serde_json::to_string(&timed).context("a change cannot be written as JSON")?;
    Ok(pending_changes::wait(tx, channel.tenant, channel.id, key, &text).await?)
}

/// `false`: there is no such message yet.
async fn apply_now(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    timed: &TimedChange,
) -> Result<bool, Error> {
    if let MessageChange::Status { status, error } = &timed.change {
        return receipt::apply(tx, channel, key, *status, error.clone()).await;
    }
    match message_of(tx, channel, key).await? {
        Some(id) => apply(tx, channel, id, timed).await.map(|()| true),
        None => Ok(false),
    }
}

/// The stored message that the channel calls by this key: brought by it, or sent through it.
pub(super) async fn message_of(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<Option<Uuid>, Error> {
    if let Some(id) = messages::seen(tx, (channel.tenant, channel.id), key).await? {
        return Ok(Some(id));
    }
    Ok(deliveries::by_key(tx, (channel.tenant, channel.id), key).await?.map(|delivery| delivery.message))
}

async fn apply(tx: &mut Tx<'_>, channel: &Channel, id: Uuid, timed: &TimedChange) -> Result<(), Error> {
    let tenant = channel.tenant;
    let Some(mut message) = messages::load(tx, tenant, id).await? else { return Ok(()) };
    let Some(mut conversation) = conversations::load_locked(tx, tenant, message.conversation).await? else {
        return Ok(());
    };
    let seen = change_message(tx, channel, &mut message, timed).await?;
    if seen == Seen::Nothing {
        return Ok(());
    }
    if conversation.last_seq == message.seq {
        conversation.last_message = Some(announce::last_message(&message));
        conversations::set_last_message(tx, &conversation).await?;
    }
    if seen == Seen::Other {
        turn::changed(tx, &mut conversation, &message).await?;
    }
    announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)
}

/// Applies the effects that waited for a message which was just stored.
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    message: &mut Message,
) -> Result<(), Error> {
    for timed in waiting(tx, channel, key).await? {
        change_message(tx, channel, message, &timed).await?;
    }
    Ok(())
}

/// Applies what waited for a message of ours, whose key is known only now.
pub(crate) async fn settle_delivery(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<(), Error> {
    for timed in waiting(tx, channel, key).await? {
        apply_or_wait(tx, channel, key, timed).await?;
    }
    Ok(())
}

/// What waited for a message, by its own time and then by its arrival. A damaged one must not keep its message from being
/// stored.
async fn waiting(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<Vec<TimedChange>, Error> {
    let mut found: Vec<(i64, TimedChange)> = Vec::new();
    for (text, arrived) in pending_changes::take(tx, (channel.tenant, channel.id), key).await? {
        match serde_json::from_str::<TimedChange>(&text) {
            Ok(timed) => found.push((timed.at.unwrap_or(arrived), timed)),
            Err(error) => tracing::error!(%error, "a waiting change is damaged and left out"),
        }
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, timed)| timed).collect())
}

/// What is to be seen of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// The message says what it said: a reaction, a status, a place that moves and takes no answer back each time.
    Beside,
    /// The message says something else, or is gone.
    Other,
}

/// Changes the message, here and in the database.
async fn change_message(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: &mut Message,
    timed: &TimedChange,
) -> Result<Seen, Error> {
    let (tenant, at) = (channel.tenant, timed.at.unwrap_or(tx.now()));
    match &timed.change {
        MessageChange::Edited(edit) => {
            if message.deleted_at.is_some() || !is_news(tx, tenant, message, timed).await? {
                return Ok(Seen::Nothing);
            }
            let only_moves = apply::only_moves(message, edit);
            let other_files = files::replace(tx, channel, message, &edit.files).await?;
            if !apply::edit(message, edit) && !other_files {
                return Ok(Seen::Nothing);
            }
            if !only_moves {
                message.edited_at = Some(at);
            }
            messages::set_content(tx, tenant, message).await?;
            Ok(if only_moves { Seen::Beside } else { Seen::Other })
        }
        MessageChange::Deleted => {
            if message.deleted_at.is_some() {
                return Ok(Seen::Nothing);
            }
            message.deleted_at = Some(at);
            messages::set_deleted(tx, tenant, message).await?;
            Ok(Seen::Other)
        }
        MessageChange::Reacted { .. } => {
            let place = (tenant, channel.id);
            let joined = person::join(tx, place, message, &timed.change).await?;
            if !is_news(tx, tenant, message, timed).await? || !apply::react(message, &timed.change) {
                return Ok(if joined { Seen::Beside } else { Seen::Nothing });
            }
            messages::set_reactions(tx, tenant, message).await?;
            Ok(Seen::Beside)
        }
        MessageChange::Status { status, error } => {
            if !message.status.may_become(*status) {
                return Ok(Seen::Nothing);
            }
            message.status = *status;
            message.error.clone_from(error);
            messages::set_status(tx, tenant, message).await?;
            Ok(Seen::Beside)
        }
    }
}

/// Does it beat what was applied before? Then it leaves its mark, also where nothing is to be seen of it: a reaction that
/// was taken back before it came.
async fn is_news(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    message: &Message,
    timed: &TimedChange,
) -> Result<bool, Error> {
    let text = messages::marks(tx, tenant, message.id).await?;
    let mut marks = Marks::read(text.as_deref());
    if marks.edit.is_empty() {
        marks.edit = Mark::at(message.edited_at);
    }
    let mark = if let MessageChange::Reacted { by, .. } = &timed.change {
        marks.reaction(by)
    } else {
        &mut marks.edit
    };
    if !mark.pass((timed.at, timed.place), &timed.key) {
        return Ok(false);
    }
    let text = serde_json::to_string(&marks).context("marks cannot be written as JSON")?;
    messages::set_marks(tx, tenant, message.id, &text).await?;
    Ok(true)
}

#[cfg(test)]
mod tests;
