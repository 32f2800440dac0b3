//! Stores a customer's message with its contact, conversation, turn and event. A message seen before changes nothing.

use adapters::ContentKind;
use adapters::event::{NewMessage, NoAnswer};

use super::{arrive, greeting, stranger, time};
use crate::announce;
use crate::error::Error;
use crate::growth::touch;
use crate::inbox::message_change::Edit;
use crate::inbox::{consent, files, message_change};
use crate::model::{
    Author, AuthorKind, Channel, Contact, Conversation, Direction, EventKind, LastMessage, MergeKind,
    Message, MessageKind, MessageStatus, Owner,
};
use crate::people::{self, Told};
use crate::store::contacts::Description;
use crate::store::jobs::{self, Acknowledge, FetchProfile, FetchTitle, Slot};
use crate::store::turns::OpenTurns;
use crate::store::{Tx, contacts, conversations, messages, turns};

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &NewMessage) -> Result<bool, Error> {
    let (key, chat) = (event.key.as_str(), event.chat.id.as_str());
    let arrival = conversations::arrival(tx, (channel.tenant, channel.id), event.chat.address(), key).await?;
    let seen = match &arrival {
        Some(arrival) => arrival.seen,
        None => messages::seen(tx, (channel.tenant, channel.id), key).await?.is_some(),
    };
    if seen {
        return complete(tx, channel, event).await;
    }
    // For an unknown chat the combined query returns nothing: pending changes are looked up anyway.
    let awaited = arrival.as_ref().is_none_or(|arrival| arrival.awaited);
    let (known, found, turns) = match arrival {
        Some(arrival) => (Some(arrival.contact), arrival.conversation, arrival.turns),
        None => (None, None, OpenTurns::default()),
    };
    let marked = Box::pin(stranger::marked(tx, channel, known.as_ref(), found.as_ref(), event)).await?;
    let (event, is_strange) = (marked.as_ref().unwrap_or(event), marked.is_some());
    let contact = match known {
        Some(contact) if is_strange => contact,
        known => contact_of(tx, channel, event, chat, known).await?,
    };
    let turns = found.is_some().then_some(turns);
    let found = found.map(|found| Conversation { contact: contact.clone(), ..found });
    let mut conversation = conversation_of(tx, channel, event, &contact, found).await?;
    let author = Author {
        kind: AuthorKind::Customer,
        id: event.sender.id.clone(),
        name: event.sender.name.clone().or(contact.name.filter(|_| !is_strange)),
    };
    let at = time::or_now(&event.told, tx.now());
    let is_history = event.no_answer == Some(NoAnswer::History);
    if event.no_answer.is_none() {
        greeting::forgive(tx, channel, &mut conversation, event).await?;
    }
    // A machine does not make the customer somebody who waits.
    if !is_strange && !matches!(event.no_answer, Some(NoAnswer::Automatic)) {
        conversation.hear(at);
    }
    // Kept, and nobody's attention is asked for.
    let is_blocked = conversation.contact.blocked_at.is_some();
    if !is_history && !is_blocked {
        conversation.inbound_count += 1;
    }
    let event = &*Box::pin(touch::heard(tx, channel, &mut conversation, event, at)).await?;
    let mut message = entry(tx, channel, event, &conversation, Direction::In, author).await?;
    store(tx, channel, event, (key, &conversation), &mut message).await?;
    if awaited {
        message_change::settle(tx, channel, key, &mut message).await?;
    }

    let is_first = conversation.last_seq == 0;
    conversation.last_seq = message.seq;
    if is_history {
        history(&mut conversation, &message, at, is_first);
    } else {
        conversation.last_message = Some(announce::last_message(&message));
        if !is_blocked {
            conversation.updated_at = tx.now();
        }
    }
    conversations::advance(tx, &conversation).await?;
    if event.no_answer == Some(NoAnswer::Stranger) && !is_blocked {
        // A person has to look at it.
        conversations::wait(tx, &mut conversation).await?;
    }
    if is_blocked && event.no_answer.is_none() {
        Box::pin(consent::note(tx, channel, &mut conversation, &message, at)).await?;
    }
    if event.no_answer.is_some() || is_blocked {
        conversation.turn = turns::shown(tx, conversation.tenant, conversation.id).await?;
        announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
        return Ok(true);
    }
    let was_silent = conversation.contact.opted_out_at.is_some();
    let is_silent = Box::pin(consent::hear(tx, channel, &mut conversation, &message, at)).await?;
    // A message deleted before it arrived is shown as deleted and needs no answer, nor does the wish to get none.
    if message.deleted_at.is_none() && (was_silent || !is_silent) {
        conversations::wait(tx, &mut conversation).await?;
    }
    if !is_silent && channel.settings.ai && !event.chat.is_group && message.deleted_at.is_none() {
        arrive::arrive(tx, channel, &mut conversation, (&message, event), turns).await?;
    }
    announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
    Ok(true)
}

