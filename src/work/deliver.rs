//! Sends one part of a message. Before the call it is written that it begins, after the call what came of
//! it; between the two a crash leaves `unknown`, never a second send.

use adapters::{MediaKind, OutMedia, Outgoing, SendOutcome};
use anyhow::Context as _;
use uuid::Uuid;

use super::retry;
use crate::app::App;
use crate::error::Error;
use crate::inbox::outgoing::Part;
use crate::inbox::{announce, effect, receipt};
use crate::model::{AuthorKind, ChannelHealth, MessageError, MessageStatus, Owner};
use crate::store::deliveries::{self, Delivery};
use crate::store::jobs::{self, Job};
use crate::store::{Tx, Verb, Wake, channels, conversations, messages};

/// A part that was refused for now is tried so often; then it failed.
const MAX_TRIES: i64 = 10;
/// While the whole channel is down its queue waits, up to this age of the message.
const CHANNEL_DOWN_WAIT_MS: i64 = 60_000;
const MAX_AGE_MS: i64 = 24 * 3_600_000;

pub(super) async fn run(app: &App, job: &Job) -> Result<(), Error> {
    let channel = app.store.read(ChannelOf { delivery: job.subject }).await?;
    let connected = match channel {
        Some(id) => app.channels.by_id(id).await?,
        None => None,
    };
    let Some(connected) = connected else {
        app.store.write(Drop { job: job.clone() }).await?;
        return Ok(());
    };
    let provider =
        adapters::provider(&connected.channel.kind).context("the channel's provider is not built in")?;
    let account = connected.secrets.account();
    let reserved = match provider.reserve_id(&app.http, &account).await {
        Ok(reserved) => reserved,
        Err(error) if error.retryable || error.channel_down => {
            let outcome = if error.channel_down {
                SendOutcome::Rejected { code: error.code, reason: error.reason, channel_down: true }
            } else {
                SendOutcome::Retry { after_ms: None, code: error.code, reason: error.reason }
            };
            let random = app.store.ids().next().as_u128() as u64;
            app.store.write(Finish { job: job.clone(), attempt: None, outcome, random }).await?;
            return Ok(());
        }
        // Without a reserved id the echo is matched by what it says.
        Err(_) => None,
    };
    let begun = app.store.write(Begin { job: job.clone(), reserved: reserved.clone() }).await?.value;
    let Some(begun) = begun else { return Ok(()) };
    let reserved = begun.delivery.reserved_id.as_deref();
    let out = Outgoing {
        conversation: &begun.address,
        text: begun.part.text.as_deref(),
        media: begun.part.media.as_ref().map(|file| OutMedia {
            kind: media_kind(&file.kind),
            url: &file.url,
            name: file.name.as_deref(),
            mime: file.mime.as_deref(),
            caption: None,
        }),
        reply_to: begun.part.reply_to.as_deref(),
        reserved_id: reserved,
    };
    let outcome = provider.send(&app.http, &account, &out).await;
    metrics::counter!("hubbub_sends_total", "provider" => provider.name(), "outcome" => word(&outcome))
        .increment(1);
    let random = app.store.ids().next().as_u128() as u64;
    app.store.write(Finish { job: job.clone(), attempt: Some(begun.attempt), outcome, random }).await?;
    Ok(())
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

struct ChannelOf {
    delivery: Uuid,
}

impl Verb for ChannelOf {
    type Out = Option<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(deliveries::load(tx, self.delivery).await?.map(|delivery| delivery.channel))
    }
}

/// Ends a job about nothing.
struct Drop {
    job: Job,
}

impl Verb for Drop {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}

/// A send that has begun, and may leave now.
struct Begun {
    delivery: Delivery,
    part: Part,
    address: String,
    attempt: Uuid,
}

/// Writes that the send begins, unless it must not any more.
struct Begin {
    job: Job,
    reserved: Option<String>,
}

impl Verb for Begin {
    type Out = Option<Begun>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(delivery) = deliveries::load(tx, self.job.subject).await? else {
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        };
        let conversation = conversations::load_locked(tx, delivery.tenant, delivery.conversation).await?;
        let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
        let mut delivery = deliveries::load(tx, delivery.id).await?.ok_or(Error::NotFound("delivery"))?;
        let message =
            messages::load(tx, delivery.tenant, delivery.message).await?.ok_or(Error::NotFound("message"))?;
        if delivery.state != MessageStatus::Queued {
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        }
        if message.author.kind == AuthorKind::Responder && conversation.owner == Owner::Human {
            // A person took over before it left: the AI is silent.
            let reason = "a person took over before it was sent";
            delivery.state = MessageStatus::Failed;
            delivery.error = Some(MessageError { code: "taken_over".to_owned(), reason: reason.to_owned() });
            deliveries::update(tx, &delivery).await?;
            receipt::refresh(tx, &delivery).await?;
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        }
        let part = serde_json::from_str(&delivery.payload).context("a delivery's payload is damaged")?;
        delivery.state = MessageStatus::Sending;
        delivery.tries += 1;
        if let Some(reserved) = &self.reserved {
            delivery.reserved_id = Some(reserved.clone());
            delivery.external_key = Some(reserved.clone());
        }
        deliveries::update(tx, &delivery).await?;
        let attempt = deliveries::begin_attempt(tx, delivery.id).await?;
        receipt::refresh(tx, &delivery).await?;
        Ok(Some(Begun { delivery, part, address: conversation.external_id, attempt }))
    }
}

/// Writes what came of the send.
struct Finish {
    job: Job,
    /// Nothing when the provider was not even asked to send.
    attempt: Option<Uuid>,
    outcome: SendOutcome,
    random: u64,
}

