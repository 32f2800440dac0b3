//! Claims jobs and runs them: workers for each class of work, so that media never delays a send. Told after
//! the commit that made a job, and looking by itself in case it was not told.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore};

use super::Env;
use super::end::Failed;
use super::{kinds, recover};
use crate::error::Error;
use crate::store::jobs::{self, Class, Job};
use crate::store::{Store, Tx, Verb};

/// Looks for work at least so often.
const IDLE: Duration = Duration::from_secs(5);
/// A claim outlives every call that a job makes.
pub(super) const CLAIM_MS: i64 = 180_000;
const MAX_CLAIM: usize = 64;
/// The end of a job is written again so often while the database is away.
const END_TRIES: u32 = 8;
/// If nothing could be claimed of what is due, somebody else is about to end it.
const PAUSE_MS: i64 = 5;

pub struct Runner {
    classes: Vec<Workers>,
}

struct Workers {
    class: Class,
    look: Notify,
    /// When the next job can run, as far as is known.
    next_at: AtomicI64,
    permits: Arc<Semaphore>,
}

impl Runner {
    pub fn new() -> Arc<Self> {
        let workers = |class: &Class| Workers {
            class: *class,
            look: Notify::new(),
            next_at: AtomicI64::new(0),
            permits: Arc::new(Semaphore::new(class.workers())),
        };
        Arc::new(Self { classes: Class::ALL.iter().map(workers).collect() })
    }

    /// There may be a job of the class to run at this time. Never blocks.
    pub fn wake(&self, class: Class, at: i64) {
        for workers in self.classes.iter().filter(|workers| workers.class == class) {
            workers.next_at.fetch_min(at, Ordering::AcqRel);
            workers.look.notify_one();
        }
    }

    pub fn start(self: &Arc<Self>, env: Arc<Env>) {
        let this = Arc::clone(self);
        let (env, shared) = (Arc::clone(&env), env);
        env.tasks.spawn(async move {
            // All of it before the first claim: what is found claimed now is nobody's.
            recover::at_start(&shared).await;
            if let Err(error) = shared.store.write(Schedule).await {
                tracing::error!(%error, "what has to be done again and again cannot be scheduled");
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
            // A worker must be free before a job is taken.
            let Ok(first) = Arc::clone(&workers.permits).acquire_owned().await else { return };
            let free = workers.permits.available_permits().min(MAX_CLAIM - 1) + 1;
            workers.next_at.store(i64::MAX, Ordering::Release);
            let claimed = env.store.write(Claim { class: workers.class, limit: free as i64 }).await;
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
            for job in jobs {
                let permit = match spare.take() {
                    Some(permit) => permit,
                    // Only this loop takes permits, and `free` of them were there.
                    None => match Arc::clone(&workers.permits).acquire_owned().await {
                        Ok(permit) => permit,
                        Err(_) => return,
                    },
                };
                let shared = Arc::clone(&env);
                env.tasks.spawn(async move {
                    let hard = shared.hard.clone();
                    hard.run_until_cancelled(run_one(&shared, job)).await;
                    drop(permit);
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
        tokio::select! {
            () = env.soft.cancelled() => {}
            () = workers.look.notified() => {}
            () = tokio::time::sleep(until.min(IDLE)) => {}
        }
    }
}

/// Runs a job to one of its ends.
async fn run_one(env: &Env, job: Job) {
    let kind = kinds::of(&job.kind);
    let ended = match kind {
        None => Err(Broken::for_now(format!(
            "this version of the server knows no jobs of the kind {:?}: run a newer one, then let it be tried again",
            job.kind
        ))),
        Some(kind) => match (kind.run)(env, &job) {
            Err(reason) => Err(Broken::for_good(format!("its payload cannot be read: {reason}"))),
            Ok(work) => match (caught(kept(env, &job, kind.every, work)).await, kind.every) {
                (Ok(()), Some(every)) => again(env, &job, every).await,
                (ended, _) => ended,
            },
        },
    };
    let name = kind.map_or("unknown", |kind| kind.name);
    metrics::counter!("hubbub_jobs_total", "kind" => name, "ok" => if ended.is_ok() { "true" } else { "false" })
        .increment(1);
    if let Err(Broken { reason, for_good }) = ended {
        tracing::error!(reason, kind = job.kind, job = %job.id, tenant = %job.tenant, tries = job.tries, "a job failed");
        let random = env.store.ids().next().as_u128() as u64;
        end(env, Failed { job, reason, for_good, random }).await;
    }
}

/// Why a job did not come to its own end.
#[derive(Debug, PartialEq, Eq)]
struct Broken {
    reason: String,
    /// Another try would fail alike.
    for_good: bool,
}

impl Broken {
    fn for_now(reason: String) -> Self {
        Self { reason, for_good: false }
    }

    fn for_good(reason: String) -> Self {
        Self { reason, for_good: true }
    }
}

/// Whatever goes wrong in it has a reason, a panic too.
async fn caught(work: impl Future<Output = Result<(), Error>>) -> Result<(), Broken> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Broken::for_now(format!("{error:#}"))),
        Err(_) => Err(Broken::for_now(
            "the server failed in the middle of it (a panic; its log says where)".to_owned(),
        )),
    }
}

/// A job that comes again may take long: its claim is renewed while it works, and if it is lost the work ends.
async fn kept(
    env: &Env,
    job: &Job,
    every: Option<Duration>,
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    if every.is_none() {
        return work.await;
    }
    let third = Duration::from_millis(u64::try_from(CLAIM_MS / 3).unwrap_or(1));
    let renew = async {
        loop {
            tokio::time::sleep(third).await;
            match env.store.write(Keep { job: job.clone() }).await {
                Ok(kept) if !kept.value => return,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, job = %job.id, "a claim is not renewed yet"),
            }
        }
    };
    tokio::select! {
        done = work => done,
        () = renew => Err(Error::conflict("claim_lost", "another worker has taken it over")),
    }
}

async fn again(env: &Env, job: &Job, every: Duration) -> Result<(), Broken> {
    let verb = Again { job: job.clone(), every_ms: i64::try_from(every.as_millis()).unwrap_or(i64::MAX) };
    env.store.write(verb).await.map(drop).map_err(|error| Broken::for_now(error.to_string()))
}

/// Writes it, also if the database is away for a while. If even that cannot be done the claim runs out.
async fn end(env: &Env, failed: Failed) {
    for tried in 0..END_TRIES {
        match env.store.write(failed.clone()).await {
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, job = %failed.job.id, "the end of a job is not written yet");
                tokio::time::sleep(Duration::from_millis(100 << tried)).await;
            }
        }
    }
    tracing::error!(job = %failed.job.id, "the end of a job could not be written: it is found when its claim runs out");
}

