//! Changes of a stored message: an edit, a deletion, a reaction, a status. A change that arrives before its message is
//! stored as pending, and applied in the transaction that stores the message.
//!
//! The change with the latest time of its own wins (`order`), whatever the order and number of its deliveries.

mod apply;
mod complete;
mod order;
mod person;

use adapters::MediaRef;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(super) use self::complete::complete;
use self::order::{Mark, Marks};
use super::{files, receipt, turn};
use crate::announce;
use crate::error::Error;
use crate::model::{Channel, EventKind, Message, MessageError, MessageKind, MessageStatus};
use crate::store::{Tx, conversations, deliveries, messages, pending_changes};

/// The `by` of a reaction of the business.
pub(crate) const US: &str = "us";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageChange {
    Edited(Edit),
    Deleted,
    /// `emoji` is `None` when the reaction was removed.
    Reacted {
        by: String,
        /// In a group: the person's other ids, if the event has any.
        #[serde(default)]
        also: Option<Vec<String>>,
        emoji: Option<String>,
        /// The provider's id of a custom emoji; `emoji` is its fallback.
        #[serde(default)]
        custom: Option<String>,
    },
    Status {
        status: MessageStatus,
        error: Option<MessageError>,
    },
    /// Another message quotes it, and arrived before it.
    Quoted {
        by: Uuid,
    },
}

/// The contents of an edit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edit {
    /// The message's kind. `None` if the edit contains only the changed fields.
    pub content: Option<MessageKind>,
    pub text: Option<String>,
    pub data: Map<String, Value>,
    pub files: Vec<MediaRef>,
}

/// A change with its order. Pending changes are stored in this form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedChange {
    /// When it happened, Unix milliseconds, if the provider says so.
    #[serde(default)]
    pub at: Option<i64>,
    /// The order of its delivery, if the provider numbers or dates deliveries.
    #[serde(default)]
    pub place: Option<i64>,
    /// Identifies the delivery and its repetitions; empty if the provider has no id.
    #[serde(default)]
    pub key: String,
    #[serde(flatten)]
    pub change: MessageChange,
}

/// Applies the change to the message with this key, or stores it as pending.
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

/// Stores that a message quotes one that has not arrived, if it does.
pub(super) async fn await_quoted(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: Option<&str>,
    message: &Message,
) -> Result<(), Error> {
    let Some(key) = key.filter(|_| message.reply_to.is_none()) else { return Ok(()) };
    let change = MessageChange::Quoted { by: message.id };
    let timed = TimedChange { at: None, place: None, key: String::new(), change };
    let text = serde_json::to_string(&timed).context("a change cannot be written as JSON")?;
    Ok(pending_changes::wait(tx, channel.tenant, channel.id, key, &text).await?)
}

/// `false`: the message is not stored yet.
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

/// The stored message with this external key: received on the channel, or sent through it.
pub(super) async fn message_of(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<Option<Uuid>, Error> {
    if let Some(id) = messages::seen(tx, (channel.tenant, channel.id), key).await? {
        return Ok(Some(id));
    }
    Ok(deliveries::by_key(tx, (channel.tenant, channel.id), key).await?.map(|delivery| delivery.message))
}

pub(super) async fn apply(
    tx: &mut Tx<'_>,
    channel: &Channel,
    id: Uuid,
    timed: &TimedChange,
) -> Result<(), Error> {
    let tenant = channel.tenant;
    let Some(mut message) = messages::load(tx, tenant, id).await? else { return Ok(()) };
    let Some(mut conversation) = conversations::load_locked(tx, tenant, message.conversation).await? else {
        return Ok(());
    };
    let impact = change_message(tx, channel, &mut message, timed).await?;
    if impact == Impact::None {
        return Ok(());
    }
    if conversation.last_seq == message.seq {
        conversation.last_message = Some(announce::last_message(&message));
        conversations::set_last_message(tx, &conversation).await?;
    }
    if impact == Impact::Content {
        turn::changed(tx, &mut conversation, &message).await?;
    }
    announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)
}

/// Applies the pending changes of a message that was just stored.
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

