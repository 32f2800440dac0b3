//! Before a channel that failed is tried again, its provider is asked how the account is. While it does not answer, nothing
//! of the channel is sent: a try could end as one more send of which nobody knows whether it left. Nor is anything sent from an
//! account about which a person has to be asked first.

use adapters::SendError;
use uuid::Uuid;

use super::Env;
use super::watch_channels;
use crate::channels::cache::Connected;
use crate::channels::health::{self, Finding};
use crate::error::Error;
use crate::inbox::receipt;
use crate::model::{ChannelHealth, HealthCause, HealthLevel, MessageStatus};
use crate::store::deliveries;
use crate::store::jobs::{self, Deliver, Job, Payload};
use crate::store::queues::{self, Failed};
use crate::store::{Tx, Verb, channels};

/// What is told of a channel whose provider does not answer.
pub(super) fn finding(reason: &str) -> Finding {
    Finding::new(HealthLevel::Down, HealthCause::Unreachable, Some(reason.to_owned()))
}

/// Whether the job has to wait because its provider still does not answer, or its account is another one. It is requeued then.
pub(super) async fn goes_on(env: &Env, job: &Job, connected: &Connected) -> Result<bool, Error> {
    if connected.channel.is_found(HealthCause::OtherAccount) {
        let reason = "the channel is linked with another account than before".to_owned();
        env.store.write(Wait { job: job.clone(), reason }).await?;
        return Ok(true);
    }
    if !env.store.read(IsDoubted { job: job.clone() }).await? {
        return Ok(false);
    }
    let Some(provider) = adapters::provider(&connected.channel.kind) else { return Ok(false) };
    match watch_channels::ask(env, provider, &connected.secrets.account()).await {
        // A refusal is an answer: the send is refused as well, or works.
        Err(SendError { retryable: true, channel_down: false, reason, .. }) => {
            env.store.write(Wait { job: job.clone(), reason: reason.to_string() }).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

struct IsDoubted {
    job: Job,
}

impl Verb for IsDoubted {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let Some(key) = self.job.key() else { return Ok(false) };
        Ok(queues::load(tx, key).await?.is_some_and(|queue| queue.is_doubted()))
    }
}

/// Blocks the queue of a job for longer, and tells why.
struct Wait {
    job: Job,
    reason: String,
}

impl Verb for Wait {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(key) = self.job.key() else { return Ok(()) };
        queues::failed(tx, key, Failed::Once, &self.reason).await?;
        let now = tx.now();
        if let Some(mut channel) = channels::by_id(tx, self.job.tenant, self.job.queue).await? {
            let is_known_worse =
                |health: &ChannelHealth| health.is_blocked() && !health.is(HealthCause::Unreachable);
            if !channel.health.as_ref().is_some_and(is_known_worse) {
                health::note(tx, &mut channel, finding(&self.reason), now).await?;
            }
        }
        self.tell(tx).await?;
        Ok(jobs::postpone(tx, &self.job, now, &self.reason).await?)
    }
}

impl Wait {
    /// The message says why it waits.
    async fn tell(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if self.job.kind != Deliver::KIND {
            return Ok(());
        }
        let Some(mut delivery) = deliveries::load(tx, self.job.tenant, self.job.subject).await? else {
            return Ok(());
        };
        if delivery.state != MessageStatus::Queued {
            return Ok(());
        }
        let place = (delivery.tenant, delivery.channel);
        let error = Some(health::why_it_waits(tx, place, &self.reason).await?);
        if delivery.error == error {
            return Ok(());
        }
        delivery.error = error;
        deliveries::update(tx, &delivery).await?;
        receipt::refresh(tx, &delivery).await
    }
}
