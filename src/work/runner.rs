//! Claims jobs and runs them. Each class has its own workers, so media never delays a send. A commit that adds a job
//! wakes the workers; they also poll, in case a wake was lost.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore};

use super::Env;
use super::end::FailJob;
use super::{kinds, recover};
use crate::error::Error;
use crate::store::jobs::{self, ClaimIds, Claimed, Class, Job};
use crate::store::pace::Paces;
use crate::store::shares::Shares;
use crate::store::{Store, Tx, Verb};
use crate::telemetry::traces::Span;

/// Longest time between two polls: alone, and beside other nodes, whose work is to be found when they die.
const IDLE: Duration = Duration::from_secs(5);
const IDLE_BESIDE: Duration = Duration::from_secs(1);
/// Length of a claim, which is renewed while the job runs: so long may the database be away before a job that runs on
/// counts as given up. The claims of a node that is known to be dead end sooner (`recover`).
pub(super) const CLAIM_MS: i64 = 60_000;
const MAX_CLAIM: usize = 64;
/// Tries of recording a failed job while the database is unavailable.
const RECORD_TRIES: u32 = 8;
/// Shortest wait when due jobs exist and none could be claimed: another worker is about to end them.
const RETRY_CLAIM_MS: i64 = 5;

pub struct Runner {
    classes: Vec<Arc<Workers>>,
    paces: Arc<Paces>,
    claims: Arc<ClaimIds>,
}

struct Workers {
    class: Class,
    notify: Notify,
    /// The earliest known time at which a job can run.
    next_at: AtomicI64,
    permits: Arc<Semaphore>,
    shares: Mutex<Shares>,
    /// Some wait because their tenant or provider has its share: the end of any job may let them begin.
    holds_back: AtomicBool,
}

