//! Recovers jobs that a dead process had claimed: when their claims have expired, and at once when their node is known to
//! be dead; a process that stops releases its own. A send that had begun becomes `unknown`, because the provider may have accepted it; every other job runs again.
//!
//! A node that was taken for dead and comes back sends nothing twice, whenever its claims are taken: a send begins by a
//! transaction that wants the claim (`deliver/begin.rs`), and one that had begun is not sent by anybody else.

use std::time::Duration;

use uuid::Uuid;

use super::Env;
use super::end;
use super::kinds::{self, Interrupted};
use crate::error::Error;
use crate::store::jobs::{self, Job};
use crate::store::{Engine, Store, Tx, Verb};

const EVERY: Duration = Duration::from_secs(5);
const PAGE: i64 = 500;
const REASON: &str = "the server stopped while it was being done";

/// On SQLite every claim found at start is stale: only one server uses a database file.
pub(super) async fn at_start(env: &Env) {
    if env.store.engine() == Engine::Sqlite {
        recover(&env.store, None, i64::MAX).await;
    }
}

/// Not a job itself, because a dead process could have claimed it.
pub(super) async fn run(env: &Env) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while env.soft.run_until_cancelled(ticks.tick()).await.is_some() {
        recover(&env.store, None, env.store.clock().now_ms()).await;
        for dead in env.nodes.dead() {
            recover(&env.store, Some(dead.node), dead.claimed_until).await;
        }
    }
}

/// Releases what a node has claimed of which nothing runs any more: this process's own, at its end. `false`: the database
/// does not answer, and claims are left.
pub(crate) async fn of_stopped(store: &Store, node: Uuid) -> bool {
    recover(store, Some(node), i64::MAX).await
}

/// Releases the jobs whose claims end by then: of all nodes, or of one. `false`: some are left.
async fn recover(store: &Store, node: Option<Uuid>, claimed_until: i64) -> bool {
    loop {
        let abandoned = match store.read(LoadAbandoned { node, claimed_until }).await {
            Ok(abandoned) => abandoned,
            Err(error) => {
                tracing::warn!(%error, "abandoned jobs cannot be read");
                return false;
            }
        };
        let (count, mut taken) = (abandoned.len(), 0_usize);
        for job in abandoned {
            let id = job.id;
            match store.write(ReleaseAbandoned { job, claimed_until }).await {
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
        if (count as i64) < PAGE || taken == 0 {
            return taken == count;
        }
    }
}

struct LoadAbandoned {
    node: Option<Uuid>,
    claimed_until: i64,
}

impl Verb for LoadAbandoned {
    type Out = Vec<Job>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Job>, Error> {
        Ok(jobs::claimed(tx, self.node, self.claimed_until, PAGE).await?)
    }
}

struct ReleaseAbandoned {
    job: Job,
    claimed_until: i64,
}

impl Verb for ReleaseAbandoned {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if !jobs::is_still_claimed(tx, &self.job, self.claimed_until).await? {
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
