//! What a dead process left: jobs that it had claimed. A send that had begun is `unknown`, because nobody
//! can tell whether it left; everything else is simply run again.

use std::time::Duration;

use uuid::Uuid;

use super::Env;
use super::end;
use super::kinds::{self, Interrupted};
use crate::error::Error;
use crate::store::jobs::{self, Job};
use crate::store::{Engine, Tx, Verb};

const EVERY: Duration = Duration::from_secs(30);
const PAGE: i64 = 500;
const REASON: &str = "the server stopped while it was being done";

/// At a start on SQLite nobody else can hold a claim: a database file has one server.
pub(super) async fn at_start(env: &Env) {
    if env.store.engine() == Engine::Sqlite {
        recover(env, i64::MAX).await;
    }
}

/// Not a job itself: a dead process may have claimed that too.
pub(super) async fn run(env: &Env) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while env.soft.run_until_cancelled(ticks.tick()).await.is_some() {
        recover(env, env.store.clock().now_ms()).await;
    }
}

async fn recover(env: &Env, claimed_before: i64) {
    loop {
        let expired = match env.store.read(Expired { claimed_before }).await {
            Ok(expired) => expired,
            Err(error) => return tracing::warn!(%error, "abandoned jobs cannot be read"),
        };
        let (count, mut taken) = (expired.len() as i64, 0_usize);
        for job in expired {
            let id = job.id;
            match env.store.write(TakeBack { job, claimed_before }).await {
                Ok(_) => taken += 1,
                Err(error) => tracing::warn!(%error, job = %id, "an abandoned job cannot be taken back yet"),
            }
        }
        if taken > 0 {
            tracing::info!(jobs = taken, "took back jobs whose worker is gone");
        }
        // What could not be taken back is tried again at the next look.
        if count < PAGE || taken == 0 {
            return;
        }
    }
}

struct Expired {
    claimed_before: i64,
}

impl Verb for Expired {
    type Out = Vec<Job>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Job>, Error> {
        Ok(jobs::expired(tx, self.claimed_before, PAGE).await?)
    }
}

struct TakeBack {
    job: Job,
    claimed_before: i64,
}

impl Verb for TakeBack {
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
        // A job that ends its process would end every one that comes after it.
        if kind.is_some_and(|kind| kind.every.is_none() && self.job.tries >= kind.tries) {
            return end::give_up(tx, &self.job, REASON).await;
        }
        let now = tx.now();
        jobs::release(tx, &self.job, now, Some(REASON)).await?;
        Ok(())
    }
}