impl Workers {
    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runner {
    pub fn new(claims: ClaimIds) -> Arc<Self> {
        let workers = |class: &Class| Workers {
            class: *class,
            notify: Notify::new(),
            next_at: AtomicI64::new(0),
            permits: Arc::new(Semaphore::new(class.workers())),
            shares: Mutex::new(Shares::of(*class)),
            holds_back: AtomicBool::new(false),
        };
        Arc::new(Self {
            classes: Class::ALL.iter().map(workers).map(Arc::new).collect(),
            paces: Arc::default(),
            claims: Arc::new(claims),
        })
    }

    /// All workers of the class have something to do, so that other nodes may be sooner.
    pub fn is_busy(&self, class: Class) -> bool {
        self.classes.iter().any(|workers| workers.class == class && workers.permits.available_permits() == 0)
    }

    /// A job of the class may be runnable at this time. Never blocks.
    pub fn wake(&self, class: Class, at: i64) {
        for workers in self.classes.iter().filter(|workers| workers.class == class) {
            workers.next_at.fetch_min(at, Ordering::AcqRel);
            workers.notify.notify_one();
        }
    }

    pub fn start(self: &Arc<Self>, env: Arc<Env>) {
        let this = Arc::clone(self);
        let (env, shared) = (Arc::clone(&env), env);
        env.tasks.spawn(async move {
            // Before the first claim of this process: every claim found on SQLite is stale.
            recover::at_start(&shared).await;
            if let Err(error) = shared.store.write(ScheduleRecurring).await {
                tracing::error!(%error, "recurring jobs cannot be scheduled");
            }
            for index in 0..this.classes.len() {
                let (this, env) = (Arc::clone(&this), Arc::clone(&shared));
                shared.tasks.spawn(async move { this.run(index, env).await });
            }
            recover::run(&shared).await;
        });
    }

    async fn run(&self, index: usize, env: Arc<Env>) {
        let Some(workers) = self.classes.get(index) else { return };
        while !env.soft.is_cancelled() {
            // A worker must be free before a job is claimed.
            let Ok(first) = Arc::clone(&workers.permits).acquire_owned().await else { return };
            let free = workers.permits.available_permits().min(MAX_CLAIM - 1) + 1;
            workers.next_at.store(i64::MAX, Ordering::Release);
            let shares = {
                // Under the lock: a job that ends later finds the flag.
                let shares = workers.shares();
                workers.holds_back.store(shares.holds_back(), Ordering::Release);
                shares.clone()
            };
            let claim = ClaimJobs {
                class: workers.class,
                limit: free as i64,
                paces: Arc::clone(&self.paces),
                claims: Arc::clone(&self.claims),
                shares,
            };
            let claimed = env.store.write(claim).await;
            let (jobs, next_at) = match claimed {
                Ok(committed) => committed.value,
                Err(error) => {
                    tracing::warn!(%error, class = workers.class.as_str(), "jobs cannot be claimed");
                    (Vec::new(), Some(env.store.clock().now_ms() + 1_000))
                }
            };
            if let Some(next_at) = next_at {
                workers.next_at.fetch_min(next_at, Ordering::AcqRel);
            }
            let took = jobs.len();
            let mut spare = Some(first);
            for (job, holder) in jobs {
                let permit = match spare.take() {
                    Some(permit) => permit,
                    // Does not wait: only this loop takes permits, and `free` of them were available.
                    None => match Arc::clone(&workers.permits).acquire_owned().await {
                        Ok(permit) => permit,
                        Err(_) => return,
                    },
                };
                workers.shares().begin(holder);
                let (shared, workers) = (Arc::clone(&env), Arc::clone(workers));
                env.tasks.spawn(async move {
                    let id = job.id;
                    tokio::select! {
                        () = run_one(&shared, job) => {}
                        () = shared.sends.may_drop(id, &shared.hard) => {}
                    }
                    workers.shares().end(holder);
                    drop(permit);
                    // The commit that ended the job woke the workers while it still counted.
                    if workers.holds_back.swap(false, Ordering::AcqRel) {
                        workers.next_at.store(0, Ordering::Release);
                        workers.notify.notify_one();
                    }
                });
            }
            drop(spare);
            if took == 0 {
                self.wait(workers, &env.store, &env).await;
            }
        }
    }

    async fn wait(&self, workers: &Workers, store: &Store, env: &Env) {
        let at = workers.next_at.load(Ordering::Acquire);
        let until =
            Duration::from_millis(u64::try_from(at.saturating_sub(store.clock().now_ms())).unwrap_or(0));
        let idle = if env.config.bus.url.is_empty() { IDLE } else { IDLE_BESIDE };
        tokio::select! {
            () = env.soft.cancelled() => {}
            () = workers.notify.notified() => {}
            () = tokio::time::sleep(until.min(idle)) => {}
        }
    }
}

/// Runs a job in the trace of what caused it.
async fn run_one(env: &Env, job: Job) {
    let mut span = Span::of("job", job.trace());
    span.put("kind", || job.kind.clone());
    span.put("tenant", || job.tenant.to_string());
    span.put("job", || job.id.to_string());
    span.put("try", || job.tries.to_string());
    span.within(run_to_end(env, job)).await;
}

/// Runs a job and records a failure.
async fn run_to_end(env: &Env, job: Job) {
    let kind = kinds::of(&job.kind);
    let ended = match kind {
        None => Err(Failure::for_now(format!(
            "this version of the server knows no jobs of the kind {:?}: run a newer one, then let it be tried again",
            job.kind
        ))),
        Some(kind) => match (kind.run)(env, &job) {
            Err(reason) => Err(Failure::for_good(format!("its payload cannot be read: {reason}"))),
            Ok(work) => {
                let work = catch_failure(limited(kind.limit, work));
                match (with_claim_renewal(&env.store, &job, work).await, kind.every) {
                    // Whoever has it now says what becomes of it.
                    (None, _) => {
                        tracing::warn!(kind = job.kind, job = %job.id, tenant = %job.tenant, "another worker has taken a job over");
                        return;
                    }
                    (Some(Ok(())), Some(every)) => reschedule(env, &job, every).await,
                    (Some(ended), _) => ended,
                }
            }
        },
    };
    let name = kind.map_or("unknown", |kind| kind.name);
    metrics::counter!("hubbub_jobs_total", "kind" => name, "ok" => if ended.is_ok() { "true" } else { "false" })
        .increment(1);
    if let Err(Failure { reason, for_good }) = ended {
        tracing::error!(reason, kind = job.kind, job = %job.id, tenant = %job.tenant, tries = job.tries, "a job failed");
        let random = env.store.ids().next().as_u128() as u64;
        record_failure(env, FailJob { job, reason, for_good, random }).await;
    }
}

/// Why a run failed.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    reason: String,
    /// A retry cannot succeed.
    for_good: bool,
}

