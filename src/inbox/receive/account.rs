//! What happens to the account rather than to a message: its session, the ids of its chats.

use adapters::Event;
use serde_json::Value;

use super::time;
use crate::error::Error;
use crate::inbox::{health, outgoing};
use crate::model::{Channel, ChannelHealth, ChannelState};
use crate::store::jobs::{self, Class};
use crate::store::queues::QueueKey;
use crate::store::{Tx, channels, connections, contacts, conversations};

/// The state of a WAHA session becomes the health of its channel.
pub(super) async fn session(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let Some(word) = event.state.as_deref() else { return Ok(false) };
    let state = match word {
        "WORKING" => "ok",
        "STARTING" => "degraded",
        _ => "down",
    };
    let mut channel =
        channels::by_id(tx, channel.tenant, channel.id).await?.ok_or(Error::NotFound("channel"))?;
    let at = time::or_now(event, tx.now());
    // Session states arrive in any order: an older one says nothing new.
    if channel.health.as_ref().is_some_and(|health| health.at > at) {
        return Ok(false);
    }
    let detail = Some(adapters::Words::from(word).into());
    health::note(tx, &mut channel, ChannelHealth { state: state.to_owned(), detail, at }).await?;
    if state == "ok" && channel.state == ChannelState::Active {
        jobs::recovered(tx, channel.tenant, channel.id).await?;
    }
    Ok(true)
}

/// The customer lets the bot write again: what waits for another try leaves now.
pub(super) async fn membership(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let (Some("unblocked" | "added"), Some(chat)) =
        (event.state.as_deref(), event.external_conversation_id.as_deref())
    else {
        return Ok(false);
    };
    let Some(contact) = contacts::find(tx, (channel.tenant, channel.id), chat).await? else {
        return Ok(false);
    };
    let queue = QueueKey { tenant: channel.tenant, id: channel.id, class: Class::Send };
    for open in conversations::all_open_of(tx, (channel.tenant, channel.id), contact.id).await? {
        jobs::hurry_lane(tx, queue, &outgoing::lane_of(open)).await?;
    }
    Ok(true)
}

/// An account lets the bot act in its place, or no longer.
pub(super) async fn connection(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let said = |name: &str| match event.data.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let Some(id) = said("connection_id") else { return Ok(false) };
    let owner = said("owner_id");
    let enabled = event.data.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let at = event.timestamp_ms.unwrap_or_else(|| tx.now());
    let place = (channel.tenant, channel.id);
    Ok(connections::note(tx, place, &id, owner.as_deref(), (enabled, at)).await?)
}

/// The provider gave a chat another id: the conversation goes on under it.
pub(super) async fn renamed(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let new = event.data.get("new_external_conversation_id").and_then(Value::as_str);
    let (Some(from), Some(to)) = (event.external_conversation_id.as_deref(), new) else { return Ok(false) };
    if from == to || contacts::find(tx, (channel.tenant, channel.id), from).await?.is_none() {
        return Ok(false);
    }
    // The new id may have written first: then both are known, and each keeps what it has.
    if contacts::find(tx, (channel.tenant, channel.id), to).await?.is_none() {
        contacts::rename_identity(tx, (channel.tenant, channel.id), from, to).await?;
        conversations::rename(tx, (channel.tenant, channel.id), from, to).await?;
    }
    Ok(true)
}