/// A message of the history that is known already: its files may be new.
pub(super) async fn complete(tx: &mut Tx<'_>, channel: &Channel, event: &NewMessage) -> Result<bool, Error> {
    if event.no_answer != Some(NoAnswer::History) || event.content.media.is_empty() {
        return Ok(false);
    }
    let Some(id) = messages::seen(tx, (channel.tenant, channel.id), &event.key).await? else {
        return Ok(false);
    };
    let mut data = event.content.data.clone();
    data.insert(word(NoAnswer::History).to_owned(), true.into());
    let whole = Edit {
        content: Some(kind_of(event.content.kind)),
        text: event.content.text.clone(),
        data,
        files: event.content.media.clone(),
    };
    message_change::complete(tx, channel, id, &whole).await
}

/// Lists a conversation by when it was written in, and shows the last of it, also if that is told later.
pub(super) fn history(conversation: &mut Conversation, message: &Message, at: i64, is_first: bool) {
    if is_first {
        conversation.updated_at = at;
    }
    if conversation.last_message.as_ref().is_none_or(|last| last.at <= at) {
        conversation.last_message = Some(LastMessage { at, ..announce::last_message(message) });
        conversation.updated_at = conversation.updated_at.max(at);
    }
}

/// The word by which people see why no machine answers.
fn word(no_answer: NoAnswer) -> &'static str {
    match no_answer {
        NoAnswer::Automatic => "automatic",
        NoAnswer::Standby => "standby",
        NoAnswer::History => "history",
        NoAnswer::Stranger => "stranger",
    }
}

