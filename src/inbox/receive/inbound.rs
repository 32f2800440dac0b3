//! A message of a customer: contact, conversation, message, turn and event, or nothing if it was seen.

use adapters::{Event, Kind};

use super::{arrive, phone, time};
use crate::error::Error;
use crate::inbox::{announce, effect, files};
use crate::model::{
    Author, AuthorKind, Channel, Contact, Conversation, Direction, EventKind, Message, MessageKind,
    MessageStatus, Owner,
};
use crate::store::jobs::{self, Acknowledge, Slot};
use crate::store::turns::OpenTurns;
use crate::store::{Tx, contacts, conversations, messages};

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let (Some(key), Some(chat)) = (event.message_key(), event.external_conversation_id.as_deref()) else {
        return Ok(false);
    };
    let arrival = conversations::arrival(tx, channel.id, chat, key).await?;
    let seen = match &arrival {
        Some(arrival) => arrival.seen,
        None => messages::seen(tx, channel.id, key).await?.is_some(),
    };
    if seen {
        return Ok(false);
    }
    // Of a chat that has never written everything has to be looked for.
    let awaited = arrival.as_ref().is_none_or(|arrival| arrival.awaited);
    let (known, found, turns) = match arrival {
        Some(arrival) => (Some(arrival.contact), arrival.conversation, arrival.turns),
        None => (None, None, OpenTurns::default()),
    };
    let contact = contact_of(tx, channel, event, chat, known).await?;
    let turns = found.is_some().then_some(turns);
    let found = found.map(|found| Conversation { contact: contact.clone(), ..found });
    let mut conversation = conversation_of(tx, channel, event, (chat, &contact), found).await?;
    let author = Author {
        kind: AuthorKind::Customer,
        id: event.external_contact_id.clone(),
        name: event.contact_name.clone().or(contact.name),
    };
    phone::forgive(tx, channel, &mut conversation, event).await?;
    conversation.heard_at = time::of(event, tx.now()).or(Some(tx.now()));
    conversation.inbound_count += 1;
    let mut message = entry(tx, channel, event, &conversation, Direction::In, author).await?;
    store(tx, channel, event, (key, &conversation), &mut message).await?;
    if awaited {
        effect::settle(tx, channel, key, &mut message).await?;
    }

    conversation.last_seq = message.seq;
    conversation.last_message = Some(announce::last_message(&message));
    conversation.updated_at = tx.now();
    conversations::advance(tx, &conversation).await?;
    conversations::wait(tx, &mut conversation).await?;
    if channel.settings.ai && !event.is_group {
        arrive::arrive(tx, channel, &mut conversation, (&message, event), turns).await?;
    }
    announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
    Ok(true)
}

/// The contact behind a chat, made when it writes for the first time. A second id of the same person (a
/// phone beside a hidden id) leads to the same contact.
pub(super) async fn contact_of(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &Event,
    chat: &str,
    known: Option<Contact>,
) -> Result<Contact, Error> {
    let other = event.alternate_contact_id.as_deref().filter(|other| *other != chat && !event.is_group);
    let linked = known.is_some();
    let mut found = known;
    if found.is_none()
        && let Some(other) = other
    {
        found = contacts::find(tx, channel.id, other).await?;
    }
    // In a group the name is that of one participant; from us, it is nobody's.
    let theirs = !event.is_group && event.direction != Some(adapters::Direction::Outbound);
    let name = event.contact_name.as_deref().filter(|_| theirs);
    let handle = event.contact_phone.as_deref().filter(|_| theirs);
    let mut contact = match found {
        Some(contact) => contact,
        None => contacts::insert(tx, channel.tenant, name, handle).await?,
    };
    let changed = (name.is_some() && contact.name.as_deref() != name)
        || (handle.is_some() && contact.handle.as_deref() != handle);
    if changed {
        contact.name = name.map(str::to_owned).or(contact.name);
        contact.handle = handle.map(str::to_owned).or(contact.handle);
        contacts::describe(tx, channel.tenant, &contact).await?;
    }
    if !linked {
        contacts::link(tx, channel.tenant, channel.id, chat, contact.id).await?;
    }
    if let Some(other) = other {
        contacts::link(tx, channel.tenant, channel.id, other, contact.id).await?;
    }
    Ok(contact)
}

/// The open conversation of the contact, locked.
pub(super) async fn conversation_of(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &Event,
    (chat, contact): (&str, &Contact),
    found: Option<Conversation>,
) -> Result<Conversation, Error> {
    let new = conversations::NewConversation {
        channel,
        contact,
        external_id: chat,
        is_group: event.is_group,
        owner: if channel.settings.ai && !event.is_group { Owner::Ai } else { Owner::Nobody },
    };
    Ok(conversations::open(tx, &new, found).await?)
}

/// The message that an event describes, at the end of its conversation.
pub(super) async fn entry(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &Event,
    conversation: &Conversation,
    direction: Direction,
    author: Author,
) -> Result<Message, Error> {
    let reply_to = match event.reply_key() {
        Some(key) => effect::message_of(tx, channel, key).await?,
        None => None,
    };
    let data = (!event.data.is_empty()).then(|| serde_json::Value::Object(event.data.clone()));
    Ok(Message {
        kind: kind_of(event.kind),
        text: event.text.clone(),
        reply_to,
        status: if direction == Direction::In { MessageStatus::Received } else { MessageStatus::Sent },
        provider_at: event.timestamp_ms,
        data,
        ..Message::next(tx.new_id(), conversation, direction, author, tx.now())
    })
}

/// Writes the message, and its files (to be fetched by jobs), at the end of its conversation.
pub(super) async fn store(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &Event,
    (key, conversation): (&str, &Conversation),
    message: &mut Message,
) -> Result<(), Error> {
    let place = messages::Place {
        tenant: channel.tenant,
        channel: channel.id,
        external_key: Some(key),
        external_id: event.external_message_id.as_deref(),
        client_digest: None,
        inbound_count: conversation.inbound_count,
    };
    messages::insert(tx, message, &place).await?;
    for (position, media) in event.media.iter().enumerate() {
        let file = files::attach(tx, channel, message.id, position as i64, media).await?;
        message.attachments.push(file);
    }
    if event.data.contains_key("callback_query_id") {
        let lane = format!("acknowledge:{}", message.id);
        let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: 0 };
        jobs::push(tx, &slot, &Acknowledge { message: message.id }).await?;
    }
    Ok(())
}

pub(super) fn kind_of(kind: Kind) -> MessageKind {
    match kind {
        Kind::Text => MessageKind::Text,
        Kind::Image => MessageKind::Image,
        Kind::Audio => MessageKind::Audio,
        Kind::Voice => MessageKind::Voice,
        Kind::Video => MessageKind::Video,
        Kind::Document => MessageKind::Document,
        Kind::Sticker => MessageKind::Sticker,
        Kind::Location => MessageKind::Location,
        Kind::Contacts => MessageKind::Contacts,
        Kind::Interactive => MessageKind::Interactive,
        Kind::Order => MessageKind::Order,
        _ => MessageKind::Unsupported,
    }
}
