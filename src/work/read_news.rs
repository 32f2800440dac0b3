//! Reads what a provider holds and did not deliver: mail, or what was written while a gateway was down. Each message is
//! stored as if it had been delivered, so one that is known changes nothing. The place where the reading stopped is moved
//! on after all of it is stored: a reader that dies begins again where the last one ended.

use std::sync::Arc;

use adapters::{CURSOR_EXPIRED, News, Provider, SendError, Since};
use bytes::Bytes;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::retry;
use crate::channels::cache::Connected;
use crate::channels::health::{self, Finding};
use crate::error::Error;
use crate::inbox::receive;
use crate::model::ChannelHealth;
use crate::store::cursors::{self, Cursor};
use crate::store::jobs::{self, Job, ReadNews};
use crate::store::{Tx, Verb, channels, looks, messages};

/// Pages of one reading: more than any account has.
const PAGES: usize = 100_000;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 600_000;

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
            Ok(Some(cursor)) => End::Read { begun, cursor },
            Ok(None) => End::Gone,
            Err(error) => End::Failed(error),
        };
        finish(env, job, end).await
    }
}

/// Stores everything since the cursor; returns the new one.
async fn read(
    env: &Env,
    provider: &'static dyn Provider,
    connected: &Arc<Connected>,
    begun: &Cursor,
) -> Result<Result<Option<String>, SendError>, Error> {
    let account = connected.secrets.account();
    let mut cursor = Some(begun.text.as_str()).filter(|text| !text.is_empty());
    let mut page: Option<String> = None;
    let mut pages = 0;
    loop {
        let since = Since { cursor, page: page.as_deref(), at_ms: begun.at };
        let news = match provider.news(&env.http, &account, &since).await {
            Ok(Some(news)) => news,
            Ok(None) => return Ok(Ok(None)),
            // The provider has forgotten the place: everything since we last read.
            Err(error) if error.code == CURSOR_EXPIRED && cursor.is_some() => {
                tracing::info!(channel = %connected.channel.id, "the place in a provider's history has expired: reading all since then");
                (cursor, page) = (None, None);
                continue;
            }
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = store(env, provider, connected, &news).await? {
            return Ok(Err(error));
        }
        pages += 1;
        match (news.page, news.cursor) {
            (Some(next), _) if pages < PAGES => page = Some(next),
            (Some(_), _) => return Err(anyhow::anyhow!("a provider's news have no end").into()),
            (None, cursor) => return Ok(Ok(cursor)),
        }
    }
}

/// Stores those of the messages that are not known yet.
async fn store(
    env: &Env,
    provider: &'static dyn Provider,
    connected: &Arc<Connected>,
    news: &News,
) -> Result<Result<(), SendError>, Error> {
    let channel = &connected.channel;
    let account = connected.secrets.account();
    for item in &news.items {
        let seen = Seen { place: (channel.tenant, channel.id), key: item.key.clone() };
        if env.store.read(seen).await? {
            continue;
        }
        let body = match &item.body {
            Some(body) => Some(body.clone()),
            None => match provider.item(&env.http, &account, &item.key).await {
                Ok(body) => body,
                Err(error) => return Ok(Err(error)),
            },
        };
        let Some(body) = body else { continue };
        let parsed = provider.parse(&body, &connected.context()).map_err(|error| error.to_string());
        receive::receive(&env.store, Arc::clone(channel), Bytes::from(body), parsed).await?;
    }
    Ok(Ok(()))
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

struct Seen {
    place: (Uuid, Uuid),
    key: String,
}

impl Verb for Seen {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let (tenant, channel) = self.place;
        Ok(messages::seen(tx, (tenant, channel), &self.key).await?.is_some())
    }
}

enum End {
    /// There is nothing to be read any more.
    Gone,
    Read {
        begun: Cursor,
        cursor: String,
    },
    Failed(SendError),
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
            End::Gone => {}
            End::Read { begun, cursor } => {
                cursors::move_on(tx, place, &begun.text, cursor).await?;
            }
            End::Failed(error) => {
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