/// Finds or creates the contact of a chat. A second id of the same person (a phone number beside a hidden id) is linked
/// to the same contact; if it has one already, both are merged.
pub(super) async fn contact_of(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &NewMessage,
    chat: &str,
    known: Option<Contact>,
) -> Result<Contact, Error> {
    let place = (channel.tenant, channel.id);
    let said = description_of(event);
    let at = time::or_now(&event.told, tx.now());
    let other = event.sender.other_id.as_deref().filter(|other| *other != chat && !event.chat.is_group);
    let Some(other) = other else {
        if let Some(contact) = known {
            return learn(tx, channel, contact, &said, at).await;
        }
        let contact = contacts::insert(tx, channel.tenant, &said).await?;
        contacts::link(tx, channel.tenant, channel.id, chat, contact.id).await?;
        stranger::know(tx, channel, &contact, event).await?;
        return Ok(contact);
    };
    let beside = contacts::find(tx, place, other).await?;
    let told = |ids, is_doubtful| Told { kind: MergeKind::HiddenId, ids, key: Some(&event.key), is_doubtful };
    let (contact, second, told) = match (known, beside) {
        (Some(contact), Some(beside)) => (contact, Some(beside), told((chat, other), false)),
        (Some(contact), None) if Box::pin(people::is_of_another(tx, channel, &contact, other)).await? => {
            // The number is known as somebody else's: it may have been given to another person.
            let beside = contacts::insert(tx, channel.tenant, &Description::default()).await?;
            contacts::link(tx, channel.tenant, channel.id, other, beside.id).await?;
            (contact, Some(beside), told((chat, other), true))
        }
        (Some(contact), None) => {
            contacts::link(tx, channel.tenant, channel.id, other, contact.id).await?;
            (contact, None, told((chat, other), false))
        }
        (None, Some(beside)) if Box::pin(people::is_of_another(tx, channel, &beside, chat)).await? => {
            let contact = contacts::insert(tx, channel.tenant, &said).await?;
            contacts::link(tx, channel.tenant, channel.id, chat, contact.id).await?;
            (contact, Some(beside), told((chat, other), true))
        }
        (None, Some(beside)) => {
            contacts::link(tx, channel.tenant, channel.id, chat, beside.id).await?;
            (beside, None, told((chat, other), false))
        }
        (None, None) => {
            let contact = contacts::insert(tx, channel.tenant, &said).await?;
            contacts::link(tx, channel.tenant, channel.id, chat, contact.id).await?;
            contacts::link(tx, channel.tenant, channel.id, other, contact.id).await?;
            (contact, None, told((chat, other), false))
        }
    };
    let contact = learn(tx, channel, contact, &said, at).await?;
    if let Some(second) = second.filter(|second| second.id != contact.id) {
        // Boxed, as are the others that few messages need: the future of every message would hold theirs.
        Box::pin(people::same(tx, channel, (&contact, &second), told)).await?;
        // As what it is seen may have changed.
        return Ok(contacts::by_id(tx, channel.tenant, contact.id).await?.unwrap_or(contact));
    }
    Ok(contact)
}

/// A message that was overtaken does not give a contact its former name again.
async fn learn(
    tx: &mut Tx<'_>,
    channel: &Channel,
    contact: Contact,
    said: &Description<'_>,
    at: i64,
) -> Result<Contact, Error> {
    let mut learned = contact.clone();
    // Looked up only for what differs, which is rare.
    if !learned.learn(said) {
        return Ok(contact);
    }
    if !contacts::is_newest(tx, channel.tenant, contact.id, at).await? {
        // What was not known at all is worth having, however old it is.
        let before = contact.clone();
        learned.name = contact.name.or(learned.name);
        learned.user_name = contact.user_name.or(learned.user_name);
        learned.handle = contact.handle.or(learned.handle);
        if learned == before {
            return Ok(before);
        }
    }
    contacts::describe(tx, channel.tenant, &learned, at).await?;
    Ok(learned)
}

/// What an event says about the contact. In a group the sender is one participant, while the contact is the group. An
/// event of the business says nothing about the contact.
fn description_of(event: &NewMessage) -> Description<'_> {
    if event.chat.is_group {
        return Description { name: event.chat.title.as_deref(), ..Description::default() };
    }
    if event.author != adapters::event::Author::Customer {
        return Description::default();
    }
    Description {
        name: event.sender.name.as_deref(),
        phone: event.sender.phone.as_deref(),
        user_name: event.sender.handle.as_deref(),
    }
}

/// Returns the contact's open conversation in the event's thread, locked; opens one if there is none.
pub(super) async fn conversation_of(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &NewMessage,
    contact: &Contact,
    found: Option<Conversation>,
) -> Result<Conversation, Error> {
    let new = conversations::NewConversation {
        channel,
        contact,
        address: event.chat.address(),
        thread_title: event.chat.thread_title.as_deref(),
        is_group: event.chat.is_group,
        owner: if channel.settings.ai && !event.chat.is_group { Owner::Ai } else { Owner::Nobody },
    };
    let conversation = conversations::open(tx, &new, found).await?;
    // Once for each conversation of an untitled group: not every provider sends the title with a message.
    if event.chat.is_group && conversation.last_seq == 0 && contact.name.is_none() {
        let lane = format!("title:{}", conversation.id);
        let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: 0 };
        jobs::push(tx, &slot, &FetchTitle { conversation: conversation.id }).await?;
    }
    if contact.name.is_none() && !event.chat.is_group {
        ask_profile(tx, channel, event, &conversation).await?;
    }
    Ok(conversation)
}

