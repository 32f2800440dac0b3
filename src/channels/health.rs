//! The health of a channel, whatever finds it out: connecting, a send, an event of the provider, a look at it. Each change is
//! a row of its history and an event; the same found again is neither.

use adapters::{HealthState, Provider, Remedy};
use uuid::Uuid;

use crate::announce;
use crate::error::Error;
use crate::model::{Channel, ChannelHealth, ChannelState, HealthCause, HealthLevel, MessageError};
use crate::store::{Tx, Wake, channel_health, channels, jobs};

/// What was found out about a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub level: HealthLevel,
    pub cause: Option<HealthCause>,
    pub detail: Option<String>,
    pub remedy: Option<Remedy>,
}

impl Finding {
    pub const fn connected() -> Self {
        Self { level: HealthLevel::Connected, cause: None, detail: None, remedy: None }
    }

    pub const fn new(level: HealthLevel, cause: HealthCause, detail: Option<String>) -> Self {
        Self { level, cause: Some(cause), detail, remedy: None }
    }

    pub fn remedy(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// What a provider's state of an account means for its channel.
    pub fn of_provider(provider: &dyn Provider, state: HealthState, detail: Option<String>) -> Self {
        let remedy = provider.remedy(state, detail.as_deref().unwrap_or_default());
        let (level, cause) = match state {
            HealthState::Up => (HealthLevel::Connected, None),
            HealthState::Starting => (HealthLevel::Degraded, Some(HealthCause::Starting)),
            HealthState::NeedsPerson => (HealthLevel::NeedsAttention, Some(HealthCause::NeedsPerson)),
            HealthState::Down => (HealthLevel::Down, Some(HealthCause::Provider)),
        };
        let detail = detail.filter(|_| level != HealthLevel::Connected);
        Self { level, cause, detail, remedy }
    }

    fn is_told_by(&self, health: &ChannelHealth) -> bool {
        health.state == self.level
            && health.code.as_deref() == self.cause.map(HealthCause::as_str)
            && health.action.as_deref() == self.remedy.map(Remedy::as_str)
            && (health.detail == self.detail || self.cause.is_some_and(HealthCause::is_measured))
    }
}

/// What a message says that waits because its channel's queue is blocked.
pub(crate) async fn why_it_waits(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    reason: &str,
) -> Result<MessageError, Error> {
    let health = channels::by_id(tx, tenant, channel).await?.and_then(|channel| channel.health);
    let is_away = health.is_some_and(|health| health.is_blocked() && health.is(HealthCause::Unreachable));
    let code = if is_away { "unreachable" } else { "channel_waits" };
    Ok(MessageError { code: code.to_owned(), reason: reason.to_owned() })
}

/// Changes of a channel within [`RESTLESS_MS`] after which a further one waits for the next look: only the last of those that
/// wait is told.
const RESTLESS: i64 = 12;
const RESTLESS_MS: i64 = 60_000;
/// When the channel is looked at then.
const DWELL_MS: i64 = 5_000;

/// Stores and announces what is found. `false`: it is no change, older than what is known, or waits because the channel changes
/// all the time. A channel that works again resumes its queues.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    channel: &mut Channel,
    found: Finding,
    at: i64,
) -> Result<bool, Error> {
    let key = (channel.tenant, channel.id);
    let is_end = found.cause == Some(HealthCause::Disconnected);
    // What still comes from a provider that was left.
    if channel.state == ChannelState::Disconnected && !is_end {
        return Ok(false);
    }
    let held = channel_health::held(tx, key).await?;
    if let Some(health) = &mut channel.health {
        // Session states arrive out of order.
        if held.as_ref().map_or(0, ChannelHealth::known_at).max(health.known_at()) > at {
            return Ok(false);
        }
        if found.is_told_by(health) {
            health.confirmed_at = Some(at);
            channels::set_health(tx, channel).await?;
            if held.is_some() {
                channel_health::drop_held(tx, key).await?;
            }
            return Ok(false);
        }
    }
    let health = ChannelHealth {
        state: found.level,
        code: found.cause.map(|cause| cause.as_str().to_owned()),
        detail: found.detail,
        action: found.remedy.map(|remedy| remedy.as_str().to_owned()),
        at,
        confirmed_at: None,
    };
    let now = tx.now();
    if !is_end && channel_health::has_changed(tx, key, RESTLESS, now - RESTLESS_MS).await? {
        channel_health::hold(tx, key, &health, now + DWELL_MS).await?;
        return Ok(false);
    }
    if held.is_some() {
        channel_health::drop_held(tx, key).await?;
    }
    change(tx, channel, health).await?;
    Ok(true)
}

/// Makes what waits the channel's health.
pub(crate) async fn settle(tx: &mut Tx<'_>, channel: &mut Channel) -> Result<(), Error> {
    let key = (channel.tenant, channel.id);
    let Some(held) = channel_health::held(tx, key).await? else { return Ok(()) };
    channel_health::drop_held(tx, key).await?;
    if channel.state == ChannelState::Disconnected {
        return Ok(());
    }
    change(tx, channel, held).await
}

async fn change(tx: &mut Tx<'_>, channel: &mut Channel, health: ChannelHealth) -> Result<(), Error> {
    tracing::info!(channel = %channel.id, tenant = %channel.tenant, state = %health.state, code = health.code, "channel health changed");
    channel_health::insert(tx, channel, &health).await?;
    let works = health.state == HealthLevel::Connected && channel.state == ChannelState::Active;
    channel.health = Some(health);
    channels::set_health(tx, channel).await?;
    announce::channel(tx, channel)?;
    tx.wake(Wake::Channel(channel.id));
    if works {
        jobs::recovered(tx, channel.tenant, channel.id).await?;
    }
    Ok(())
}
