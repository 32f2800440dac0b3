//! A message that left the business comes back. Our own is matched and never shown twice; what a person
//! typed on the phone becomes a message, and silences the AI.

use adapters::{Event, Origin};
use anyhow::Context as _;
use uuid::Uuid;

use super::inbound;
use crate::error::Error;
use crate::inbox::outgoing::Part;
use crate::inbox::{announce, effect, own, receipt};
use crate::model::{Author, AuthorKind, Channel, Direction, EventKind, MessageStatus, Owner};
use crate::store::deliveries::{self, Delivery};
use crate::store::{Tx, contacts, conversations, messages};

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let (Some(key), Some(chat)) = (event.message_key(), event.external_conversation_id.as_deref()) else {
        return Ok(false);
    };
    if messages::seen(tx, channel.id, key).await?.is_some() {
        return Ok(false);
    }
    if let Some(news) = ours(tx, channel, key, event).await? {
        return Ok(news);
    }
    // Before a conversation is opened: ours may belong to one that was just closed.
    if event.origin != Some(Origin::HumanDevice)
        && let Some(contact) = contacts::find(tx, channel.id, chat).await?
        && let Some(delivery) = in_flight(tx, channel, contact.id, event).await?
    {
        return left(tx, delivery, key, event).await;
    }
    let known = contacts::find(tx, channel.id, chat).await?;
    let contact = inbound::contact_of(tx, channel, event, chat, known).await?;
    let mut conversation = inbound::conversation_of(tx, channel, event, (chat, &contact), None).await?;
    // Where the provider does not say who wrote it and it is not ours, a person did.
    let by_person = event.origin != Some(Origin::OurApi) && event.origin != Some(Origin::OtherApp);
    let kind = if by_person { AuthorKind::Phone } else { AuthorKind::OtherApp };
    let author = Author { kind, id: None, name: None };
    let mut message = inbound::entry(tx, channel, event, &conversation, Direction::Out, author).await?;
    inbound::store(tx, channel, event, (key, &conversation), &mut message).await?;
    effect::settle(tx, channel, key, &mut message).await?;
    if by_person {
        own::change(tx, &mut conversation, Owner::Human, None, "taken_over").await?;
    }
    conversation.last_seq = message.seq;
    conversation.last_message = Some(announce::last_message(&message));
    conversation.updated_at = tx.now();
    conversations::advance(tx, &conversation).await?;
    conversations::answered(tx, &mut conversation).await?;
    announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
    Ok(true)
}

/// The echo of a part whose key we know; nothing if there is none.
async fn ours(tx: &mut Tx<'_>, channel: &Channel, key: &str, event: &Event) -> Result<Option<bool>, Error> {
    let Some(delivery) = deliveries::by_key(tx, channel.id, key).await? else { return Ok(None) };
    left(tx, delivery, key, event).await.map(Some)
}

/// A part of ours that has left without an answer yet and says the same: the echo may overtake the answer
/// of the send, and where the provider takes no reserved id it is the only proof of a lost one.
async fn in_flight(
    tx: &mut Tx<'_>,
    channel: &Channel,
    contact: Uuid,
    event: &Event,
) -> Result<Option<Delivery>, Error> {
    for candidate in deliveries::in_flight(tx, channel.id, contact).await? {
        let part: Part =
            serde_json::from_str(&candidate.payload).context("a delivery's payload is damaged")?;
        let same_text = part.text.as_deref().map(str::trim) == event.text.as_deref().map(str::trim);
        if !same_text || part.media.is_some() != (event.attachments > 0) {
            continue;
        }
        return Ok(Some(candidate));
    }
    Ok(None)
}

/// The echo proves that the part has left.
async fn left(tx: &mut Tx<'_>, mut delivery: Delivery, key: &str, event: &Event) -> Result<bool, Error> {
    let news = delivery.state.may_become(MessageStatus::Sent);
    if news {
        delivery.state = MessageStatus::Sent;
        delivery.error = None;
    }
    if news || delivery.external_key.is_none() || delivery.external_id.is_none() {
        delivery.external_key = Some(key.to_owned());
        delivery.external_id = event.external_message_id.clone().or(delivery.external_id);
        deliveries::update(tx, &delivery).await?;
        receipt::refresh(tx, &delivery).await?;
    }
    Ok(news)
}
