//! The loop of one consumer: takes the tenants that were woken or found behind, and runs their steps, a few at a time.
//! A commit wakes it; a look at all tenants, page by page, finds what a process that died has left.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::schedule::Schedule;
use super::step::{Behind, Failed, Step, step};
use super::{Consumer, Woken};
use crate::error::Error;
use crate::store::Store;
use crate::work::Env;

/// Tenants of one consumer that are worked on at a time.
const AT_ONCE: usize = 4;
/// A page of the look at all tenants, the pause between two pages, and the least time between two looks. A quarter of it is
/// added by chance, so that processes do not look together.
const PAGE: i64 = 200;
const PAGE_PAUSE: Duration = Duration::from_millis(20);
const LOOK_EVERY_MS: u64 = 30_000;
/// While messages come in, all tenants with more to do pause together for so many times of what a step took: messages go
/// first, and a consumer that cannot keep up with them makes up for it afterwards.
const SHARE: u32 = 6;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long after the last event messages count as coming in.
const BUSY_MS: i64 = 500;
const REPORT_EVERY: Duration = Duration::from_secs(1);

type Ended = (Uuid, Duration, Result<Step, Failure>);

/// Why a step failed; `is_ours`: not because something was not there.
struct Failure {
    reason: String,
    is_ours: bool,
}

pub(super) async fn run<C: Consumer>(env: Arc<Env>, consumer: Arc<C>, woken: Arc<Woken>) {
    let mut follower = Follower::<C> { env, consumer, schedule: Schedule::default(), busy_at: 0 };
    let mut steps: JoinSet<Ended> = JoinSet::new();
    let (mut after, mut look_at) = (Uuid::nil(), Instant::now());
    let mut reported = Instant::now();
    loop {
        let now = follower.store().clock().now_ms();
        for (tenant, top) in woken.take() {
            follower.busy_at = now;
            follower.schedule.wake(tenant, top, None, now);
        }
        while steps.len() < AT_ONCE
            && let Some(tenant) = follower.schedule.take(now, follower.is_busy(now))
        {
            let (store, consumer) = (follower.store().clone(), Arc::clone(&follower.consumer));
            let hard = follower.env.hard.clone();
            steps.spawn(async move {
                let begun = Instant::now();
                let ran = hard.run_until_cancelled(caught(&store, &consumer, tenant)).await;
                (tenant, begun.elapsed(), ran.unwrap_or(Ok(Step::default())))
            });
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            follower.report();
        }
        let due = follower.schedule.next_at(follower.is_busy(now)).filter(|_| steps.len() < AT_ONCE);
        let wait = due.map_or(REPORT_EVERY, |at| {
            Duration::from_millis(u64::try_from(at - now).unwrap_or(0)).min(REPORT_EVERY)
        });
        tokio::select! {
            () = follower.env.soft.cancelled() => break,
            () = woken.notify.notified() => {}
            Some(ended) = steps.join_next() => {
                if let Ok(ended) = ended {
                    follower.ended(ended).await;
                }
            }
            () = tokio::time::sleep_until(look_at) => {
                (after, look_at) = follower.look(after).await;
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
    while steps.join_next().await.is_some() {}
}

/// Turns errors and panics of a step into a [`Failure`].
async fn caught<C: Consumer>(store: &Store, consumer: &Arc<C>, tenant: Uuid) -> Result<Step, Failure> {
    match AssertUnwindSafe(step(store, consumer, tenant)).catch_unwind().await {
        Ok(Ok(step)) => Ok(step),
        Ok(Err(error)) => {
            let is_ours = !is_away(&error);
            Err(Failure { reason: format!("{error:#}"), is_ours })
        }
        Err(_) => Err(Failure { reason: "a panic; the log says where".to_owned(), is_ours: true }),
    }
}

struct Follower<C: Consumer> {
    env: Arc<Env>,
    consumer: Arc<C>,
    schedule: Schedule,
    busy_at: i64,
}

impl<C: Consumer> Follower<C> {
    fn store(&self) -> &Store {
        &self.env.store
    }

    fn is_busy(&self, now: i64) -> bool {
        now - self.busy_at < BUSY_MS
    }

    /// Looks at a page of all tenants. Returns where and when the next look goes on.
    async fn look(&mut self, after: Uuid) -> (Uuid, Instant) {
        let page = Behind { consumer: C::NAME, version: C::VERSION, after, limit: PAGE };
        let (behind, next) = match self.store().read(page).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, consumer = C::NAME, "a consumer cannot look for news; it is retried");
                (Vec::new(), None)
            }
        };
        let now = self.store().clock().now_ms();
        for place in behind {
            self.schedule.wake(place.tenant, place.top, place.cursor, now);
        }
        if let Some(next) = next {
            return (next, Instant::now() + PAGE_PAUSE);
        }
        let jitter = self.store().ids().next().as_u128() as u64 % (LOOK_EVERY_MS / 4);
        (Uuid::nil(), Instant::now() + Duration::from_millis(LOOK_EVERY_MS + jitter))
    }

    async fn ended(&mut self, (tenant, took, ran): Ended) {
        let now = self.store().clock().now_ms();
        match ran {
            Ok(step) => {
                metrics::counter!("hubbub_consumer_events_total", "consumer" => C::NAME)
                    .increment(step.events as u64);
                let pause = took.saturating_mul(SHARE).min(LONGEST_PAUSE);
                self.schedule.ended(tenant, &step, i64::try_from(pause.as_millis()).unwrap_or(0), now);
            }
            Err(Failure { reason, is_ours }) => {
                let random = self.store().ids().next().as_u128() as u64;
                let wait_ms = self.schedule.failed(tenant, is_ours, now, random);
                tracing::error!(reason, consumer = C::NAME, %tenant, wait_ms, "a consumer failed; it is retried");
                metrics::counter!("hubbub_consumer_failures_total", "consumer" => C::NAME).increment(1);
                let failed = Failed { tenant, consumer: C::NAME, reason, retry_at: now + wait_ms };
                if is_ours && let Err(error) = self.store().write(failed).await {
                    tracing::warn!(%error, consumer = C::NAME, "a failure cannot be recorded");
                }
            }
        }
    }

    fn report(&self) {
        let lag = self.schedule.lag(self.store().clock().now_ms());
        for (name, value) in [
            ("hubbub_consumer_lag_events", lag.events),
            ("hubbub_consumer_lag_ms", lag.ms),
            ("hubbub_consumer_tenants_failing", lag.failing),
            ("hubbub_consumer_tenants_building", lag.building),
        ] {
            metrics::gauge!(name, "consumer" => C::NAME).set(value as f64);
        }
    }
}

/// Whether the database or what is beside it was not there: nothing is wrong with what was asked of it.
const fn is_away(error: &Error) -> bool {
    use crate::error::StoreError::{Busy, Closed, ReadOnly, Unavailable};
    matches!(error, Error::Store(Busy | Closed | ReadOnly(_) | Unavailable(_)) | Error::Away { .. })
}
