//! Adds events to a transaction. Every event is encoded here.

use anyhow::Context as _;
use uuid::Uuid;

use crate::error::Error;
use crate::model::{
    Conversation, EventBody, EventKind, LastMessage, Lead, Message, MessageStatus, PersonChange, ReadEvent,
    Turn,
};
use crate::store::{Draft, Tx};

/// Length in characters of a message's preview in lists.
const PREVIEW: usize = 160;

fn emit(tx: &mut Tx<'_>, event: &EventBody, user: Option<Uuid>) -> Result<(), Error> {
    let body = serde_json::to_string(event).context("an event cannot be written as JSON")?;
    tx.emit(Draft {
        tenant: event.tenant,
        kind: event.kind.as_str(),
        company: event.company,
        channel: event.channel,
        user,
        body,
    });
    Ok(())
}

pub fn message(
    tx: &mut Tx<'_>,
    kind: EventKind,
    conversation: &mut Conversation,
    message: &Message,
) -> Result<(), Error> {
    let event =
        EventBody::new(conversation.tenant, kind, tx.now()).about(conversation).message(message.clone());
    emit(tx, &event, None)
}

pub fn conversation(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), Error> {
    let event =
        EventBody::new(conversation.tenant, EventKind::ConversationUpdated, tx.now()).about(conversation);
    emit(tx, &event, None)
}

/// A turn changed. `conversation.turn` must already have its new value.
pub fn turn(tx: &mut Tx<'_>, conversation: &mut Conversation, turn: &Turn) -> Result<(), Error> {
    let event = EventBody::new(conversation.tenant, EventKind::TurnUpdated, tx.now())
        .about(conversation)
        .turn(turn.clone());
    emit(tx, &event, None)
}

/// A channel changed: settings, state or health.
pub fn channel(tx: &mut Tx<'_>, channel: &crate::model::Channel) -> Result<(), Error> {
    let mut event = EventBody::new(channel.tenant, EventKind::ChannelUpdated, tx.now());
    event.company = Some(channel.company);
    event.channel = Some(channel.id);
    event.channel_state = Some(channel.view(false));
    emit(tx, &event, None)
}

/// A landing page handed in a lead.
pub fn lead(tx: &mut Tx<'_>, lead: &Lead) -> Result<(), Error> {
    let mut event = EventBody::new(lead.tenant, EventKind::LeadCreated, tx.now());
    event.company = lead.company;
    event.lead = Some(lead.clone());
    emit(tx, &event, None)
}

/// A user's read mark moved. Sent only to that user's sessions.
pub fn read(tx: &mut Tx<'_>, conversation: &Conversation, read: ReadEvent) -> Result<(), Error> {
    let user = read.user;
    let mut event = EventBody::new(conversation.tenant, EventKind::ConversationRead, tx.now());
    event.company = Some(conversation.company);
    event.channel = Some(conversation.channel);
    event.read = Some(read);
    emit(tx, &event, Some(user))
}

/// A person changed. `company` has conversations with it.
pub fn person(
    tx: &mut Tx<'_>,
    (tenant, company): (Uuid, Uuid),
    kind: EventKind,
    change: &PersonChange,
) -> Result<(), Error> {
    let mut event = EventBody::new(tenant, kind, tx.now());
    event.company = Some(company);
    event.person = Some(change.clone());
    emit(tx, &event, None)
}

/// The preview of a message in lists.
pub fn last_message(message: &Message) -> LastMessage {
    LastMessage {
        seq: message.seq,
        direction: message.direction,
        kind: message.kind,
        text: message
            .text
            .as_ref()
            .filter(|_| message.deleted_at.is_none())
            .map(|text| text.chars().take(PREVIEW).collect()),
        author: message.author.clone(),
        at: message.created_at,
        problem: problem(message),
    }
}

/// The status of a message that did not go out as it should.
pub fn problem(message: &Message) -> Option<MessageStatus> {
    matches!(message.status, MessageStatus::Failed | MessageStatus::Unknown).then_some(message.status)
}
