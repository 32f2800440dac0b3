//! Events that name a delivery by our own reference: a status or an echo that comes before the answer of the send call, or
//! when that answer was lost. The reference finds deliveries of the same channel only.

use adapters::event::{NewMessage, Receipt};
use uuid::Uuid;

use super::time;
use crate::error::Error;
use crate::inbox::{message_change, receipt};
use crate::model::{Channel, MessageError, MessageStatus};
use crate::store::Tx;
use crate::store::deliveries::{self, Delivery};

/// The delivery of the channel with this reference.
pub(super) async fn find(
    tx: &mut Tx<'_>,
    channel: &Channel,
    reference: Option<&str>,
) -> Result<Option<Delivery>, Error> {
    let Some(id) = reference.and_then(|reference| Uuid::try_parse(reference).ok()) else { return Ok(None) };
    let found = deliveries::load(tx, channel.tenant, id).await?;
    Ok(found.filter(|delivery| delivery.channel == channel.id))
}

/// Applies a status to the delivery that the receipt names. `None`: it names none.
pub(super) async fn status(
    tx: &mut Tx<'_>,
    channel: &Channel,
    event: &Receipt,
    (status, error): (MessageStatus, Option<MessageError>),
) -> Result<Option<bool>, Error> {
    let found = find(tx, channel, event.our_reference.as_deref()).await?;
    let Some(mut delivery) = found else { return Ok(None) };
    let key = event.target_key.as_str();
    let is_named = event.our_reference.as_deref() != Some(key);
    let is_present = !is_named
        || delivery.external_key.as_deref().is_none_or(|known| known == key) && !delivery.is_former(key);
    // An earlier try says nothing about the present one, unless the customer has got the message by it.
    let reached = matches!(status, MessageStatus::Delivered | MessageStatus::Read | MessageStatus::Played);
    let waits_anew = delivery.state == MessageStatus::Queued && status == MessageStatus::Failed;
    if (!is_present && !reached) || waits_anew {
        return Ok(Some(false));
    }
    let is_new = is_named && is_present && delivery.external_key.is_none() && !key.is_empty();
    if is_new {
        receipt::claim_key(tx, &delivery, key).await?;
        delivery.external_key = Some(key.to_owned());
        delivery.external_id = delivery.external_id.or_else(|| Some(key.to_owned()));
    }
    let advanced = receipt::advance(tx, &mut delivery, status, error).await?;
    if is_new {
        if !advanced {
            deliveries::update(tx, &delivery).await?;
        }
        message_change::settle_delivery(tx, channel, key).await?;
    }
    Ok(Some(advanced))
}

/// Applies the echo of a delivery.
pub(super) async fn echo(
    tx: &mut Tx<'_>,
    channel: &Channel,
    delivery: Delivery,
    event: &NewMessage,
) -> Result<bool, Error> {
    if delivery.is_former(&event.key) {
        return Ok(false);
    }
    receipt::claim_key(tx, &delivery, &event.key).await?;
    mark_sent(tx, channel, delivery, &event.key, event).await
}

/// Marks the delivery as sent. The echo proves it, whether the delivery was sending, unknown, waiting for a retry or
/// given up.
pub(super) async fn mark_sent(
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
    // The provider's own time, with which its watermarks are compared.
    let at = time::of(&event.told, tx.now()).filter(|at| delivery.sent_at != Some(*at));
    delivery.sent_at = at.or(delivery.sent_at);
    if news || at.is_some() || delivery.begun_at.is_some() || delivery.external_id.is_none() {
        delivery.external_key = Some(key.to_owned());
        delivery.external_id = event.id.clone().or(delivery.external_id);
        receipt::settled(tx, &mut delivery, was).await?;
        // Applies receipts and reactions that came before the key was known.
        message_change::settle_delivery(tx, channel, key).await?;
        message_change::settle_outcome(tx, channel, delivery.id).await?;
    }
    Ok(news)
}
