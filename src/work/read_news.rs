//! Reads what a provider holds and did not deliver: mail, or what was written while a gateway was down. Each message is
//! stored as if it had been delivered, so one that is known changes nothing. The place where the reading stopped is moved
//! on after all of it is stored: a reader that dies begins again where the last one ended. A message that cannot be had now
//! gets a job of its own (`read_item.rs`), so that the others do not wait for it.

use std::sync::Arc;
use std::time::Duration;

use adapters::{Account, CURSOR_EXPIRED, News, Provider, SendError, Since};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::retry;
use crate::channels::cache::Connected;
use crate::channels::health::{self, Finding};
use crate::error::Error;
use crate::inbox::receive::{self, Keep};
use crate::model::{Channel, ChannelHealth};
use crate::store::cursors::{self, Cursor};
use crate::store::jobs::{self, Job, Payload, ReadItem, ReadNews, Slot};
use crate::store::{Tx, Verb, channels, looks, messages};

/// A reading that takes longer goes on in a later run, after the other channels had their turn. One page is always read.
const RUN: Duration = Duration::from_secs(30);
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 600_000;
/// Messages of a run that cannot be had: with more it is not the messages, and the reading itself is tried again.
const MOST_LEFT: usize = 3;

impl Work for ReadNews {
    /// Of failures that are not the provider's.
    const TRIES: i64 = 20;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let Some(connected) = env.channels.ready(job.tenant, self.channel).await? else {
            return finish(env, job, End::Gone).await;
        };
        let Some(provider) = adapters::provider(&connected.channel.kind) else {
            return finish(env, job, End::Gone).await;
        };
        let place = (job.tenant, self.channel);
        let Some(begun) = env.store.read(GetCursor { place }).await? else {
            return finish(env, job, End::Gone).await;
        };
        let end = match read(env, provider, &connected, &begun).await? {
            Ok(read) => End::Read { begun, read },
            Err(error) => End::Failed { begun, error },
        };
        finish(env, job, end).await
    }
}

/// How far a run has come.
enum Reading {
    /// The provider has no news to be asked for.
    Nothing,
    /// Everything was read until this cursor.
    Whole(String),
    /// There is more, from this page on.
    Part(Place),
}

/// A page of a reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    page: String,
    /// It is of the reading by time, and not of that since the cursor.
    by_time: bool,
}

/// Stores everything since the cursor, as far as the time of a run allows.
async fn read(
    env: &Env,
    provider: &'static dyn Provider,
    connected: &Arc<Connected>,
    begun: &Cursor,
) -> Result<Result<Reading, SendError>, Error> {
    let began = Instant::now();
    let mut cursor = Some(begun.text.as_str()).filter(|text| !text.is_empty());
    let mut page: Option<String> = None;
    let mut left = 0;
    // What cannot be read is no place: the reading begins anew.
    if let Some(place) = begun.page.as_deref().and_then(|text| serde_json::from_str::<Place>(text).ok()) {
        page = Some(place.page);
        if place.by_time {
            cursor = None;
        }
    }
    loop {
        let since = Since { cursor, page: page.as_deref(), at_ms: begun.at };
        let news = match provider.news(&env.http, &account(env, connected).await?, &since).await {
            Ok(Some(news)) => news,
            Ok(None) => return Ok(Ok(Reading::Nothing)),
            // The provider has forgotten the place: everything since we last read.
            Err(error) if error.code == CURSOR_EXPIRED && cursor.is_some() => {
                tracing::info!(channel = %connected.channel.id, "the place in a provider's history has expired: reading all since then");
                (cursor, page) = (None, None);
                continue;
            }
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = store(env, provider, connected, (&news, &mut left)).await? {
            return Ok(Err(error));
        }
        match (news.page, news.cursor) {
            (Some(next), _) if page.as_ref() == Some(&next) => {
                return Err(anyhow::anyhow!("a provider's news have no end").into());
            }
            (Some(next), _) if began.elapsed() >= RUN || env.soft.is_cancelled() => {
                return Ok(Ok(Reading::Part(Place { page: next, by_time: cursor.is_none() })));
            }
            (Some(next), _) => page = Some(next),
            (None, cursor) => return Ok(Ok(cursor.map_or(Reading::Nothing, Reading::Whole))),
        }
    }
}

/// The account with the credentials that hold now: a reading may outlast those that it began with.
async fn account(env: &Env, connected: &Connected) -> Result<Account, Error> {
    let channel = &connected.channel;
    let now = env.channels.ready(channel.tenant, channel.id).await?;
    Ok(now.map_or_else(|| connected.secrets.account(), |now| now.secrets.account()))
}

/// Stores those of the messages that are not known yet.
async fn store(
    env: &Env,
    provider: &'static dyn Provider,
    connected: &Arc<Connected>,
    (news, left): (&News, &mut usize),
) -> Result<Result<(), SendError>, Error> {
    let place = (connected.channel.tenant, connected.channel.id);
    for item in &news.items {
        let wanted = ReadItem { channel: place.1, key: item.key.clone() };
        if env.store.read(Handled { tenant: place.0, item: wanted.clone() }).await? {
            continue;
        }
        match &item.body {
            Some(body) => keep(env, provider, connected, body.clone()).await?,
            None => match fetch(env, provider, connected, &item.key).await? {
                Ok(()) => {}
                Err(error) if error.channel_down || *left >= MOST_LEFT => return Ok(Err(error)),
                Err(error) => {
                    tracing::warn!(channel = %place.1, tenant = %place.0, %error, "a message of a provider cannot be had now");
                    *left += 1;
                    env.store.write(LeaveFor { tenant: place.0, item: wanted }).await?;
                }
            },
        }
    }
    Ok(Ok(()))
}

/// Asks for a message and stores it. One that will never be had is told in the integration log.
pub(super) async fn fetch(
    env: &Env,
    provider: &'static dyn Provider,
    connected: &Arc<Connected>,
    key: &str,
) -> Result<Result<(), SendError>, Error> {
    match provider.item(&env.http, &account(env, connected).await?, key).await {
        Ok(Some(body)) => keep(env, provider, connected, body).await?,
        // It is gone.
        Ok(None) => {}
        Err(error) if !error.retryable && !error.channel_down => {
            pass_over(env, &connected.channel, key, &error).await?;
        }
        Err(error) => return Ok(Err(error)),
    }
    Ok(Ok(()))
}

async fn keep(
    env: &Env,
    provider: &'static dyn Provider,
    connected: &Arc<Connected>,
    body: Vec<u8>,
) -> Result<(), Error> {
    let parsed = provider.parse(&body, &connected.context()).map_err(|error| error.to_string());
    let channel = Arc::clone(&connected.channel);
    receive::receive(&env.store, channel, Bytes::from(body), parsed).await?;
    Ok(())
}

async fn pass_over(env: &Env, channel: &Arc<Channel>, key: &str, error: &SendError) -> Result<(), Error> {
    tracing::warn!(channel = %channel.id, tenant = %channel.tenant, %error, "a message of a provider cannot be had");
    let body =
        serde_json::json!({ "id": key, "error": { "status": error.code, "message": error.reason.as_str() } });
    let error = format!("a message of the provider cannot be had: {error}");
    let (channel, body) = (Arc::clone(channel), Bytes::from(body.to_string()));
    env.store.write(Keep { channel, body, error }).await?;
    Ok(())
}

async fn finish(env: &Env, job: &Job, end: End) -> Result<(), Error> {
    let random = env.store.ids().next().as_u128() as u64;
    env.store.write(Finish { job: job.clone(), end, random }).await?;
    Ok(())
}

struct GetCursor {
    place: (Uuid, Uuid),
}

impl Verb for GetCursor {
    type Out = Option<Cursor>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(cursors::get(tx, self.place).await?)
    }
}

