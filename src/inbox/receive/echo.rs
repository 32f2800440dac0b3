//! A message that left the business comes back. Our own is matched and never shown twice; what a person
//! typed on the phone becomes a message, and silences the AI.

use adapters::event::{self, NewMessage};
use uuid::Uuid;

use super::phone::{self, Typed};
use super::{greeting, inbound, same, time};
use crate::announce;
use crate::error::Error;
use crate::inbox::outgoing::Part;
use crate::inbox::{message_change, receipt};
use crate::model::{Author, AuthorKind, Channel, Direction, EventKind, MessageStatus};
use crate::store::deliveries::{self, Delivery};
use crate::store::{Tx, contacts, conversations, messages, ownership, turns};

/// An echo that says it is ours is looked for among what was sent within so long, as long as a send is tried.
const OURS_MS: i64 = 24 * 3_600_000;
/// One that does not say whose it is: the same words later are somebody else's.
const ANYBODYS_MS: i64 = 15 * 60_000;

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &NewMessage) -> Result<bool, Error> {
    let (key, chat) = (event.key.as_str(), event.chat.id.as_str());
    if messages::seen(tx, (channel.tenant, channel.id), key).await?.is_some() {
        return Ok(false);
    }
    if let Some(news) = ours(tx, channel, key, event).await? {
        return Ok(news);
    }
    let known = contacts::find(tx, (channel.tenant, channel.id), chat).await?;
    // Before a conversation is opened: ours may belong to one that was just closed.
    if event.author != event::Author::Phone
        && let Some(contact) = &known
        && let Some(delivery) = in_flight(tx, channel, contact.id, event).await?
    {
        return left(tx, channel, delivery, key, event).await;
    }
    let contact = inbound::contact_of(tx, channel, event, chat, known).await?;
    let mut conversation = inbound::conversation_of(tx, channel, event, &contact, None).await?;
    // Where the provider does not say who wrote it and it is not ours, a person did.
    let by_person = matches!(event.author, event::Author::Phone | event::Author::Business);
    let kind = if by_person { AuthorKind::Phone } else { AuthorKind::OtherApp };
    let author = Author { kind, id: None, name: None };
    let mut message = inbound::entry(tx, channel, event, &conversation, Direction::Out, author).await?;
    let ownership = ownership::load(tx, channel.tenant, conversation.id).await?;
    let typed = if by_person {
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
    conversation.last_seq = message.seq;
    conversation.last_message = Some(announce::last_message(&message));
    conversation.updated_at = tx.now();
    conversations::advance(tx, &conversation).await?;
    // What was said before the customer's last words is no answer to them.
    let said_until = time::of(&event.told, tx.now()).map_or(i64::MAX, time::end_of);
    let is_answer = ownership.heard_at.is_none_or(|heard| heard <= said_until);
    if is_answer && typed != Some(Typed::ByItself) {
        conversations::answered(tx, &mut conversation).await?;
    }
    // A turn that goes on is shown with it.
    conversation.turn = turns::shown(tx, conversation.tenant, conversation.id).await?;
    announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
    Ok(true)
}

/// The echo of a part whose key we know; nothing if there is none.
async fn ours(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    event: &NewMessage,
) -> Result<Option<bool>, Error> {
    let Some(delivery) = deliveries::by_key(tx, (channel.tenant, channel.id), key).await? else {
        return Ok(None);
    };
    left(tx, channel, delivery, key, event).await.map(Some)
}

/// A part of ours that may have left without our knowing, and says the same: the echo may overtake the answer of the send,
/// and where the provider takes no reserved id it is the only proof of a lost one. The oldest first: texts that are the
/// same come back in the order in which they left.
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
        // Of a reserved id the echo has to have it, unless it says itself that it is ours: not every engine takes them.
        if candidate.reserved_id.is_some() && !certain {
            continue;
        }
        // A damaged one is known by nothing, and keeps no other from being found.
        let part = serde_json::from_str::<Part>(&candidate.payload);
        if part.is_ok_and(|part| same::is_same(&part, &event.content)) {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// The echo proves that the part has left, whatever was thought of it: on its way, unknown, waiting for another try, or
/// given up.
async fn left(
    tx: &mut Tx<'_>,
    channel: &Channel,
    mut delivery: Delivery,
    key: &str,
    event: &NewMessage,
) -> Result<bool, Error> {
    let (news, was) = (receipt::proves(&delivery, MessageStatus::Sent), delivery.state);
    if news {
        delivery.state = MessageStatus::Sent;
        delivery.error = None;
    }
    if news || delivery.begun_at.is_some() || delivery.external_id.is_none() {
        delivery.external_key = Some(key.to_owned());
        delivery.external_id = event.id.clone().or(delivery.external_id);
        receipt::settled(tx, &mut delivery, was).await?;
        // Receipts and reactions that came before told us a key that nobody knew.
        message_change::settle_delivery(tx, channel, key).await?;
    }
    Ok(news)
}
