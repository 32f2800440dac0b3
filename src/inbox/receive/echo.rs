//! Echoes of messages that the business sent. Our own are matched to their delivery and never shown twice; one that a
//! person typed on the phone becomes a message, and the AI stops answering.

use adapters::event::{self, NewMessage};
use uuid::Uuid;

use super::phone::{self, Typed};
use super::referred::mark_sent;
use super::{echo_match, greeting, inbound, referred, time};
use crate::announce;
use crate::error::Error;
use crate::inbox::message_change;
use crate::inbox::outgoing::Part;
use crate::model::{Author, AuthorKind, Channel, Direction, EventKind};
use crate::store::deliveries::{self, Delivery};
use crate::store::{Tx, contacts, conversations, messages, ownership, turns};

/// How far back an echo marked as ours is matched: as long as a send is retried.
const OURS_MS: i64 = 24 * 3_600_000;
/// How far back an unmarked echo is matched: the same text later was written by someone else.
const ANYBODYS_MS: i64 = 15 * 60_000;

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &NewMessage) -> Result<bool, Error> {
    let (key, chat) = (event.key.as_str(), event.chat.id.as_str());
    if messages::seen(tx, (channel.tenant, channel.id), key).await?.is_some() {
        return inbound::complete(tx, channel, event).await;
    }
    if let Some(delivery) = referred::find(tx, channel, event.our_reference.as_deref()).await? {
        return referred::echo(tx, channel, delivery, event).await;
    }
    if let Some(news) = ours(tx, channel, key, event).await? {
        return Ok(news);
    }
    let known = contacts::find(tx, (channel.tenant, channel.id), chat).await?;
    // Before a conversation is opened: the delivery may belong to one that was just closed.
    if event.author != event::Author::Phone
        && let Some(contact) = &known
        && let Some(delivery) = in_flight(tx, channel, contact.id, event).await?
    {
        return mark_sent(tx, channel, delivery, key, event).await;
    }
    let contact = inbound::contact_of(tx, channel, event, chat, known).await?;
    let mut conversation = inbound::conversation_of(tx, channel, event, &contact, None).await?;
    // If it is not ours and the provider names no author, a person wrote it.
    let by_person = matches!(event.author, event::Author::Phone | event::Author::Business);
    let kind = if by_person { AuthorKind::Phone } else { AuthorKind::OtherApp };
    let author = Author { kind, id: None, name: None };
    let mut message = inbound::entry(tx, channel, event, &conversation, Direction::Out, author).await?;
    let ownership = ownership::load(tx, channel.tenant, conversation.id).await?;
    let typed = if event.no_answer.is_some() {
        // What was written before the account was connected, or beside us, tells nothing about who answers now.
        Some(Typed::Before)
    } else if by_person {
        Some(phone::judge(tx, channel, &conversation, &ownership, event).await?)
    } else {
        None
    };
    if typed == Some(Typed::ByItself) {
        message.data = Some(phone::mark(message.data.take()));
    }
    if typed == Some(Typed::ByPerson) {
        greeting::note(tx, channel, &conversation, &mut message, time::or_now(&event.told, tx.now())).await?;
    }
    inbound::store(tx, channel, event, (key, &conversation), &mut message).await?;
    message_change::settle(tx, channel, key, &mut message).await?;
    if typed == Some(Typed::ByPerson) {
        phone::silence(tx, channel, &mut conversation, &ownership, event).await?;
    }
    let is_history = event.no_answer == Some(event::NoAnswer::History);
    let is_first = conversation.last_seq == 0;
    conversation.last_seq = message.seq;
    if is_history {
        let at = time::or_now(&event.told, tx.now());
        inbound::history(&mut conversation, &message, at, is_first);
    } else {
        conversation.last_message = Some(announce::last_message(&message));
        conversation.updated_at = tx.now();
    }
    conversations::advance(tx, &conversation).await?;
    // A message written before the customer's last one does not answer it.
    let said_until = time::of(&event.told, tx.now()).map_or(i64::MAX, time::end_of);
    let is_answer = ownership.heard_at.is_none_or(|heard| heard <= said_until);
    if is_answer && !is_history && typed != Some(Typed::ByItself) {
        conversations::answered(tx, &mut conversation).await?;
    }
    // The event shows a turn that is still open.
    conversation.turn = turns::shown(tx, conversation.tenant, conversation.id).await?;
    announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
    Ok(true)
}

/// Handles the echo of a delivery with a known key; `None` if there is no such delivery.
async fn ours(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    event: &NewMessage,
) -> Result<Option<bool>, Error> {
    let Some(delivery) = deliveries::by_key(tx, (channel.tenant, channel.id), key).await? else {
        return Ok(None);
    };
    mark_sent(tx, channel, delivery, key, event).await.map(Some)
}

/// Finds an unsettled delivery with the same content: the echo may overtake the provider's answer, and without a reserved
/// id it is the only proof of a send whose answer was lost. Oldest first, because equal texts come back in the order in
/// which they were sent.
async fn in_flight(
    tx: &mut Tx<'_>,
    channel: &Channel,
    contact: Uuid,
    event: &NewMessage,
) -> Result<Option<Delivery>, Error> {
    let certain = event.author == event::Author::Us;
    let after = tx.now() - if certain { OURS_MS } else { ANYBODYS_MS };
    for candidate in deliveries::unsettled(
        tx,
        (channel.tenant, channel.id),
        (contact, event.chat.thread.as_deref()),
        after,
    )
    .await?
    {
        // An echo of a reserved id would carry it, unless the engine ignores reserved ids and marks the echo as ours.
        if candidate.reserved_id.is_some() && !certain {
            continue;
        }
        // A damaged payload matches nothing and does not stop the search.
        let part = serde_json::from_str::<Part>(&candidate.payload);
        if part.is_ok_and(|part| echo_match::is_same(&part, &event.content)) {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}