/// Whether a message is stored, or has a job of its own.
struct Handled {
    tenant: Uuid,
    item: ReadItem,
}

impl Verb for Handled {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let Self { tenant, item } = self;
        Ok(messages::seen(tx, (*tenant, item.channel), &item.key).await?.is_some()
            || jobs::is_known::<ReadItem>(tx, *tenant, item.subject()).await?)
    }
}

/// Has a message read by itself, later.
struct LeaveFor {
    tenant: Uuid,
    item: ReadItem,
}

impl Verb for LeaveFor {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let lane = format!("news:{}:{}", self.item.channel, self.item.subject());
        let slot = Slot { tenant: self.tenant, queue: self.item.channel, lane: &lane, position: tx.now() };
        Ok(jobs::push(tx, &slot, &self.item).await?)
    }
}

enum End {
    /// There is nothing to be read any more.
    Gone,
    Read {
        begun: Cursor,
        read: Reading,
    },
    Failed {
        begun: Cursor,
        error: SendError,
    },
}

struct Finish {
    job: Job,
    end: End,
    random: u64,
}

impl Verb for Finish {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let place = (self.job.tenant, self.job.subject);
        match &self.end {
            End::Gone | End::Read { read: Reading::Nothing, .. } => {}
            End::Read { begun, read: Reading::Whole(cursor) } => {
                cursors::move_on(tx, place, &begun.text, cursor).await?;
            }
            End::Read { begun, read: Reading::Part(page) } => {
                let page = serde_json::to_string(page).map_err(|error| anyhow::anyhow!(error))?;
                cursors::turn(tx, place, &begun.text, Some(&page)).await?;
                let now = tx.now();
                return Ok(jobs::postpone(tx, &self.job, now, "there is more to be read").await?);
            }
            End::Failed { begun, error } => {
                // A page may be forgotten as well. What is stored by then is not fetched again.
                if begun.page.is_some() && !error.retryable {
                    cursors::turn(tx, place, &begun.text, None).await?;
                }
                tracing::warn!(channel = %self.job.subject, %error, "a provider's news cannot be read");
                if error.channel_down
                    && let Some(mut channel) = channels::by_id(tx, place.0, place.1).await?
                    && let Some(provider) = adapters::provider(&channel.kind)
                {
                    // What it waits for is known: whoever has to scan a code is not told to connect.
                    if !channel.health.as_ref().is_some_and(ChannelHealth::is_blocked) {
                        let (reason, now) = (Some(error.reason.to_string()), tx.now());
                        let found = Finding::of_provider(provider, adapters::HealthState::Down, reason);
                        health::note(tx, &mut channel, found, now).await?;
                    }
                    // What helps is known by a look only: a person who has to sign in, say.
                    let looked_at = tx.now();
                    looks::begin(tx, place, looked_at).await?;
                } else {
                    let wait = retry::wait_ms(self.job.tries, FIRST_WAIT_MS, LONGEST_WAIT_MS, self.random);
                    let at = tx.now() + wait;
                    jobs::release(tx, &self.job, at, Some(error.reason.as_str())).await?;
                    return Ok(());
                }
            }
        }
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
