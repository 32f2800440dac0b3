//! Records the outcome of a send. A state that an echo or a receipt has set meanwhile stays: the provider's answer does
//! not overwrite it.

use adapters::{Remedy, SendOutcome};
use uuid::Uuid;

use super::begin::Attempt;
use super::{MAX_AGE_MS, word};
use crate::channels::health::{self, Finding};
use crate::error::Error;
use crate::inbox::{message_change, receipt};
use crate::model::{Channel, ChannelHealth, HealthCause, HealthLevel, MessageError, MessageStatus};
use crate::store::deliveries::{self, Delivery};
use crate::store::jobs::{self, Deliver, Job, Payload};
use crate::store::queues::{self, Failed, QueueKey};
use crate::store::{Tx, Verb, channels, messages};
use crate::work::{end, outage, retry};

const LONGEST_WAIT_MS: i64 = 300_000;

/// The retry schedule of a part after a temporary refusal.
struct Pace {
    tries: i64,
    first_ms: i64,
}

impl Pace {
    /// Chosen by the provider's code and `Retry-After`. Rate limits and unreachable providers get many tries; an unknown
    /// error may be permanent, so it gets a few tries spread over minutes.
    fn of(code: &str, after_ms: Option<i64>) -> Self {
        match code {
            "429" | "503" | "408" | "rate" | "overloaded" | "unreachable" => {
                Self { tries: 10, first_ms: 1_000 }
            }
            _ if after_ms.is_some() => Self { tries: 10, first_ms: 1_000 },
            _ => Self { tries: 5, first_ms: 30_000 },
        }
    }
}

pub(super) struct Finish {
    pub job: Job,
    /// `None` if the provider's send was not called.
    pub attempt: Option<Attempt>,
    pub outcome: SendOutcome,
    /// From when on the chat may be written to again.
    pub lane_free_at: Option<i64>,
    pub random: u64,
}

impl Verb for Finish {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        self.settle(tx).await?;
        if let Some(at) = self.lane_free_at.filter(|at| *at > tx.now()) {
            jobs::not_before(tx, &self.job, at).await?;
        }
        Ok(())
    }
}

impl Finish {
    async fn settle(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(mut delivery) = deliveries::load(tx, self.job.tenant, self.job.subject).await? else {
            jobs::done(tx, &self.job).await?;
            return Ok(());
        };
        self.end_attempt(tx).await?;
        // Without an attempt the delivery is still queued; with one it is sending.
        let as_left = if self.attempt.is_some() { MessageStatus::Sending } else { MessageStatus::Queued };
        let settled = delivery.state != as_left;
        match &self.outcome {
            SendOutcome::Sent { external_id, dedupe_key } => {
                self.sent(tx, delivery, external_id, dedupe_key).await?;
            }
            _ if settled => {
                jobs::done(tx, &self.job).await?;
            }
            SendOutcome::Retry { after_ms, code, reason } => {
                delivery.tries += 1;
                let after = after_ms.and_then(|after| i64::try_from(after).ok());
                let pace = Pace::of(code, after);
                let wait = retry::wait_ms(delivery.tries, pace.first_ms, LONGEST_WAIT_MS, self.random);
                // `Retry-After` applies to one chat; a failure without it probably affects the whole channel.
                if after.is_none() {
                    queues::failed(tx, self.queue(), Failed::Once, reason).await?;
                }
                let wait = after.map_or(wait, |after| after + wait / 4);
                let spent = delivery.tries >= pace.tries;
                self.later(tx, &mut delivery, code, reason, wait, spent).await?;
            }
            SendOutcome::Rejected { code, reason, channel_down: true } => {
                self.refused(&mut delivery);
                queues::failed(tx, self.queue(), Failed::Down, reason).await?;
                self.channel_is(tx, &delivery, Some(refused(code, reason))).await?;
                // The queue is blocked; this job is tried first when it resumes.
                self.later(tx, &mut delivery, code, reason, 0, false).await?;
            }
            SendOutcome::Rejected { code, reason, channel_down: false } => {
                self.provider_answers(tx).await?;
                self.refused(&mut delivery);
                // A provider that cannot be reached is a retry: what is refused so is about the person.
                let code = if code == "unreachable" { "person_unreachable" } else { code.as_str() };
                self.fail(tx, &mut delivery, code, reason).await?;
            }
            SendOutcome::Unknown { reason, channel_down } => {
                let how = if *channel_down { Failed::Down } else { Failed::Doubtful };
                let again = queues::failed(tx, self.queue(), how, reason).await?;
                if *channel_down {
                    self.channel_is(tx, &delivery, Some(refused("", reason))).await?;
                } else if again {
                    // The account is well, and its sends have no answer.
                    self.channel_is(tx, &delivery, Some(outage::finding(reason))).await?;
                }
                delivery.state = MessageStatus::Unknown;
                delivery.error =
                    Some(MessageError { code: "unknown".to_owned(), reason: reason.to_string() });
                deliveries::update(tx, &delivery).await?;
                receipt::refresh(tx, &delivery).await?;
                jobs::done(tx, &self.job).await?;
            }
        }
        Ok(())
    }

    /// Unblocks the channel's queue and runs its waiting retries now.
    async fn provider_answers(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if queues::recovered(tx, self.queue()).await? {
            jobs::hurry_queue(tx, self.queue()).await?;
        }
        Ok(())
    }

