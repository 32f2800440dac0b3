//! Events of the account rather than of a message: session state, permissions, connections, renamed chats.

use adapters::HealthState;
use adapters::event::{AccountHealth, Connection, Permission, Renamed};

use super::time;
use crate::channels::health::{self, Finding};
use crate::channels::news as unread;
use crate::error::Error;
use crate::inbox::outgoing;
use crate::model::{Channel, ChannelState, HealthCause, MergeKind};
use crate::people::{self, Told};
use crate::store::jobs::{self, Class};
use crate::store::queues::QueueKey;
use crate::store::{Tx, channels, connections, contacts, conversations, looks};

/// How long before it is told that a chat moved somebody writes under its new id.
const MOVES_MS: i64 = 24 * 3_600_000;

/// Records the account's state as the channel's health.
pub(super) async fn health(tx: &mut Tx<'_>, channel: &Channel, news: &AccountHealth) -> Result<bool, Error> {
    let provider = adapters::provider(&channel.kind).ok_or(Error::NotFound("provider"))?;
    let mut channel =
        channels::by_id(tx, channel.tenant, channel.id).await?.ok_or(Error::NotFound("channel"))?;
    let at = time::or_now(&news.told, tx.now());
    let detail = news.detail.as_deref().map(|word| adapters::Words::from(word).into());
    let found = Finding::of_provider(provider, news.state, detail);
    let is_up = news.state == HealthState::Up && channel.state == ChannelState::Active;
    let key = (channel.tenant, channel.id);
    if is_up && channel.is_found(HealthCause::OtherAccount) {
        // That it works says nothing of whose account it is: a look does.
        looks::begin(tx, key, tx.now()).await?;
        return Ok(false);
    }
    let is_news = health::note(tx, &mut channel, found, at).await?;
    if is_up && is_news {
        looks::begin(tx, key, tx.now()).await?;
    }
    if is_up {
        // What was written while the account was not connected may not have been delivered.
        unread::ask(tx, &channel).await?;
        // Also when it is no news that it works: a state between that overtook this one is not told any more.
        jobs::recovered(tx, channel.tenant, channel.id).await?;
    }
    Ok(is_news)
}

/// The customer allows the bot to write again: waiting retries run now.
pub(super) async fn permission(tx: &mut Tx<'_>, channel: &Channel, news: &Permission) -> Result<bool, Error> {
    if !news.may_write {
        return Ok(false);
    }
    let Some(contact) = contacts::find(tx, (channel.tenant, channel.id), &news.chat).await? else {
        return Ok(false);
    };
    let queue = QueueKey { tenant: channel.tenant, id: channel.id, class: Class::Send };
    for open in conversations::all_open_of(tx, (channel.tenant, channel.id), contact.id).await? {
        jobs::hurry_lane(tx, queue, &outgoing::lane_of(open)).await?;
    }
    Ok(true)
}

/// A business account connected the bot, or disconnected it.
pub(super) async fn connection(tx: &mut Tx<'_>, channel: &Channel, news: &Connection) -> Result<bool, Error> {
    let at = news.at_ms.unwrap_or_else(|| tx.now());
    let place = (channel.tenant, channel.id);
    Ok(connections::note(tx, place, &news.id, news.owner.as_deref(), (news.enabled, at)).await?)
}

/// The provider changed a chat's id: the contact and the conversations move to the new id.
pub(super) async fn renamed(tx: &mut Tx<'_>, channel: &Channel, news: &Renamed) -> Result<bool, Error> {
    let (from, to) = (news.from.as_str(), news.to.as_str());
    if from == to {
        return Ok(false);
    }
    let place = (channel.tenant, channel.id);
    let Some(old) = contacts::find(tx, place, from).await? else { return Ok(false) };
    let Some(new) = contacts::find(tx, place, to).await? else {
        contacts::rename_identity(tx, place, from, to).await?;
        conversations::rename(tx, place, from, to).await?;
        return Ok(true);
    };
    // A message under the new id came first. A number that was somebody's for longer may still be that person's contact.
    let since = contacts::created_at(tx, channel.tenant, new.id).await?.unwrap_or_default();
    let is_group = from.starts_with('-') && to.starts_with('-');
    let is_doubtful = !is_group && since < tx.now() - MOVES_MS;
    let told = Told { kind: MergeKind::ChatMoved, ids: (from, to), key: None, is_doubtful };
    Box::pin(people::same(tx, channel, (&old, &new), told)).await?;
    Ok(true)
}
