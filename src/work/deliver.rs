//! Sends one part of a message. Before the call it is written that it begins (`begin`), after the call what
//! came of it (`finish`); between the two a crash leaves `unknown`, never a second send.

mod begin;
mod finish;

use std::time::Duration;

use adapters::{MediaKind, OutMedia, Outgoing, SendOutcome};
use anyhow::Context as _;
use uuid::Uuid;

use self::begin::{Attempt, Begin};
use self::finish::Finish;
use super::Env;
use super::kinds::{Interrupted, Work};
use crate::error::Error;
use crate::inbox::{outgoing, receipt};
use crate::model::{MessageError, MessageStatus};
use crate::store::deliveries::{self, Delivery};
use crate::store::jobs::{self, Deliver, Job};
use crate::store::{StoreError, Tx, Verb};

/// After so long a message is not worth sending any more.
pub(super) const MAX_AGE_MS: i64 = 24 * 3_600_000;
/// An outcome is known only here until it is written, so the writing is tried again for so many times.
const FINISH_TRIES: u32 = 8;

impl Work for Deliver {
    /// Of failures that are ours; what the provider refuses for now is counted by the delivery.
    const TRIES: i64 = 10;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        send(env, job, self.delivery).await
    }

    async fn interrupted(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<Interrupted, Error> {
        let Some(mut delivery) = deliveries::load(tx, job.tenant, job.subject).await? else {
            jobs::done(tx, job).await?;
            return Ok(Interrupted::Over);
        };
        match delivery.state {
            // Nobody can tell whether it left.
            MessageStatus::Sending => {
                delivery.state = MessageStatus::Unknown;
                let error = MessageError { code: "interrupted".to_owned(), reason: reason.to_owned() };
                delivery.error = Some(error);
                deliveries::update(tx, &delivery).await?;
                if let Some(attempt) = deliveries::open_attempt(tx, &delivery).await? {
                    let code = Some("interrupted");
                    deliveries::end_attempt(tx, (job.tenant, attempt), "unknown", code, Some(reason)).await?;
                }
                receipt::refresh(tx, &delivery).await?;
                jobs::done(tx, job).await?;
                Ok(Interrupted::Over)
            }
            MessageStatus::Queued => {
                delivery.error =
                    Some(MessageError { code: "not_sent_yet".to_owned(), reason: reason.to_owned() });
                deliveries::update(tx, &delivery).await?;
                receipt::refresh(tx, &delivery).await?;
                Ok(Interrupted::RunAgain)
            }
            _ => {
                jobs::done(tx, job).await?;
                Ok(Interrupted::Over)
            }
        }
    }

    async fn given_up(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<(), Error> {
        let Some(mut delivery) = deliveries::load(tx, job.tenant, job.subject).await? else { return Ok(()) };
        if !matches!(delivery.state, MessageStatus::Queued | MessageStatus::Sending) {
            return Ok(());
        }
        let code = delivery.error.map_or_else(|| "given_up".to_owned(), |error| error.code);
        delivery.state = MessageStatus::Failed;
        delivery.error = Some(MessageError { code, reason: reason.to_owned() });
        deliveries::update(tx, &delivery).await?;
        // Half a message is worse than none: what has not left of it stays.
        deliveries::fail_queued(tx, &delivery, "given_up", reason).await?;
        receipt::refresh(tx, &delivery).await
    }

    async fn revived(tx: &mut Tx<'_>, job: &Job) -> Result<(), Error> {
        let Some(mut delivery) = deliveries::load(tx, job.tenant, job.subject).await? else { return Ok(()) };
        if delivery.state != MessageStatus::Failed {
            let why = "the message has left by another way: there is nothing to send again";
            return Err(Error::conflict("not_failed", why));
        }
        // What an earlier try may have done is as unsettled as before: `begun_at` stays.
        delivery.state = MessageStatus::Queued;
        delivery.error = None;
        delivery.tries = 0;
        deliveries::update(tx, &delivery).await?;
        outgoing::requeue_after(tx, &delivery).await?;
        receipt::refresh(tx, &delivery).await
    }
}

async fn send(env: &Env, job: &Job, delivery: Uuid) -> Result<(), Error> {
    let delivery = env.store.read(Look { tenant: job.tenant, delivery }).await?;
    let connected = match &delivery {
        Some(delivery) => env.channels.by_id(delivery.tenant, delivery.channel).await?,
        None => None,
    };
    let (Some(delivery), Some(connected)) = (delivery, connected) else {
        env.store.write(Nothing { job: job.clone() }).await?;
        return Ok(());
    };
    let provider =
        adapters::provider(&connected.channel.kind).context("the channel's provider is not built in")?;
    let account = connected.secrets.account();
    // An id that was taken for an earlier try names the same message still.
    let reserved = if delivery.reserved_id.is_some() {
        Ok(None)
    } else {
        provider.reserve_id(&env.http, &account).await
    };
    let reserved = match reserved {
        Ok(reserved) => reserved,
        Err(error) if error.retryable || error.channel_down => {
            let (code, reason) = (error.code, error.reason);
            let outcome = if error.channel_down {
                SendOutcome::Rejected { code, reason, channel_down: true }
            } else {
                SendOutcome::Retry { after_ms: None, code, reason }
            };
            return finish(env, job, None, outcome).await;
        }
        // Without a reserved id the echo is matched by what it says.
        Err(_) => None,
    };
    let Some(begun) = env.store.write(Begin { job: job.clone(), reserved }).await?.value else {
        return Ok(());
    };
    let out = Outgoing {
        to: adapters::Address { chat: &begun.chat, thread: begun.thread.as_deref() },
        text: begun.part.text.as_deref(),
        media: begun.part.media.as_ref().map(|file| OutMedia {
            kind: media_kind(&file.kind),
            url: &file.url,
            name: file.name.as_deref(),
            mime: file.mime.as_deref(),
            caption: None,
        }),
        reply_to: begun.part.reply_to.as_deref(),
        reserved_id: begun.delivery.reserved_id.as_deref(),
    };
    let files: Vec<_> = begun.part.media.iter().cloned().collect();
    let outcome = match outgoing::check_files(&files, env.http.outward()) {
        Ok(()) => provider.send(&env.http, &account, &out).await,
        Err(refused) => SendOutcome::Rejected {
            code: "not_public".to_owned(),
            reason: refused.to_string().into(),
            channel_down: false,
        },
    };
    metrics::counter!("hubbub_sends_total", "provider" => provider.name(), "outcome" => word(&outcome))
        .increment(1);
    finish(env, job, Some(begun.attempt), outcome).await
}

/// Writes the outcome, again and again while the store is busy or away: without it a send that succeeded
/// would be `unknown`.
async fn finish(env: &Env, job: &Job, attempt: Option<Attempt>, outcome: SendOutcome) -> Result<(), Error> {
    let mut tried = 0;
    loop {
        let random = env.store.ids().next().as_u128() as u64;
        let verb = Finish { job: job.clone(), attempt, outcome: outcome.clone(), random };
        match env.store.write(verb).await {
            Ok(_) => return Ok(()),
            Err(error @ Error::Store(StoreError::Closed)) => return Err(error),
            Err(error) if tried < FINISH_TRIES => {
                tracing::warn!(%error, job = %job.id, "the outcome of a send is not written yet");
                tried += 1;
                tokio::time::sleep(Duration::from_millis(100 << tried)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn media_kind(kind: &str) -> MediaKind {
    match kind {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "voice" => MediaKind::Voice,
        "video" => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

const fn word(outcome: &SendOutcome) -> &'static str {
    match outcome {
        SendOutcome::Sent { .. } => "sent",
        SendOutcome::Retry { .. } => "retry",
        SendOutcome::Rejected { .. } => "rejected",
        SendOutcome::Unknown { .. } => "unknown",
    }
}

struct Look {
    tenant: Uuid,
    delivery: Uuid,
}

impl Verb for Look {
    type Out = Option<Delivery>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(deliveries::load(tx, self.tenant, self.delivery).await?)
    }
}

/// Ends a job whose delivery or channel is no longer there.
struct Nothing {
    job: Job,
}

impl Verb for Nothing {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