/// Asks the provider who the customer is: once, once more when the customer writes after a refusal, and then at most once a
/// day.
async fn ask_profile(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &NewMessage,
    conversation: &Conversation,
) -> Result<(), Error> {
    const DAY_MS: i64 = 24 * 3_600_000;
    if !adapters::provider(&channel.kind).is_some_and(adapters::Provider::has_profiles) {
        return Ok(());
    }
    let contact = (channel.tenant, conversation.contact.id);
    let Some((asks, asked_at)) = contacts::profile_asks(tx, contact, conversation.id).await? else {
        return Ok(());
    };
    let is_customer = event.author == adapters::event::Author::Customer;
    if asks == 0 || (is_customer && (asks == 1 || asked_at < tx.now() - DAY_MS)) {
        let lane = format!("profile:{}", conversation.id);
        let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: 0 };
        jobs::push(tx, &slot, &FetchProfile { conversation: conversation.id }).await?;
    }
    Ok(())
}

/// Builds the message of an event, as the next one of its conversation.
pub(super) async fn entry(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &NewMessage,
    conversation: &Conversation,
    direction: Direction,
    author: Author,
) -> Result<Message, Error> {
    let reply_to = match event.reply_key.as_deref() {
        Some(key) => message_change::message_of(tx, channel, key).await?,
        None => None,
    };
    // The text of a button press is the button's label.
    let label = || event.content.data.get("label").and_then(serde_json::Value::as_str).map(str::to_owned);
    let mut data = event.content.data.clone();
    data.remove(messages::NO_ANSWER);
    if let Some(no_answer) = event.no_answer {
        data.insert(messages::NO_ANSWER.to_owned(), word(no_answer).into());
        data.insert(word(no_answer).to_owned(), true.into());
    }
    let data = (!data.is_empty()).then_some(serde_json::Value::Object(data));
    Ok(Message {
        kind: kind_of(event.content.kind),
        text: event.content.text.clone().or_else(label),
        reply_to,
        status: if direction == Direction::In { MessageStatus::Received } else { MessageStatus::Sent },
        provider_at: event.told.at_ms,
        data,
        ..Message::next(tx.new_id(), conversation, direction, author, tx.now())
    })
}

/// Inserts the message and its attachments, with jobs that download them.
pub(super) async fn store(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &NewMessage,
    (key, conversation): (&str, &Conversation),
    message: &mut Message,
) -> Result<(), Error> {
    let place = messages::MessageKeys {
        tenant: channel.tenant,
        channel: channel.id,
        external_key: Some(key),
        external_id: event.id.as_deref(),
        client_digest: None,
        inbound_count: conversation.inbound_count,
    };
    messages::insert(tx, message, &place).await?;
    message_change::await_quoted(tx, channel, event.reply_key.as_deref(), message).await?;
    for (position, media) in event.content.media.iter().enumerate() {
        let file = files::attach(tx, channel, message.id, position as i64, media).await?;
        message.attachments.push(file);
    }
    if event.awaits_answer {
        let lane = format!("acknowledge:{}", message.id);
        let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: 0 };
        jobs::push(tx, &slot, &Acknowledge { message: message.id }).await?;
    }
    Ok(())
}

pub(super) fn kind_of(kind: ContentKind) -> MessageKind {
    match kind {
        ContentKind::Text => MessageKind::Text,
        ContentKind::Image => MessageKind::Image,
        ContentKind::Audio => MessageKind::Audio,
        ContentKind::Voice => MessageKind::Voice,
        ContentKind::Video => MessageKind::Video,
        ContentKind::Document => MessageKind::Document,
        ContentKind::Sticker => MessageKind::Sticker,
        ContentKind::Location => MessageKind::Location,
        ContentKind::Contacts => MessageKind::Contacts,
        ContentKind::Interactive => MessageKind::Interactive,
        ContentKind::Order => MessageKind::Order,
        ContentKind::Unsupported => MessageKind::Unsupported,
    }
}
