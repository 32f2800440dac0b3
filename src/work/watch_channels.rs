//! Looks at every connected channel in turn, whatever its provider delivers meanwhile: a page of those that are due, a few at
//! a time, each call with a limit. What a look means is decided in `channels/judge.rs`.

use std::time::Duration;

use adapters::{Account, Health, Provider, SendError, Since};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use crate::channels::cache::Connected;
use crate::channels::claims;
use crate::channels::health::{self, Finding};
use crate::channels::judge::{self, Seen};
use crate::channels::news;
use crate::error::Error;
use crate::model::{Channel, ChannelState, HealthCause, HealthLevel};
use crate::store::jobs::{self, Job, WatchChannels};
use crate::store::{Tx, Verb, channels, cursors, looks, messages};

const EVERY: Duration = Duration::from_secs(10);
/// 10,000 channels are looked at 34 times a second.
pub(crate) const LOOK_EVERY_MS: i64 = 5 * 60_000;
/// After a look that got no answer.
const LOOK_AGAIN_MS: i64 = 60_000;
const PAGE: i64 = 64;
const AT_ONCE: usize = 16;
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// A run ends after this, so that other recurring jobs get their turn.
const RUN_LIMIT: Duration = Duration::from_secs(30);
/// A channel on which nothing came for so long is compared with what the provider has.
const QUIET_MS: i64 = 30 * 60_000;
/// What the provider got just now is on its way.
const ON_ITS_WAY_MS: i64 = 2 * 60_000;
/// The sends of a channel that are looked at.
const SENT: i64 = 50;

impl Work for WatchChannels {
    const EVERY: Option<Duration> = Some(EVERY);

    async fn run(self, env: &Env, _: &Job) -> Result<(), Error> {
        let begun = Instant::now();
        while begun.elapsed() < RUN_LIMIT && !env.soft.is_cancelled() {
            let due = env.store.read(LoadDue).await?;
            let is_last = (due.len() as i64) < PAGE;
            let looks = futures_util::stream::iter(due).map(|(tenant, id)| async move {
                if let Err(error) = look_at(env, tenant, id).await {
                    // It is due again after its interval.
                    tracing::warn!(%error, %tenant, channel = %id, "a channel cannot be looked at");
                }
            });
            looks.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
            if is_last {
                break;
            }
        }
        Ok(())
    }
}

struct LoadDue;

impl Verb for LoadDue {
    type Out = Vec<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(looks::due(tx, PAGE).await?)
    }
}

async fn look_at(env: &Env, tenant: Uuid, id: Uuid) -> Result<(), Error> {
    // Spread: channels that were connected together do not stay together.
    let next_at =
        env.store.clock().now_ms() + LOOK_EVERY_MS + (env.store.ids().next().as_u128() % 30_000) as i64;
    let Some(known) = env.store.write(Begin { tenant, id, next_at }).await?.value else { return Ok(()) };
    let Some(connected) = env.channels.ready(tenant, id).await? else { return Ok(()) };
    let Some(provider) = adapters::provider(&connected.channel.kind) else { return Ok(()) };
    let (account, asked_at) = (connected.secrets.account(), env.store.clock().now_ms());
    let said = ask(env, provider, &account).await;
    let is_quiet = asked_at - known.heard_at >= QUIET_MS;
    let held = if said.is_ok() && is_quiet && provider.abilities().history {
        held_keys(env, &connected, known.heard_at, asked_at).await
    } else {
        Vec::new()
    };
    env.store
        .write(NoteLook {
            tenant,
            id,
            sealed: connected.channel.sealed.clone(),
            asked_at,
            said,
            held,
            is_quiet,
            expiry: provider.expiry(&account),
        })
        .await?;
    Ok(())
}

/// Asks the provider how the account is.
pub(super) async fn ask(env: &Env, provider: &dyn Provider, account: &Account) -> Result<Health, SendError> {
    match timeout(CALL_LIMIT, provider.health(&env.http, account)).await {
        Ok(said) => said,
        Err(_) => Err(SendError {
            code: "timed_out".to_owned(),
            reason: "it did not answer in time".into(),
            retryable: true,
            channel_down: false,
        }),
    }
}

/// The keys of messages that the provider has from after `heard_at`. An error says nothing.
async fn held_keys(env: &Env, connected: &Connected, heard_at: i64, now: i64) -> Vec<String> {
    let Some(provider) = adapters::provider(&connected.channel.kind) else { return Vec::new() };
    let account = connected.secrets.account();
    let since = Since { cursor: None, page: None, at_ms: heard_at };
    let Ok(Ok(Some(news))) = timeout(CALL_LIMIT, provider.news(&env.http, &account, &since)).await else {
        return Vec::new();
    };
    let context = connected.context();
    let mut keys = Vec::new();
    for item in news.items {
        let events = item.body.and_then(|body| provider.parse(&body, &context).ok()).unwrap_or_default();
        let is_missed = |event: &adapters::Event| match event {
            adapters::Event::Message(message) => {
                let at = message.told.at_ms.unwrap_or(now);
                message.author == adapters::event::Author::Customer
                    && at > heard_at
                    && at < now - ON_ITS_WAY_MS
            }
            _ => false,
        };
        if events.iter().any(is_missed) {
            keys.push(item.key);
        }
    }
    keys
}