impl Verb for Finish {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(delivery) = deliveries::load(tx, self.job.subject).await? else {
            jobs::done(tx, &self.job).await?;
            return Ok(());
        };
        conversations::load_locked(tx, delivery.tenant, delivery.conversation).await?;
        let mut delivery = deliveries::load(tx, delivery.id).await?.ok_or(Error::NotFound("delivery"))?;
        self.end_attempt(tx).await?;
        match &self.outcome {
            SendOutcome::Sent { external_id, dedupe_key } => {
                if delivery.state.may_become(MessageStatus::Sent) {
                    delivery.state = MessageStatus::Sent;
                }
                delivery.error = None;
                delivery.external_id = Some(external_id.clone());
                delivery.external_key = Some(dedupe_key.clone());
                deliveries::update(tx, &delivery).await?;
                receipt::refresh(tx, &delivery).await?;
                self.settle(tx, &delivery, dedupe_key).await?;
                jobs::done(tx, &self.job).await?;
            }
            SendOutcome::Retry { after_ms, code, reason } => {
                let wait = retry::wait_ms(delivery.tries, 1_000, 300_000, self.random);
                let wait = after_ms
                    .and_then(|after| i64::try_from(after).ok())
                    .map_or(wait, |after| after + wait / 4);
                let spent = delivery.tries >= MAX_TRIES;
                self.later(tx, &mut delivery, code, reason, wait, spent).await?;
            }
            SendOutcome::Rejected { code, reason, channel_down: true } => {
                self.channel_is_down(tx, &delivery, reason).await?;
                self.later(tx, &mut delivery, code, reason, CHANNEL_DOWN_WAIT_MS, false).await?;
            }
            SendOutcome::Rejected { code, reason, channel_down: false } => {
                self.fail(tx, &mut delivery, code, reason).await?;
            }
            SendOutcome::Unknown { reason } => {
                // An echo may have proved meanwhile that it left.
                if delivery.state == MessageStatus::Sending {
                    delivery.state = MessageStatus::Unknown;
                    delivery.error =
                        Some(MessageError { code: "unknown".to_owned(), reason: reason.clone() });
                    deliveries::update(tx, &delivery).await?;
                    receipt::refresh(tx, &delivery).await?;
                }
                jobs::done(tx, &self.job).await?;
            }
        }
        Ok(())
    }
}

impl Finish {
    async fn end_attempt(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(attempt) = self.attempt else { return Ok(()) };
        let (code, reason) = match &self.outcome {
            SendOutcome::Sent { .. } => (None, None),
            SendOutcome::Retry { code, reason, .. } | SendOutcome::Rejected { code, reason, .. } => {
                (Some(code.as_str()), Some(reason.as_str()))
            }
            SendOutcome::Unknown { reason } => (None, Some(reason.as_str())),
        };
        Ok(deliveries::end_attempt(tx, attempt, word(&self.outcome), code, reason).await?)
    }

    /// Receipts and reactions that came before the provider's answer told us the id.
    async fn settle(&self, tx: &mut Tx<'_>, delivery: &Delivery, key: &str) -> Result<(), Error> {
        let channel = channels::by_id(tx, delivery.channel).await?.ok_or(Error::NotFound("channel"))?;
        effect::settle_delivery(tx, &channel, key).await
    }

    /// Back into the lane, unless it has been tried or has waited too long.
    async fn later(
        &self,
        tx: &mut Tx<'_>,
        delivery: &mut Delivery,
        code: &str,
        reason: &str,
        wait_ms: i64,
        spent: bool,
    ) -> Result<(), Error> {
        let message = messages::load(tx, delivery.tenant, delivery.message).await?;
        let old = message.is_none_or(|message| tx.now() - message.created_at > MAX_AGE_MS);
        if spent || old {
            return self.fail(tx, delivery, code, reason).await;
        }
        if delivery.state == MessageStatus::Sending {
            delivery.state = MessageStatus::Queued;
        }
        delivery.error = Some(MessageError { code: code.to_owned(), reason: reason.to_owned() });
        // The provider did not take it, so the next try may need another id.
        delivery.reserved_id = None;
        delivery.external_key = None;
        deliveries::update(tx, delivery).await?;
        receipt::refresh(tx, delivery).await?;
        let at = tx.now() + wait_ms;
        jobs::release(tx, &self.job, at).await?;
        Ok(())
    }

    async fn fail(
        &self,
        tx: &mut Tx<'_>,
        delivery: &mut Delivery,
        code: &str,
        reason: &str,
    ) -> Result<(), Error> {
        delivery.state = MessageStatus::Failed;
        delivery.error = Some(MessageError { code: code.to_owned(), reason: reason.to_owned() });
        deliveries::update(tx, delivery).await?;
        // Half a message is worse than none: what has not left of it stays.
        deliveries::fail_queued(tx, delivery.message, code, reason).await?;
        receipt::refresh(tx, delivery).await?;
        jobs::done(tx, &self.job).await?;
        Ok(())
    }

    async fn channel_is_down(&self, tx: &mut Tx<'_>, delivery: &Delivery, reason: &str) -> Result<(), Error> {
        let mut channel = channels::by_id(tx, delivery.channel).await?.ok_or(Error::NotFound("channel"))?;
        if channel.health.as_ref().is_some_and(|health| health.state == "down") {
            return Ok(());
        }
        channel.health =
            Some(ChannelHealth { state: "down".to_owned(), detail: Some(reason.to_owned()), at: tx.now() });
        channels::set_health(tx, &channel).await?;
        announce::channel(tx, &channel)?;
        tx.wake(Wake::Channel(channel.id));
        Ok(())
    }
}
