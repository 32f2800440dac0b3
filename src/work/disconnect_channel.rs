//! Takes a disconnected channel's webhook off at its provider. A provider that does not answer is asked again for some hours;
//! the channel's health says so.

use std::collections::BTreeMap;
use std::time::Duration;

use adapters::SendError;
use tokio::time::timeout;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::retry;
use crate::channels::connect::hook_url;
use crate::channels::disconnect::{forget_tokens, note};
use crate::channels::{ChannelCache, ChannelSecrets};
use crate::error::Error;
use crate::model::ChannelState;
use crate::store::jobs::{self, DisconnectChannel, Job};
use crate::store::{Tx, Verb, channels, claims};

const CALL_LIMIT: Duration = Duration::from_secs(20);
const FIRST_WAIT_MS: i64 = 10_000;
const LONGEST_WAIT_MS: i64 = 3_600_000;

impl Work for DisconnectChannel {
    const TRIES: i64 = 12;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        env.channels.forget(self.channel);
        let connected = env.channels.by_id(job.tenant, self.channel).await?;
        let (mut said, mut called) = (Ok(()), BTreeMap::new());
        if let Some(connected) = connected.filter(|one| one.channel.state == ChannelState::Disconnected)
            && let Some(provider) = adapters::provider(&connected.channel.kind)
        {
            let (account, url) =
                (connected.secrets.account(), hook_url(&env.config.server.public_url, &connected.channel));
            called.clone_from(&connected.secrets.credentials);
            let is_others = match provider.subscription(&account) {
                Some(subscription) => {
                    let own = (job.tenant, self.channel);
                    env.store.read(IsSubscribedByOthers { own, subscription }).await?
                }
                None => false,
            };
            if !is_others {
                let call = provider.disconnect(&env.http, &account, &url);
                said = timeout(CALL_LIMIT, call).await.unwrap_or_else(|_| Err(timed_out()));
            }
        }
        let random = env.store.ids().next().as_u128() as u64;
        let wait_ms = retry::wait_ms(job.tries, FIRST_WAIT_MS, LONGEST_WAIT_MS, random);
        let is_last = job.tries >= Self::TRIES;
        env.store
            .write(Finish {
                job: job.clone(),
                said,
                called,
                wait_ms,
                is_last,
                channels: env.channels.clone(),
            })
            .await?;
        Ok(())
    }
}

/// Whether what would be ended delivers to a channel that is still connected.
struct IsSubscribedByOthers {
    own: (Uuid, Uuid),
    subscription: String,
}

impl Verb for IsSubscribedByOthers {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(claims::is_subscribed_by_others(tx, self.own, &self.subscription).await?)
    }
}

fn timed_out() -> SendError {
    SendError {
        code: "timed_out".to_owned(),
        reason: "it did not answer in time".into(),
        retryable: true,
        channel_down: false,
    }
}

struct Finish {
    job: Job,
    said: Result<(), SendError>,
    /// The credentials that it was left with.
    called: BTreeMap<String, String>,
    wait_ms: i64,
    is_last: bool,
    channels: ChannelCache,
}

impl Verb for Finish {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let again = self.said.is_err() && !self.is_last;
        let is_mine = if again {
            let at = tx.now() + self.wait_ms;
            jobs::release(tx, &self.job, at, None).await?
        } else {
            jobs::done(tx, &self.job).await?
        };
        if !is_mine {
            return Ok(());
        }
        let found = channels::by_id(tx, self.job.tenant, self.job.subject).await?;
        // It may have been connected again meanwhile.
        let Some(mut channel) = found.filter(|one| one.state == ChannelState::Disconnected) else {
            return Ok(());
        };
        if !again && let Some(provider) = adapters::provider(&channel.kind) {
            let vault = self.channels.vault();
            let mut secrets = ChannelSecrets::open(vault, &channel)?;
            // New ones may have been given meanwhile, to connect it again.
            if secrets.credentials == self.called {
                forget_tokens(provider, &mut secrets);
                channel.sealed = secrets.seal(vault, channel.id)?;
                channels::update(tx, &channel).await?;
            }
        }
        let refusal = self.said.as_ref().err().map(|error| error.reason.to_string());
        note(tx, &mut channel, refusal).await
    }
}
