//! Handles a failed run: schedules a retry, or gives the job up with a reason that people see. Tries are limited, and an
//! unreadable job does not block others.

use uuid::Uuid;

use super::kinds::{self, Interrupted};
use super::retry;
use crate::error::Error;
use crate::store::jobs::{self, Job};
use crate::store::{Tx, Verb};

/// Tries of a kind that this version does not know: a newer server may run it.
const UNKNOWN_TRIES: i64 = 12;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 300_000;
/// Stored characters of a reason.
const MAX_REASON: usize = 200;

/// Records that the run of a claimed job failed.
#[derive(Clone, Debug)]
pub(super) struct FailJob {
    pub job: Job,
    pub reason: String,
    /// A retry cannot succeed.
    pub for_good: bool,
    pub random: u64,
}

impl Verb for FailJob {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let reason: String = self.reason.chars().take(MAX_REASON).collect();
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

/// Moves a job to the dead jobs and writes the reason to its subject.
pub(super) async fn give_up(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<(), Error> {
    if !jobs::bury(tx, job, reason).await? {
        return Ok(());
    }
    metrics::counter!("hubbub_jobs_dead_total", "kind" => kinds::of(&job.kind).map_or("unknown", |kind| kind.name))
        .increment(1);
    tracing::warn!(job = %job.id, kind = job.kind, tenant = %job.tenant, reason, "a job is given up");
    let Some(kind) = kinds::of(&job.kind) else { return Ok(()) };
    // The subject may be damaged too: an error there must not undo the burial.
    let part = tx.savepoint().await?;
    let told = match (kind.given_up)(tx, job, reason).await {
        Ok(()) => tx.keep(part).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    match told {
        Ok(()) => Ok(()),
        Err(error) if error.may_pass() => Err(error),
        Err(error) => {
            tracing::error!(%error, job = %job.id, "the reason cannot be written to a given-up job's subject");
            Ok(tx.undo(part).await?)
        }
    }
}