    /// A refusal proves that this attempt sent nothing. Earlier attempts may still have been accepted, so `begun_at` is
    /// cleared only if this was the first.
    fn refused(&self, delivery: &mut Delivery) {
        if self.attempt.is_some_and(|attempt| attempt.is_first) {
            delivery.begun_at = None;
        }
    }

    fn queue(&self) -> QueueKey {
        QueueKey { tenant: self.job.tenant, id: self.job.queue, class: Deliver::CLASS }
    }

    async fn end_attempt(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(Attempt { id: attempt, .. }) = self.attempt else { return Ok(()) };
        let (code, reason) = match &self.outcome {
            SendOutcome::Sent { .. } => (None, None),
            SendOutcome::Retry { code, reason, .. } | SendOutcome::Rejected { code, reason, .. } => {
                (Some(code.as_str()), Some(reason.as_str()))
            }
            SendOutcome::Unknown { reason, .. } => (None, Some(reason.as_str())),
        };
        Ok(deliveries::end_attempt(tx, (self.job.tenant, attempt), word(&self.outcome), code, reason).await?)
    }

    async fn sent(&self, tx: &mut Tx<'_>, mut delivery: Delivery, id: &str, key: &str) -> Result<(), Error> {
        // An echo that came before this answer may have been matched to another part with the same text.
        receipt::claim_key(tx, &delivery, key).await?;
        if delivery.state.may_become(MessageStatus::Sent) {
            delivery.state = MessageStatus::Sent;
        }
        delivery.error = None;
        delivery.begun_at = None;
        delivery.sent_at = delivery.sent_at.or(self.attempt.map(|attempt| attempt.at));
        delivery.external_id = Some(id.to_owned());
        delivery.external_key = Some(key.to_owned());
        deliveries::update(tx, &delivery).await?;
        receipt::refresh(tx, &delivery).await?;
        self.provider_answers(tx).await?;
        // Applies receipts and reactions that came before the key was known.
        let channel = self.channel_is(tx, &delivery, None).await?;
        message_change::settle_delivery(tx, &channel, key).await?;
        message_change::settle_outcome(tx, &channel, delivery.id).await?;
        jobs::done(tx, &self.job).await?;
        Ok(())
    }

    /// Requeues the part, or gives it up if its tries are used up (`spent`) or its message is too old. It keeps its
    /// reserved id: if the provider accepted this attempt after all, it recognises the next one as the same message.
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
        if delivery.state == MessageStatus::Sending {
            delivery.state = MessageStatus::Queued;
        }
        delivery.error = Some(MessageError { code: code.to_owned(), reason: reason.to_owned() });
        deliveries::update(tx, delivery).await?;
        if spent || old {
            // The message's remaining parts are not sent without this one.
            deliveries::fail_queued(tx, delivery, code, reason).await?;
            deliveries::update(tx, delivery).await?;
            return end::give_up(tx, &self.job, reason).await;
        }
        receipt::refresh(tx, delivery).await?;
        let at = tx.now() + wait_ms;
        Ok(jobs::postpone(tx, &self.job, at, reason).await?)
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
        // The message's remaining parts are not sent without this one.
        deliveries::fail_queued(tx, delivery, code, reason).await?;
        receipt::refresh(tx, delivery).await?;
        jobs::done(tx, &self.job).await?;
        Ok(())
    }

    /// Updates the channel's health from a send: what was found, or working again.
    async fn channel_is(
        &self,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        down: Option<Finding>,
    ) -> Result<Channel, Error> {
        let mut channel = channels::by_id(tx, delivery.tenant, delivery.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        let was_down = channel.health.as_ref().is_some_and(ChannelHealth::is_blocked);
        // A send that was under way says nothing of whose account it left from.
        if channel.is_found(HealthCause::OtherAccount) || was_down == down.is_some() {
            return Ok(channel);
        }
        let found = down.unwrap_or_else(Finding::connected);
        let now = tx.now();
        health::note(tx, &mut channel, found, now).await?;
        Ok(channel)
    }
}

/// A refusal of a send that holds for every send.
fn refused(code: &str, reason: &str) -> Finding {
    let found = Finding::new(HealthLevel::Down, HealthCause::SendFailed, Some(reason.to_owned()));
    // The credentials were refused: `key_refused`, `token_refused`.
    if code.ends_with("_refused") { found.remedy(Remedy::CheckCredentials) } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of tries and the sum of the waits between them.
    fn spread(code: &str, after_ms: Option<i64>) -> (i64, i64) {
        let pace = Pace::of(code, after_ms);
        let waits = (1..pace.tries).map(|tries| retry::wait_ms(tries, pace.first_ms, LONGEST_WAIT_MS, 0));
        (pace.tries, waits.sum())
    }

    #[test]
    fn an_error_that_nobody_knows_ends_after_a_few_tries_over_minutes() {
        let (tries, over_ms) = spread("something_new", None);
        assert!(tries <= 5 && (120_000..900_000).contains(&over_ms), "{tries} over {over_ms} ms");
        assert!(retry::wait_ms(1, Pace::of("something_new", None).first_ms, LONGEST_WAIT_MS, 0) >= 15_000);
    }

    #[test]
    fn what_asks_for_time_is_tried_for_longer() {
        for (code, after_ms) in
            [("429", None), ("rate", None), ("unreachable", None), ("something_new", Some(5_000))]
        {
            assert_eq!(spread(code, after_ms).0, 10, "{code}");
        }
    }
}
