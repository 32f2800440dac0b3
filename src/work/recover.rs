//! What a dead process left: jobs that it had claimed. A send that had begun is `unknown`, because nobody
//! can tell whether it left; everything else is simply run again.

use std::time::Duration;

use crate::app::App;
use crate::error::Error;
use crate::inbox::receipt;
use crate::model::{MessageError, MessageStatus};
use crate::store::jobs::{self, Job, JobKind};
use crate::store::{Engine, Tx, Verb, conversations, deliveries, effects};

const EVERY: Duration = Duration::from_secs(30);
const LIMIT: i64 = 500;
/// Edits and statuses whose message never came are given up after this.
const WAIT_IN_VAIN_MS: i64 = 30 * 24 * 3_600_000;

/// At a start on SQLite nobody else can hold a claim: a database file has one server.
pub(super) async fn at_start(app: &App) {
    if app.store.engine() == Engine::Sqlite {
        recover(app, i64::MAX).await;
    }
}

pub(super) async fn run(app: &App) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while app.soft.run_until_cancelled(ticks.tick()).await.is_some() {
        recover(app, app.store.clock().now_ms()).await;
        if let Err(error) = app.store.write(Purge).await {
            tracing::warn!(%error, "old waiting effects cannot be removed");
        }
    }
}

async fn recover(app: &App, claimed_before: i64) {
    loop {
        match app.store.write(Recover { claimed_before }).await {
            Ok(committed) if committed.value > 0 => {
                tracing::info!(jobs = committed.value, "took back jobs whose worker is gone");
            }
            Ok(_) => return,
            Err(error) => return tracing::warn!(%error, "abandoned jobs cannot be read"),
        }
    }
}

struct Recover {
    claimed_before: i64,
}

impl Verb for Recover {
    type Out = usize;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<usize, Error> {
        let mut expired = jobs::expired(tx, self.claimed_before, LIMIT).await?;
        // One order of locks for all nodes.
        expired.sort_by(|one, other| one.lane.cmp(&other.lane));
        for job in &expired {
            take_back(tx, job).await?;
        }
        Ok(expired.len())
    }
}

async fn take_back(tx: &mut Tx<'_>, job: &Job) -> Result<(), Error> {
    let delivery = if job.kind == JobKind::Deliver { deliveries::load(tx, job.subject).await? } else { None };
    if let Some(delivery) = &delivery {
        conversations::load_locked(tx, delivery.tenant, delivery.conversation).await?;
    }
    // Again under the lock: an echo may have proved meanwhile that it left.
    if delivery.is_some()
        && let Some(mut delivery) = deliveries::load(tx, job.subject).await?
        && delivery.state == MessageStatus::Sending
    {
        let reason = "the server stopped while it was being sent";
        delivery.state = MessageStatus::Unknown;
        delivery.error = Some(MessageError { code: "interrupted".to_owned(), reason: reason.to_owned() });
        deliveries::update(tx, &delivery).await?;
        if let Some(attempt) = deliveries::open_attempt(tx, delivery.id).await? {
            deliveries::end_attempt(tx, attempt, "unknown", Some("interrupted"), Some(reason)).await?;
        }
        receipt::refresh(tx, &delivery).await?;
        jobs::done(tx, job).await?;
        return Ok(());
    }
    let now = tx.now();
    jobs::release(tx, job, now).await?;
    Ok(())
}

struct Purge;

impl Verb for Purge {
    type Out = u64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let before = tx.now() - WAIT_IN_VAIN_MS;
        Ok(effects::purge(tx, before).await?)
    }
}