struct Known {
    /// When the provider last delivered anything.
    heard_at: i64,
}

/// Takes the channel for this look.
struct Begin {
    tenant: Uuid,
    id: Uuid,
    next_at: i64,
}

impl Verb for Begin {
    /// `None`: another process looks at it, or it is not to be looked at now.
    type Out = Option<Known>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let key = (self.tenant, self.id);
        if !looks::claim(tx, key, self.next_at).await? {
            return Ok(None);
        }
        let Some(mut channel) = channels::by_id(tx, self.tenant, self.id).await? else { return Ok(None) };
        health::settle(tx, &mut channel).await?;
        if channel.state != ChannelState::Active {
            return Ok(None);
        }
        // A channel on which nothing ever came is quiet since it was connected.
        let heard_at = match looks::last_heard(tx, key).await? {
            Some(at) => at,
            None => cursors::get(tx, key).await?.map_or(tx.now(), |read| read.at),
        };
        Ok(Some(Known { heard_at }))
    }
}

/// Stores what a look has shown.
struct NoteLook {
    tenant: Uuid,
    id: Uuid,
    /// What the provider was asked with.
    sealed: String,
    asked_at: i64,
    said: Result<Health, SendError>,
    /// Messages that the provider has; those that are not stored were missed.
    held: Vec<String>,
    /// Nothing was delivered for long.
    is_quiet: bool,
    expiry: Option<adapters::Expiry>,
}

impl Verb for NoteLook {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let key = (self.tenant, self.id);
        let Some(mut channel) = channels::by_id(tx, self.tenant, self.id).await? else { return Ok(()) };
        // Whatever changed meanwhile makes the answer one about something else.
        if channel.state != ChannelState::Active || channel.sealed != self.sealed {
            return Ok(());
        }
        if self.is_quiet && self.said.is_ok() {
            // Nothing may have come, or nothing was told.
            news::ask(tx, &channel).await?;
        }
        let Some(found) = self.found(tx, &channel).await? else { return Ok(()) };
        let is_of =
            |cause| channel.health.as_ref().is_some_and(|health| health.is_blocked() && health.is(cause));
        let (is_refused, is_away) = (is_of(HealthCause::SendFailed), is_of(HealthCause::Unreachable));
        let is_well = found.level < HealthLevel::NeedsAttention;
        if is_well && (is_refused || is_away) && looks::has_waiting(tx, key).await? {
            // What waits tells whether the channel works: the account alone does not. It is sent now; after an outage in
            // its time, because a send whose outcome is unknown costs more than a refused one.
            if is_refused {
                jobs::recovered(tx, self.tenant, self.id).await?;
            }
            return Ok(());
        }
        health::note(tx, &mut channel, found, self.asked_at).await?;
        Ok(())
    }
}

impl NoteLook {
    async fn found(&self, tx: &mut Tx<'_>, channel: &Channel) -> Result<Option<Finding>, Error> {
        let key = (self.tenant, self.id);
        let provider = adapters::provider(&channel.kind).ok_or(Error::NotFound("provider"))?;
        let health = match &self.said {
            Ok(health) => health,
            Err(error) if error.channel_down => {
                let reason = Some(error.reason.to_string());
                return Ok(Some(Finding::of_provider(provider, adapters::HealthState::Down, reason)));
            }
            Err(error) => {
                let failures = looks::failed(tx, key).await? + 1;
                looks::begin(tx, key, tx.now() + LOOK_AGAIN_MS).await?;
                looks::set_failed(tx, key, failures).await?;
                let is_worse =
                    channel.health.as_ref().is_some_and(|health| health.state > HealthLevel::Degraded);
                return Ok(judge::unreachable(failures, &error.reason).filter(|_| !is_worse));
            }
        };
        looks::set_failed(tx, key, 0).await?;
        if let Some(account) = health.account.as_ref().filter(|_| health.state == adapters::HealthState::Up) {
            let found = claims::judge_account(tx, channel, account).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let mut missed = 0;
        for held in &self.held {
            missed += usize::from(messages::seen(tx, key, held).await?.is_none());
        }
        let sent = looks::last_sent(tx, key, SENT).await?;
        let seen = Seen { now: tx.now(), expiry: self.expiry, missed, sent: &sent };
        Ok(Some(judge::judge(provider, health, &seen)))
    }
}