impl Failure {
    fn for_now(reason: String) -> Self {
        Self { reason, for_good: false }
    }

    fn for_good(reason: String) -> Self {
        Self { reason, for_good: true }
    }
}

/// Turns errors and panics into a [`Failure`].
async fn catch_failure(work: impl Future<Output = Result<(), Error>>) -> Result<(), Failure> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::for_now(format!("{error:#}"))),
        Err(_) => Err(Failure::for_now(
            "the server failed in the middle of it (a panic; its log says where)".to_owned(),
        )),
    }
}

/// Ends work that takes longer than its kind allows: a worker is not held for ever.
async fn limited(
    limit: Option<Duration>,
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(ended) => ended,
        Err(_) => Err(anyhow::anyhow!("it took longer than {} seconds", limit.as_secs()).into()),
    }
}

/// Renews the claim while the work runs. `None`: the claim is lost, and the work was dropped.
async fn with_claim_renewal<T>(store: &Store, job: &Job, work: impl Future<Output = T>) -> Option<T> {
    let third = Duration::from_millis(CLAIM_MS.unsigned_abs() / 3);
    let renew = async {
        loop {
            tokio::time::sleep(third).await;
            match store.write(RenewClaim { job: job.clone() }).await {
                Ok(kept) if !kept.value => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, job = %job.id, "a claim cannot be renewed; it is retried");
                }
            }
        }
    };
    tokio::select! {
        done = work => Some(done),
        () = renew => None,
    }
}

async fn reschedule(env: &Env, job: &Job, every: Duration) -> Result<(), Failure> {
    let verb =
        Reschedule { job: job.clone(), every_ms: i64::try_from(every.as_millis()).unwrap_or(i64::MAX) };
    env.store.write(verb).await.map(drop).map_err(|error| Failure::for_now(error.to_string()))
}

/// Records a failed run, with retries while the database is unavailable. After the last one the claim expires and
/// `recover` finds the job.
async fn record_failure(env: &Env, failed: FailJob) {
    for tried in 0..RECORD_TRIES {
        match env.store.write(failed.clone()).await {
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, job = %failed.job.id, "a failed job cannot be recorded; it is retried");
                tokio::time::sleep(Duration::from_millis(100 << tried)).await;
            }
        }
    }
    tracing::error!(job = %failed.job.id, "a failed job cannot be recorded; it is recovered when its claim expires");
}

/// Claims jobs of a class. If there are none, returns when the next one can run.
struct ClaimJobs {
    class: Class,
    limit: i64,
    paces: Arc<Paces>,
    claims: Arc<ClaimIds>,
    shares: Shares,
}

impl Verb for ClaimJobs {
    type Out = (Vec<Claimed>, Option<i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let until = tx.now() + CLAIM_MS;
        let by = (&*self.paces, &self.shares, &*self.claims);
        let taken = jobs::claim(tx, self.class, self.limit, until, by).await?;
        let soon = tx.now() + RETRY_CLAIM_MS;
        let next = if taken.is_empty() { jobs::next_at(tx, self.class, &self.shares).await? } else { None };
        Ok((taken, next.map(|next| next.max(soon))))
    }
}

struct Reschedule {
    job: Job,
    every_ms: i64,
}

impl Verb for Reschedule {
    type Out = ();

    fn tenant(&self) -> Option<uuid::Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let at = tx.now() + self.every_ms;
        Ok(jobs::again(tx, &self.job, at).await?)
    }
}

/// Creates the recurring jobs that do not exist yet.
struct ScheduleRecurring;

impl Verb for ScheduleRecurring {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let now = tx.now();
        for kind in kinds::scheduled() {
            (kind.schedule)(tx, now).await?;
        }
        Ok(())
    }
}

/// Extends a claim; `false` if another worker has it.
struct RenewClaim {
    job: Job,
}

impl Verb for RenewClaim {
    type Out = bool;

    fn tenant(&self) -> Option<uuid::Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let until = tx.now() + CLAIM_MS;
        Ok(jobs::keep(tx, &self.job, until).await?)
    }
}

#[cfg(test)]
mod tests;
