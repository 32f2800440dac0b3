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

/// Stores and announces what is found. `false`: it is no change, or older than what is known. A channel that works again
/// resumes its queues.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    channel: &mut Channel,
    found: Finding,
    at: i64,
) -> Result<bool, Error> {
    // What still comes from a provider that was left.
    if channel.state == ChannelState::Disconnected && found.cause != Some(HealthCause::Disconnected) {
        return Ok(false);
    }
    if let Some(health) = &mut channel.health {
        // Session states arrive out of order.
        if health.known_at() > at {
            return Ok(false);
        }
        if found.is_told_by(health) {
            health.confirmed_at = Some(at);
            channels::set_health(tx, channel).await?;
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
    Ok(true)
}
