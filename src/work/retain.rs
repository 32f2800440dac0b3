//! Removes rows older than their retention, in batches with pauses (`retained.rs` says how many). Clients that were offline
//! for longer than the feed's retention reload everything.
//!
//! Each tenant gets a turn of a few batches of each kind, then the next one does: whoever has much to remove does not keep
//! the others from it. Those with something left get further turns, until the run's time is over.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use uuid::Uuid;

use super::Env;
use super::expiring::{Expiring, LookForOld, OF_INSTALLATION, RemoveBatch};
use super::kinds::Work;
use super::retain_messages;
use super::retained::{Left, pause};
use crate::error::{Error, StoreError};
use crate::store::jobs::{Job, Retain};
use crate::store::{Engine, Tx, Verb, retention};

/// After it the next run goes on.
const RUN: Duration = Duration::from_mins(10);
/// Batches of a kind in a turn.
pub(super) const TURN: usize = 8;
/// Tenants of which rows are removed at the same time. SQLite has one writer for all.
const AT_ONCE: usize = 4;
const TENANTS: i64 = 200;

impl Work for Retain {
    const EVERY: Option<Duration> = Some(Duration::from_mins(5));

    async fn run(self, env: &Env, _: &Job) -> Result<(), Error> {
        let at_once = if env.store.engine() == Engine::Sqlite { 1 } else { AT_ONCE };
        let run = Run { env, until: Instant::now() + RUN, at_once, history_is_away: AtomicBool::new(false) };
        let mut more = run.of_installation().await?;
        run.pass().await?;
        while !run.is_over() {
            let unfinished = env.retained.unfinished();
            if unfinished.is_empty() && !more {
                break;
            }
            run.turns(&unfinished).await?;
            more = more && run.of_installation().await?;
        }
        Ok(())
    }
}

/// One run of the job.
pub(super) struct Run<'a> {
    pub env: &'a Env,
    until: Instant,
    at_once: usize,
    /// It did not answer for one tenant: the others need not wait for it too.
    pub history_is_away: AtomicBool,
}

impl Run<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.env.soft.is_cancelled() || Instant::now() >= self.until
    }

    /// A turn of what belongs to no tenant. `true`: there is more.
    async fn of_installation(&self) -> Result<bool, Error> {
        let mut more = false;
        for what in OF_INSTALLATION {
            more |= told(Uuid::nil(), what.name(), self.remove(None, what).await)? == Some(true);
        }
        Ok(more)
    }

    /// A turn for each tenant, from where the last run ended on and around.
    async fn pass(&self) -> Result<(), Error> {
        let begin = self.env.retained.place();
        let (mut after, mut is_around) = (begin, begin.is_nil());
        while !self.is_over() {
            let mut page = self.env.store.read(LoadTenants { after }).await?;
            if is_around && !begin.is_nil() {
                page.retain(|tenant| *tenant <= begin);
            }
            if page.is_empty() {
                if is_around {
                    break;
                }
                (after, is_around) = (Uuid::nil(), true);
                continue;
            }
            after = self.turns(&page).await?.unwrap_or(after);
        }
        Ok(())
    }

    /// Gives each of these its turn, some at a time. Returns the last one that had it.
    async fn turns(&self, tenants: &[Uuid]) -> Result<Option<Uuid>, Error> {
        let mut last = None;
        for some in tenants.chunks(self.at_once) {
            if self.is_over() {
                break;
            }
            let turns: Vec<_> = some.iter().map(|tenant| self.turn(*tenant)).collect();
            for done in join_all(turns).await {
                done?;
            }
            last = some.last().copied();
            if let Some(place) = last {
                self.env.retained.set_place(place);
            }
        }
        Ok(last)
    }

    /// A turn of one tenant. What fails in it is told, and the others go on, unless it would fail for them as well.
    async fn turn(&self, tenant: Uuid) -> Result<(), Error> {
        match self.tenant(tenant).await {
            Ok(left) => self.env.retained.keep(tenant, left),
            Err(error) if is_everywhere(&error) => return Err(error),
            Err(error) => {
                self.env.retained.failed(tenant);
                tracing::warn!(%error, %tenant, "what is old cannot be looked for in a tenant; the next run does");
            }
        }
        Ok(())
    }

    async fn tenant(&self, tenant: Uuid) -> Result<Left, Error> {
        let mut left = Left::default();
        let look = LookForOld { tenant, defaults: self.env.config.retention.clone() };
        let Some(due) = self.env.store.read(look).await? else { return Ok(left) };
        for (what, overdue_ms) in due.kinds {
            let more = told(tenant, what.name(), self.remove(Some(tenant), what).await)?;
            left.more |= more == Some(true);
            if more != Some(false) {
                left.overdue_ms.insert(what.name(), overdue_ms);
            }
        }
        let leaving = retain_messages::turn(self, tenant, due.history_days).await;
        left.more |= told(tenant, "messages", leaving)? == Some(true);
        Ok(left)
    }

    /// Removes some batches of a kind. `true`: there is more.
    async fn remove(&self, tenant: Option<Uuid>, what: Expiring) -> Result<bool, Error> {
        for _ in 0..TURN {
            let (begun, rows) = (Instant::now(), self.env.retained.rows(what.name()));
            let written = self.env.store.write(RemoveBatch { tenant, what, rows }).await;
            let removed = written.inspect_err(|_| self.env.retained.too_many(what.name(), rows))?.value;
            metrics::counter!("hubbub_retention_removed_total", "what" => what.name()).increment(removed);
            let (took, is_full) = (begun.elapsed(), removed >= rows.unsigned_abs());
            self.env.retained.took(what.name(), rows, took, is_full);
            if !is_full {
                return Ok(false);
            }
            if self.is_over() {
                break;
            }
            tokio::time::sleep(pause(took)).await;
        }
        Ok(true)
    }
}

/// `None` for a failure of this kind in this tenant (or of the installation), which is told.
fn told(tenant: Uuid, what: &'static str, done: Result<bool, Error>) -> Result<Option<bool>, Error> {
    match done {
        Ok(more) => Ok(Some(more)),
        Err(error) if is_everywhere(&error) => Err(error),
        Err(error) => {
            tracing::warn!(%error, %tenant, what, "what is old cannot be removed; the next run does");
            Ok(None)
        }
    }
}

/// Whether it is the database that fails, and not what was asked of it.
const fn is_everywhere(error: &Error) -> bool {
    use StoreError::{Closed, ReadOnly, Unavailable};
    matches!(error, Error::Store(Closed | ReadOnly(_) | Unavailable(_)))
}

struct LoadTenants {
    after: Uuid,
}

impl Verb for LoadTenants {
    type Out = Vec<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(retention::tenants(tx, self.after, TENANTS).await?)
    }
}
