//! Sends one part of a message. `begin` records the attempt before the call, `finish` records the outcome after it. A
//! crash between the two leaves the delivery `unknown`; it is never sent twice.

mod begin;
mod finish;

use std::time::Duration;

use adapters::{MediaKind, OutMedia, Outgoing, SendOutcome};
use anyhow::Context as _;
use uuid::Uuid;

use self::begin::{Attempt, Begin};
use self::finish::Finish;
use super::kinds::{Interrupted, Work};
use super::outage;
use super::{Env, human_pace};
use crate::error::Error;
use crate::inbox::{outgoing, receipt};
use crate::model::{MessageError, MessageStatus};
use crate::store::deliveries::{self, Delivery};
use crate::store::jobs::{self, Deliver, Job};
use crate::store::{StoreError, Tx, Verb, conversations};

/// A message older than this is not sent any more.
pub(super) const MAX_AGE_MS: i64 = 24 * 3_600_000;
/// Retries of writing an outcome: until it is written, only this process knows it.
const FINISH_TRIES: u32 = 8;

impl Work for Deliver {
    /// Counts internal failures. Retries that the provider asks for are counted in `Delivery::tries`.
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
            // Whether the provider accepted it is unknown.
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
        // The message's remaining parts are not sent without this one.
        deliveries::fail_queued(tx, &delivery, "given_up", reason).await?;
        receipt::refresh(tx, &delivery).await
    }

    async fn revived(tx: &mut Tx<'_>, job: &Job) -> Result<(), Error> {
        let Some(mut delivery) = deliveries::load(tx, job.tenant, job.subject).await? else { return Ok(()) };
        if delivery.state != MessageStatus::Failed {
            let why = "the message has left by another way: there is nothing to send again";
            return Err(Error::conflict("not_failed", why));
        }
        // Keeps `begun_at`: an earlier attempt may still have been accepted.
        delivery.state = MessageStatus::Queued;
        delivery.error = None;
        delivery.tries = 0;
        deliveries::update(tx, &delivery).await?;
        outgoing::requeue_after(tx, &delivery).await?;
        receipt::refresh(tx, &delivery).await
    }
}

async fn send(env: &Env, job: &Job, delivery: Uuid) -> Result<(), Error> {
    let (delivery, chat) = env.store.read(LoadDelivery { tenant: job.tenant, delivery }).await?.unzip();
    let connected = match &delivery {
        Some(delivery) => env.channels.ready(delivery.tenant, delivery.channel).await?,
        None => None,
    };
    let (Some(delivery), Some(connected)) = (delivery, connected) else {
        env.store.write(RemoveJob { job: job.clone() }).await?;
        return Ok(());
    };
    let provider =
        adapters::provider(&connected.channel.kind).context("the channel's provider is not built in")?;
    if outage::goes_on(env, job, &connected).await? {
        return Ok(());
    }
    if let Some(at) = human_pace::wait(env, &connected, provider, &delivery).await? {
        env.store.write(PutOff { job: job.clone(), at }).await?;
        return Ok(());
    }
    let (place, rates) = ((delivery.channel, chat.unwrap_or_default()), provider.limits().rates);
    let place = (place.0, place.1.as_str());
    if let Err(at) = env.chat_paces.take(place, rates, env.store.clock().now_ms()) {
        env.store.write(PutOff { job: job.clone(), at }).await?;
        return Ok(());
    }
    let lane_free_at = env.chat_paces.next(place, rates);
    let _begun = env.sends.begin(job.id);
    // A stop waits for what has begun, and for nothing else.
    if env.soft.is_cancelled() {
        let at = env.store.clock().now_ms();
        env.store.write(PutOff { job: job.clone(), at }).await?;
        return Ok(());
    }
    let account = connected.secrets.account();
    // An id reserved by an earlier attempt still names this message.
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
            return finish(env, job, (None, outcome), lane_free_at).await;
        }
        // Without a reserved id the echo is matched by its content.
        Err(_) => None,
    };
    let Some(begun) = env.store.write(Begin { job: job.clone(), reserved }).await?.value else {
        return Ok(());
    };
    let our_reference = begun.delivery.id.to_string();
    let uploaded = begun.file.as_ref().map(|file| {
        let libraries = std::sync::Arc::clone(&env.files.libraries);
        let source = crate::files::library::Stored { libraries, path: file.path.clone() };
        let address = env.files.addresses.of(file.tenant, file.id, env.store.clock().now_ms());
        (adapters::Upload::new(file.size.unsigned_abs(), std::sync::Arc::new(source)), address)
    });
    let out = Outgoing {
        text: begun.part.text.as_deref(),
        media: begun.part.media.as_ref().map(|file| OutMedia {
            kind: media_kind(&file.kind),
            url: match &uploaded {
                Some((_, address)) => address.as_deref().unwrap_or_default(),
                None => file.url.as_deref().unwrap_or_default(),
            },
            bytes: uploaded.as_ref().map(|(upload, _)| upload),
            name: file.name.as_deref(),
            mime: file.mime.as_deref(),
            caption: None,
        }),
        reply_to: begun.part.reply_to.as_deref(),
        reserved_id: begun.delivery.reserved_id.as_deref(),
        buttons: &begun.part.buttons,
        template: begun.part.template.as_ref(),
        our_reference: &our_reference,
        human_agent: begun.part.human_agent,
        answers: begun.heard.as_ref().and_then(|heard| heard.data.as_ref()?.as_object()),
        contact: begun.heard.as_ref().and_then(|heard| heard.author.as_deref()),
        is_automatic: begun.is_automatic,
        ..Outgoing::to(adapters::Address { chat: &begun.chat, thread: begun.thread.as_deref() })
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
    finish(env, job, (Some(begun.attempt), outcome), lane_free_at).await
}

/// Writes the outcome, with retries while the store is busy or unavailable: if it were lost, a successful send would
/// become `unknown`.
async fn finish(
    env: &Env,
    job: &Job,
    (attempt, outcome): (Option<Attempt>, SendOutcome),
    lane_free_at: Option<i64>,
) -> Result<(), Error> {
    let mut tried = 0;
    loop {
        let random = env.store.ids().next().as_u128() as u64;
        let verb = Finish { job: job.clone(), attempt, outcome: outcome.clone(), lane_free_at, random };
        match env.store.write(verb).await {
            Ok(_) => return Ok(()),
            Err(error @ Error::Store(StoreError::Closed)) => return Err(error),
            Err(error) if tried < FINISH_TRIES => {
                tracing::warn!(%error, job = %job.id, "the outcome of a send cannot be written; it is retried");
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

struct LoadDelivery {
    tenant: Uuid,
    delivery: Uuid,
}

impl Verb for LoadDelivery {
    /// The delivery and its chat.
    type Out = Option<(Delivery, String)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(delivery) = deliveries::load(tx, self.tenant, self.delivery).await? else { return Ok(None) };
        let chat = conversations::chat(tx, self.tenant, delivery.conversation).await?;
        Ok(Some((delivery, chat.unwrap_or_default())))
    }
}

/// Puts a send off until its chat may be written to again.
struct PutOff {
    job: Job,
    at: i64,
}

impl Verb for PutOff {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(jobs::put_off(tx, &self.job, self.at).await?)
    }
}

/// Removes a job whose delivery or channel no longer exists.
struct RemoveJob {
    job: Job,
}

impl Verb for RemoveJob {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