/// Takes jobs of a class, and says when the next one can run.
struct Claim {
    class: Class,
    limit: i64,
}

impl Verb for Claim {
    type Out = (Vec<Job>, Option<i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let until = tx.now() + CLAIM_MS;
        let taken = jobs::claim(tx, self.class, self.limit, until).await?;
        let soon = tx.now() + PAUSE_MS;
        let next = if taken.is_empty() { jobs::next_at(tx, self.class).await? } else { None };
        Ok((taken, next.map(|next| next.max(soon))))
    }
}

struct Again {
    job: Job,
    every_ms: i64,
}

impl Verb for Again {
    type Out = ();

    fn tenant(&self) -> Option<uuid::Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let at = tx.now() + self.every_ms;
        Ok(jobs::again(tx, &self.job, at).await?)
    }
}

/// Makes the jobs that come again, where they are not there.
struct Schedule;

impl Verb for Schedule {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let now = tx.now();
        for kind in kinds::scheduled() {
            (kind.schedule)(tx, now).await?;
        }
        Ok(())
    }
}

/// A job that takes long says that it still runs.
struct Keep {
    job: Job,
}

impl Verb for Keep {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let until = tx.now() + CLAIM_MS;
        Ok(jobs::keep(tx, &self.job, until).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whatever_goes_wrong_in_a_job_has_a_reason() {
        assert_eq!(caught(async { Ok(()) }).await, Ok(()));
        let failed = caught(async { Err(Error::NotFound("conversation")) }).await.expect_err("an error");
        assert_eq!((failed.reason.as_str(), failed.for_good), ("there is no such conversation", false));
        let panicked = caught(async { panic!("on purpose") }).await.expect_err("a panic");
        assert!(panicked.reason.contains("panic") && !panicked.for_good);
    }
}
