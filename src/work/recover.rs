//! Recovers jobs that a dead process had claimed. A send that had begun becomes `unknown`, because the provider may have
//! accepted it; every other job runs again.

use std::time::Duration;

use uuid::Uuid;

use super::Env;
use super::end;
use super::kinds::{self, Interrupted};
use crate::error::Error;
use crate::store::jobs::{self, Job};
use crate::store::{Engine, Tx, Verb};

const EVERY: Duration = Duration::from_secs(5);
const PAGE: i64 = 500;
const REASON: &str = "the server stopped while it was being done";

/// On SQLite every claim found at start is stale: only one server uses a database file.
pub(super) async fn at_start(env: &Env) {
    if env.store.engine() == Engine::Sqlite {
        recover(env, i64::MAX).await;
    }
}

/// Not a job itself, because a dead process could have claimed it.
pub(super) async fn run(env: &Env) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while env.soft.run_until_cancelled(ticks.tick()).await.is_some() {
        recover(env, env.store.clock().now_ms()).await;
    }
}

async fn recover(env: &Env, claimed_before: i64) {
    loop {
        let expired = match env.store.read(LoadExpired { claimed_before }).await {
            Ok(expired) => expired,
            Err(error) => return tracing::warn!(%error, "abandoned jobs cannot be read"),
        };
        let (count, mut taken) = (expired.len() as i64, 0_usize);
        for job in expired {
            let id = job.id;
            match env.store.write(ReleaseExpired { job, claimed_before }).await {
                Ok(_) => taken += 1,
                Err(error) => {
                    tracing::warn!(%error, job = %id, "an abandoned job cannot be released; it is retried");
                }
            }
        }
        if taken > 0 {
            tracing::info!(jobs = taken, "released jobs of a dead worker");
        }
        // Failed releases are retried at the next pass.
        if count < PAGE || taken == 0 {
            return;
        }
    }
}

struct LoadExpired {
    claimed_before: i64,
}

impl Verb for LoadExpired {
    type Out = Vec<Job>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Job>, Error> {
        Ok(jobs::expired(tx, self.claimed_before, PAGE).await?)
    }
}

struct ReleaseExpired {
    job: Job,
    claimed_before: i64,
}

impl Verb for ReleaseExpired {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if !jobs::still_expired(tx, &self.job, self.claimed_before).await? {
            return Ok(());
        }
        let kind = kinds::of(&self.job.kind);
        if let Some(kind) = kind
            && (kind.interrupted)(tx, &self.job, REASON).await? == Interrupted::Over
        {
            return Ok(());
        }
        // A job that crashes its process would crash every later one.
        if kind.is_some_and(|kind| kind.every.is_none() && self.job.tries >= kind.tries) {
            return end::give_up(tx, &self.job, REASON).await;
        }
        let now = tx.now();
        jobs::release(tx, &self.job, now, Some(REASON)).await?;
        Ok(())
    }
}
