//! Removes rows older than their retention, in small batches with pauses. Clients that were offline for longer than the
//! feed's retention reload everything.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::retain_messages;
use crate::error::Error;
use crate::growth::reference::KEPT_DAYS;
use crate::store::jobs::{self, Job, Retain};
use crate::store::retention::{self, BATCH, OwnDays};
use crate::store::{Tx, Verb, channel_health, links, sign_ins};

/// Pause between two batches: longer after a slow batch, because other writes are then waiting too.
const LEAST_PAUSE: Duration = Duration::from_millis(40);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
const TENANTS: i64 = 200;
const DAY_MS: i64 = 24 * 3_600_000;
/// Pending changes whose message never came, and dead jobs that were not retried.
const PENDING_DAYS: i64 = 30;
const DEAD_DAYS: i64 = 90;
/// How the channels fared.
const HEALTH_DAYS: i64 = 90;
/// Visits of links by day.
const VISIT_DAYS: i64 = 800;
/// How long expired events wait for a consumer that has not seen them. It then begins anew.
const CONSUMER_DAYS: i64 = 7;
/// Ended refresh tokens and sessions are kept this long, so that their reuse is detected.
const TOKEN_DAYS: i64 = 1;

impl Work for Retain {
    const EVERY: Option<Duration> = Some(Duration::from_mins(5));

    async fn run(self, env: &Env, _: &Job) -> Result<(), Error> {
        remove_all(env, Uuid::nil(), Expiring::Tokens(TOKEN_DAYS)).await?;
        remove_all(env, Uuid::nil(), Expiring::Sessions(TOKEN_DAYS)).await?;
        remove_all(env, Uuid::nil(), Expiring::SignIns).await?;
        remove_all(env, Uuid::nil(), Expiring::Pending(PENDING_DAYS)).await?;
        remove_all(env, Uuid::nil(), Expiring::Health(HEALTH_DAYS)).await?;
        remove_all(env, Uuid::nil(), Expiring::Clicks(KEPT_DAYS)).await?;
        remove_all(env, Uuid::nil(), Expiring::Visits(VISIT_DAYS)).await?;
        let mut after = Uuid::nil();
        loop {
            let page = env.store.read(LoadTenants { after }).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (tenant, own) in page {
                let config = &env.config;
                remove_all(env, tenant, Expiring::Events(own.0.unwrap_or(config.retention.feed_days)))
                    .await?;
                let envelopes = own.1.unwrap_or(config.retention.envelope_days);
                remove_all(env, tenant, Expiring::Envelopes(envelopes)).await?;
                let attempts = own.2.unwrap_or(config.retention.attempt_days);
                remove_all(env, tenant, Expiring::Attempts(attempts)).await?;
                let leads = own.3.unwrap_or(config.retention.lead_days);
                remove_all(env, tenant, Expiring::Leads(leads)).await?;
                remove_all(env, tenant, Expiring::DeadJobs(DEAD_DAYS)).await?;
                retain_messages::run(env, tenant, own.4).await?;
            }
        }
    }
}

/// Removes batches until no expired rows are left. 0 days: kept for ever.
async fn remove_all(env: &Env, tenant: Uuid, what: Expiring) -> Result<(), Error> {
    if what.days() == 0 {
        return Ok(());
    }
    let tenant = Some(tenant).filter(|tenant| !tenant.is_nil());
    loop {
        let begun = Instant::now();
        let removed = env.store.write(RemoveBatch { tenant, what }).await?.value;
        metrics::counter!("hubbub_retention_removed_total", "what" => what.name()).increment(removed);
        if removed < BATCH as u64 || env.soft.is_cancelled() {
            return Ok(());
        }
        tokio::time::sleep((begun.elapsed() * SHARE).clamp(LEAST_PAUSE, LONGEST_PAUSE)).await;
    }
}

/// A kind of rows, with its retention in days.
#[derive(Clone, Copy, Debug)]
enum Expiring {
    Events(i64),
    Envelopes(i64),
    Attempts(i64),
    Leads(i64),
    DeadJobs(i64),
    Tokens(i64),
    Sessions(i64),
    /// Each has its own end.
    SignIns,
    Pending(i64),
    Health(i64),
    Clicks(i64),
    Visits(i64),
}

impl Expiring {
    const fn days(self) -> i64 {
        match self {
            Self::Events(days)
            | Self::Envelopes(days)
            | Self::Attempts(days)
            | Self::Leads(days)
            | Self::DeadJobs(days)
            | Self::Tokens(days)
            | Self::Sessions(days)
            | Self::Pending(days)
            | Self::Health(days)
            | Self::Clicks(days)
            | Self::Visits(days) => days,
            Self::SignIns => 1,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Events(_) => "events",
            Self::Envelopes(_) => "envelopes",
            Self::Attempts(_) => "attempts",
            Self::Leads(_) => "leads",
            Self::DeadJobs(_) => "dead_jobs",
            Self::Tokens(_) => "refresh_tokens",
            Self::Sessions(_) => "sessions",
            Self::SignIns => "sign_ins",
            Self::Pending(_) => "pending_changes",
            Self::Health(_) => "channel_health",
            Self::Clicks(_) => "clicks",
            Self::Visits(_) => "visits",
        }
    }
}

struct LoadTenants {
    after: Uuid,
}

impl Verb for LoadTenants {
    type Out = Vec<(Uuid, OwnDays)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(retention::tenants(tx, self.after, TENANTS).await?)
    }
}

struct RemoveBatch {
    tenant: Option<Uuid>,
    what: Expiring,
}

impl Verb for RemoveBatch {
    type Out = u64;

    fn tenant(&self) -> Option<Uuid> {
        self.tenant
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let before = tx.now() - self.what.days().saturating_mul(DAY_MS);
        let tenant = self.tenant.unwrap_or_default();
        Ok(match self.what {
            Expiring::Events(_) => {
                retention::remove_events(tx, tenant, before, CONSUMER_DAYS * DAY_MS).await?
            }
            Expiring::Envelopes(_) => retention::remove_envelopes(tx, tenant, before).await?,
            Expiring::Attempts(_) => retention::remove_attempts(tx, tenant, before).await?,
            Expiring::Leads(_) => retention::remove_leads(tx, tenant, before).await?,
            Expiring::Tokens(_) => retention::remove_tokens(tx, before).await?,
            Expiring::Sessions(_) => retention::remove_sessions(tx, before).await?,
            Expiring::SignIns => sign_ins::remove_old(tx).await?,
            Expiring::Pending(_) => retention::remove_pending(tx, before).await?,
            Expiring::Health(_) => channel_health::remove_old(tx, before).await?,
            Expiring::Clicks(_) => links::remove_old_clicks(tx, before, BATCH).await?,
            Expiring::Visits(_) => links::remove_old_visits(tx, before / DAY_MS, BATCH).await?,
            Expiring::DeadJobs(_) => {
                let old = jobs::old_dead(tx, tenant, retention::id_at(before), BATCH).await?;
                for job in &old {
                    jobs::drop_dead(tx, job).await?;
                }
                old.len() as u64
            }
        })
    }
}
