//! Removes what is older than its tenant keeps it, beside the traffic: a few rows in a transaction, then a pause.
//! Clients that were away for longer than the feed is kept load everything again.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use crate::error::Error;
use crate::store::jobs::{self, Job, Retain};
use crate::store::retention::{self, BATCH, OwnDays};
use crate::store::{Tx, Verb};

/// Between two batches: longer when a batch took long, for then others wait for the writer too.
const LEAST_PAUSE: Duration = Duration::from_millis(40);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
const TENANTS: i64 = 200;
const DAY_MS: i64 = 24 * 3_600_000;
/// What waits for a message that never comes, and jobs that nobody lets run again.
const PENDING_DAYS: i64 = 30;
const DEAD_DAYS: i64 = 90;
/// Refresh tokens and sessions that are over are kept for a little, so that their use is still recognised.
const TOKEN_DAYS: i64 = 1;

impl Work for Retain {
    const EVERY: Option<Duration> = Some(Duration::from_mins(5));

    async fn run(self, env: &Env, _: &Job) -> Result<(), Error> {
        all_of(env, Uuid::nil(), What::Tokens(TOKEN_DAYS)).await?;
        all_of(env, Uuid::nil(), What::Sessions(TOKEN_DAYS)).await?;
        all_of(env, Uuid::nil(), What::Pending(PENDING_DAYS)).await?;
        let mut after = Uuid::nil();
        loop {
            let page = env.store.read(Tenants { after }).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (tenant, own) in page {
                let config = &env.config;
                all_of(env, tenant, What::Events(own.0.unwrap_or(config.retention.feed_days))).await?;
                let envelopes = own.1.unwrap_or(config.retention.envelope_days);
                all_of(env, tenant, What::Envelopes(envelopes)).await?;
                let attempts = own.2.unwrap_or(config.retention.attempt_days);
                all_of(env, tenant, What::Attempts(attempts)).await?;
                all_of(env, tenant, What::DeadJobs(DEAD_DAYS)).await?;
            }
        }
    }
}

/// Removes batch after batch until nothing is left that is old enough. 0 days: for ever.
async fn all_of(env: &Env, tenant: Uuid, what: What) -> Result<(), Error> {
    if what.days() == 0 {
        return Ok(());
    }
    let tenant = Some(tenant).filter(|tenant| !tenant.is_nil());
    loop {
        let begun = Instant::now();
        let removed = env.store.write(Remove { tenant, what }).await?.value;
        metrics::counter!("hubbub_retention_removed_total", "what" => what.name()).increment(removed);
        if removed < BATCH as u64 || env.soft.is_cancelled() {
            return Ok(());
        }
        tokio::time::sleep((begun.elapsed() * SHARE).clamp(LEAST_PAUSE, LONGEST_PAUSE)).await;
    }
}

/// With the days that it is kept.
#[derive(Clone, Copy, Debug)]
enum What {
    Events(i64),
    Envelopes(i64),
    Attempts(i64),
    DeadJobs(i64),
    Tokens(i64),
    Sessions(i64),
    Pending(i64),
}

impl What {
    const fn days(self) -> i64 {
        match self {
            Self::Events(days)
            | Self::Envelopes(days)
            | Self::Attempts(days)
            | Self::DeadJobs(days)
            | Self::Tokens(days)
            | Self::Sessions(days)
            | Self::Pending(days) => days,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Events(_) => "events",
            Self::Envelopes(_) => "envelopes",
            Self::Attempts(_) => "attempts",
            Self::DeadJobs(_) => "dead_jobs",
            Self::Tokens(_) => "refresh_tokens",
            Self::Sessions(_) => "sessions",
            Self::Pending(_) => "pending_changes",
        }
    }
}

struct Tenants {
    after: Uuid,
}

impl Verb for Tenants {
    type Out = Vec<(Uuid, OwnDays)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(retention::tenants(tx, self.after, TENANTS).await?)
    }
}

struct Remove {
    tenant: Option<Uuid>,
    what: What,
}

impl Verb for Remove {
    type Out = u64;

    fn tenant(&self) -> Option<Uuid> {
        self.tenant
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let before = tx.now() - self.what.days().saturating_mul(DAY_MS);
        let tenant = self.tenant.unwrap_or_default();
        Ok(match self.what {
            What::Events(_) => retention::remove_events(tx, tenant, before).await?,
            What::Envelopes(_) => retention::remove_envelopes(tx, tenant, before).await?,
            What::Attempts(_) => retention::remove_attempts(tx, tenant, before).await?,
            What::Tokens(_) => retention::remove_tokens(tx, before).await?,
            What::Sessions(_) => retention::remove_sessions(tx, before).await?,
            What::Pending(_) => retention::remove_pending(tx, before).await?,
            What::DeadJobs(_) => {
                let old = jobs::old_dead(tx, tenant, retention::id_at(before), BATCH).await?;
                for job in &old {
                    jobs::drop_dead(tx, job).await?;
                }
                old.len() as u64
            }
        })
    }
}
