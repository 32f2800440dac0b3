//! Claims jobs and runs them: workers for each class of work, so that media never delays a send. Told after
//! the commit that made a job, and looking by itself in case it was not told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::{acknowledge, deliver, fetch_media, recover};
use crate::app::App;
use crate::error::Error;
use crate::store::jobs::{self, Job, JobKind, Priority};
use crate::store::{Store, Tx, Verb};

/// Looks for work at least so often.
const IDLE: Duration = Duration::from_secs(5);
/// A claim outlives every call that a job makes.
pub(super) const CLAIM_MS: i64 = 180_000;
const MAX_CLAIM: usize = 64;

pub struct Runner {
    classes: Vec<(Priority, Class)>,
}

struct Class {
    look: Notify,
    /// When the next job can run, as far as is known.
    next_at: AtomicI64,
    permits: Arc<Semaphore>,
}

impl Runner {
    pub fn new() -> Arc<Self> {
        let class = |workers| Class {
            look: Notify::new(),
            next_at: AtomicI64::new(0),
            permits: Arc::new(Semaphore::new(workers)),
        };
        let workers = |priority| match priority {
            Priority::Send => 64,
            Priority::Media => 8,
        };
        Arc::new(Self {
            classes: Priority::ALL.iter().map(|priority| (*priority, class(workers(*priority)))).collect(),
        })
    }

    /// There may be a job to run at this time. Never blocks.
    pub fn wake(&self, at: i64) {
        for (_, class) in &self.classes {
            class.next_at.fetch_min(at, Ordering::AcqRel);
            class.look.notify_one();
        }
    }

    pub fn start(self: &Arc<Self>, app: &Arc<App>) {
        let (this, shared) = (Arc::clone(self), Arc::clone(app));
        app.tasks.spawn(async move {
            // All of it before the first claim: what is found claimed now is nobody's.
            recover::at_start(&shared).await;
            for index in 0..this.classes.len() {
                let (this, app) = (Arc::clone(&this), Arc::clone(&shared));
                shared.tasks.spawn(async move { this.run(index, app).await });
            }
            recover::run(&shared).await;
        });
    }

    async fn run(&self, index: usize, app: Arc<App>) {
        let Some((priority, class)) = self.classes.get(index) else { return };
        while !app.soft.is_cancelled() {
            // A worker must be free before a job is taken.
            let Ok(first) = Arc::clone(&class.permits).acquire_owned().await else { return };
            let free = class.permits.available_permits().min(MAX_CLAIM - 1) + 1;
            class.next_at.store(i64::MAX, Ordering::Release);
            let claimed = app.store.write(Claim { class: *priority, limit: free as i64 }).await;
            let (jobs, next_at) = match claimed {
                Ok(committed) => committed.value,
                Err(error) => {
                    tracing::warn!(%error, "jobs cannot be claimed");
                    (Vec::new(), Some(app.store.clock().now_ms() + 1_000))
                }
            };
            if let Some(next_at) = next_at {
                class.next_at.fetch_min(next_at, Ordering::AcqRel);
            }
            let took = jobs.len();
            let mut spare = Some(first);
            for job in jobs {
                let permit = match spare.take() {
                    Some(permit) => permit,
                    // Only this loop takes permits, and `free` of them were there.
                    None => match Arc::clone(&class.permits).acquire_owned().await {
                        Ok(permit) => permit,
                        Err(_) => return,
                    },
                };
                let shared = Arc::clone(&app);
                app.tasks.spawn(async move {
                    let hard = shared.hard.clone();
                    hard.run_until_cancelled(run_one(&shared, &job)).await;
                    drop(permit);
                });
            }
            drop(spare);
            if took == 0 {
                self.wait(class, &app.store, &app).await;
            }
        }
    }

    async fn wait(&self, class: &Class, store: &Store, app: &App) {
        let at = class.next_at.load(Ordering::Acquire);
        let until =
            Duration::from_millis(u64::try_from(at.saturating_sub(store.clock().now_ms())).unwrap_or(0));
        tokio::select! {
            () = app.soft.cancelled() => {}
            () = class.look.notified() => {}
            () = tokio::time::sleep(until.min(IDLE)) => {}
        }
    }
}

async fn run_one(app: &App, job: &Job) {
    let ran = match job.kind {
        JobKind::Deliver => deliver::run(app, job).await,
        JobKind::FetchMedia => fetch_media::run(app, job).await,
        JobKind::Acknowledge => acknowledge::run(app, job).await,
    };
    metrics::counter!("hubbub_jobs_total", "kind" => job.kind.as_str(), "ok" => if ran.is_ok() { "true" } else { "false" })
        .increment(1);
    if let Err(error) = ran {
        // The job keeps its claim; it is found when that runs out.
        tracing::error!(%error, kind = job.kind.as_str(), job = %job.id, tenant = %job.tenant, "a job could not be ended");
    }
}

/// Takes jobs of a class, and says when the next one can run.
struct Claim {
    class: Priority,
    limit: i64,
}

impl Verb for Claim {
    type Out = (Vec<Job>, Option<i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let until = tx.now() + CLAIM_MS;
        let taken = jobs::claim(tx, self.class, self.limit, until).await?;
        let next = if taken.is_empty() { jobs::next_at(tx, self.class).await? } else { None };
        Ok((taken, next))
    }
}