/// Applies the pending changes of a delivery whose external key has just become known.
pub(crate) async fn settle_delivery(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<(), Error> {
    for timed in waiting(tx, channel, key).await? {
        apply_or_wait(tx, channel, key, timed).await?;
    }
    Ok(())
}

/// Stores that the messages of the part's chat that left by a time have a status, until it is known whether the part left.
pub(super) async fn await_outcome(
    tx: &mut Tx<'_>,
    channel: &Channel,
    part: Uuid,
    (status, until): (MessageStatus, i64),
) -> Result<(), Error> {
    let change = MessageChange::Status { status, error: None };
    let timed = TimedChange { at: Some(until), place: None, key: String::new(), change };
    let text = serde_json::to_string(&timed).context("a change cannot be written as JSON")?;
    Ok(pending_changes::wait(tx, channel.tenant, channel.id, &outcome_key(part), &text).await?)
}

/// Applies the watermarks that came before the part was known to have left.
pub(crate) async fn settle_outcome(tx: &mut Tx<'_>, channel: &Channel, part: Uuid) -> Result<(), Error> {
    for timed in waiting(tx, channel, &outcome_key(part)).await? {
        let Some(mut delivery) = deliveries::load(tx, channel.tenant, part).await? else { return Ok(()) };
        let has_left_by = delivery.sent_at.zip(timed.at).is_some_and(|(sent, until)| sent <= until);
        if let MessageChange::Status { status, .. } = timed.change
            && has_left_by
        {
            receipt::advance(tx, &mut delivery, status, None).await?;
        }
    }
    Ok(())
}

fn outcome_key(part: Uuid) -> String {
    format!("outcome:{part}")
}

/// Removes and returns a message's pending changes, ordered by their own time, or by their arrival without one. A damaged
/// change is skipped, so that its message can be stored.
async fn waiting(tx: &mut Tx<'_>, channel: &Channel, key: &str) -> Result<Vec<TimedChange>, Error> {
    let mut found: Vec<(i64, TimedChange)> = Vec::new();
    for (text, arrived) in pending_changes::take(tx, (channel.tenant, channel.id), key).await? {
        match serde_json::from_str::<TimedChange>(&text) {
            Ok(timed) => found.push((timed.at.unwrap_or(arrived), timed)),
            Err(error) => tracing::error!(%error, "a pending change is damaged and skipped"),
        }
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, timed)| timed).collect())
}

/// What a change alters in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Impact {
    None,
    /// Not the content: a reaction, a status, a live location that moves. An open turn stays as it is.
    NotContent,
    /// The content was edited or deleted: an open turn changes with it.
    Content,
}

/// Changes the message in memory and in the database.
async fn change_message(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: &mut Message,
    timed: &TimedChange,
) -> Result<Impact, Error> {
    let (tenant, at) = (channel.tenant, timed.at.unwrap_or(tx.now()));
    match &timed.change {
        MessageChange::Edited(edit) => {
            if message.deleted_at.is_some() || !is_news(tx, tenant, message, timed).await? {
                return Ok(Impact::None);
            }
            let only_moves = apply::only_moves(message, edit);
            let other_files = files::replace(tx, channel, message, &edit.files).await?;
            if !apply::edit(message, edit) && !other_files {
                return Ok(Impact::None);
            }
            if !only_moves {
                message.edited_at = Some(at);
            }
            messages::set_content(tx, tenant, message).await?;
            Ok(if only_moves { Impact::NotContent } else { Impact::Content })
        }
        MessageChange::Deleted => {
            if message.deleted_at.is_some() {
                return Ok(Impact::None);
            }
            message.deleted_at = Some(at);
            messages::set_deleted(tx, tenant, message).await?;
            Ok(Impact::Content)
        }
        MessageChange::Reacted { .. } => {
            let place = (tenant, channel.id);
            let joined = person::join(tx, place, message, &timed.change).await?;
            if !is_news(tx, tenant, message, timed).await? || !apply::react(message, &timed.change) {
                return Ok(if joined { Impact::NotContent } else { Impact::None });
            }
            messages::set_reactions(tx, tenant, message).await?;
            Ok(Impact::NotContent)
        }
        MessageChange::Status { status, error } => {
            if !message.status.may_become(*status) {
                return Ok(Impact::None);
            }
            message.status = *status;
            message.error.clone_from(error);
            messages::set_status(tx, tenant, message).await?;
            Ok(Impact::NotContent)
        }
        MessageChange::Quoted { by } => {
            quoted(tx, tenant, message, *by).await?;
            Ok(Impact::None)
        }
    }
}

/// Links the message that quotes this one to it.
async fn quoted(tx: &mut Tx<'_>, tenant: Uuid, message: &Message, by: Uuid) -> Result<(), Error> {
    let Some(mut by) = messages::load(tx, tenant, by).await? else { return Ok(()) };
    let Some(mut conversation) = conversations::load_locked(tx, tenant, by.conversation).await? else {
        return Ok(());
    };
    by.reply_to = Some(message.id);
    messages::set_reply_to(tx, tenant, &by).await?;
    announce::message(tx, EventKind::MessageUpdated, &mut conversation, &by)
}

/// Whether the change is newer than the ones applied before. If so, its mark is stored even if the message does not
/// change, as when a reaction's removal arrives before the reaction.
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
