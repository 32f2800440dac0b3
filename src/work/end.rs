//! How a job ends that did not end itself: later, or given up with a reason that people see. Nothing is tried for
//! ever, and nothing that cannot be read keeps others from running.

use uuid::Uuid;

use super::kinds::{self, Interrupted};
use super::retry;
use crate::error::Error;
use crate::store::jobs::{self, Job};
use crate::store::{Tx, Verb};

/// Tries of a kind that this version does not know: another version may.
const UNKNOWN_TRIES: i64 = 12;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 300_000;
/// Characters of a reason that are kept.
const REASON: usize = 200;

/// What went wrong with a claimed job.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub job: Job,
    pub reason: String,
    /// Another try would fail alike.
    pub for_good: bool,
    pub random: u64,
}

impl Verb for Failed {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let reason: String = self.reason.chars().take(REASON).collect();
        let kind = kinds::of(&self.job.kind);
        if let Some(kind) = kind
            && (kind.interrupted)(tx, &self.job, &reason).await? == Interrupted::Over
        {
            return Ok(());
        }
        let tries = kind.map_or(UNKNOWN_TRIES, |kind| kind.tries);
        let comes_again = kind.is_some_and(|kind| kind.every.is_some());
        if (self.for_good || self.job.tries >= tries) && !comes_again {
            return give_up(tx, &self.job, &reason).await;
        }
        let at = tx.now() + retry::wait_ms(self.job.tries, FIRST_WAIT_MS, LONGEST_WAIT_MS, self.random);
        jobs::release(tx, &self.job, at, Some(&reason)).await?;
        Ok(())
    }
}

/// Ends a job for good: what it was about says why, and the job stays among the dead.
pub(super) async fn give_up(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<(), Error> {
    if !jobs::bury(tx, job, reason).await? {
        return Ok(());
    }
    metrics::counter!("hubbub_jobs_dead_total", "kind" => kinds::of(&job.kind).map_or("unknown", |kind| kind.name))
        .increment(1);
    tracing::warn!(job = %job.id, kind = job.kind, tenant = %job.tenant, reason, "a job is given up");
    let Some(kind) = kinds::of(&job.kind) else { return Ok(()) };
    // What a job was about may be as damaged as the job: that must not bring it back.
    let part = tx.savepoint().await?;
    let told = match (kind.given_up)(tx, job, reason).await {
        Ok(()) => tx.keep(part).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    match told {
        Ok(()) => Ok(()),
        Err(error) if error.may_pass() => Err(error),
        Err(error) => {
            tracing::error!(%error, job = %job.id, "what a given-up job was about cannot say so");
            Ok(tx.undo(part).await?)
        }
    }
}
