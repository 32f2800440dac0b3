//! The kinds of rows that have an end: since when they are to be gone, and the removal of a batch. A part of `retain.rs`.

use uuid::Uuid;

use crate::config;
use crate::error::Error;
use crate::growth::reference::KEPT_DAYS;
use crate::store::jobs;
use crate::store::retention::{self, Dated};
use crate::store::{Tx, Verb, channel_health, links, sign_ins};

pub(super) const DAY_MS: i64 = 24 * 3_600_000;
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

/// A kind of rows, with its retention in days.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expiring {
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

/// What belongs to no tenant, or is found in the order of its time whoever's it is.
pub(super) const OF_INSTALLATION: [Expiring; 7] = [
    Expiring::Tokens(TOKEN_DAYS),
    Expiring::Sessions(TOKEN_DAYS),
    Expiring::SignIns,
    Expiring::Pending(PENDING_DAYS),
    Expiring::Health(HEALTH_DAYS),
    Expiring::Clicks(KEPT_DAYS),
    Expiring::Visits(VISIT_DAYS),
];

/// The names of a tenant's kinds.
pub(super) const OF_TENANTS: [&str; 5] = ["events", "envelopes", "attempts", "leads", "dead_jobs"];

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

    pub(super) const fn name(self) -> &'static str {
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

/// What a tenant has that is to be gone.
#[derive(Debug)]
pub(super) struct Due {
    /// Each kind, and for how long its oldest row is to be gone, in milliseconds.
    pub kinds: Vec<(Expiring, i64)>,
    /// How long its messages are kept in the history beside the store, if it has days of its own.
    pub history_days: Option<i64>,
}

/// Looks at one tenant without its lock: most have nothing to remove, most of the time. `None`: there is no such tenant.
pub(super) struct LookForOld {
    pub tenant: Uuid,
    /// For tenants that have none of their own.
    pub defaults: config::Retention,
}

impl Verb for LookForOld {
    type Out = Option<Due>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.tenant;
        let Some(own) = retention::own(tx, tenant).await? else { return Ok(None) };
        let kinds = [
            Expiring::Events(own.0.unwrap_or(self.defaults.feed_days)),
            Expiring::Envelopes(own.1.unwrap_or(self.defaults.envelope_days)),
            Expiring::Attempts(own.2.unwrap_or(self.defaults.attempt_days)),
            Expiring::Leads(own.3.unwrap_or(self.defaults.lead_days)),
            Expiring::DeadJobs(DEAD_DAYS),
        ];
        let mut due = Vec::new();
        for what in kinds {
            // Kept for ever.
            if what.days() == 0 {
                continue;
            }
            let before = tx.now() - what.days().saturating_mul(DAY_MS);
            let oldest = match what {
                Expiring::Events(_) => {
                    retention::oldest_event(tx, tenant, before, CONSUMER_DAYS * DAY_MS).await?
                }
                Expiring::Envelopes(_) => retention::oldest(tx, tenant, Dated::Envelopes, before).await?,
                Expiring::Attempts(_) => retention::oldest(tx, tenant, Dated::Attempts, before).await?,
                Expiring::Leads(_) => retention::oldest(tx, tenant, Dated::Leads, before).await?,
                _ => {
                    let old = jobs::old_dead(tx, tenant, retention::id_at(before), 1).await?;
                    old.first().map(|job| retention::time_of(job.id))
                }
            };
            if let Some(at) = oldest {
                due.push((what, before - at));
            }
        }
        Ok(Some(Due { kinds: due, history_days: own.4 }))
    }
}

/// Removes the oldest rows of a kind, `rows` at most. Returns how many.
pub(super) struct RemoveBatch {
    pub tenant: Option<Uuid>,
    pub what: Expiring,
    pub rows: i64,
}

impl Verb for RemoveBatch {
    type Out = u64;

    fn tenant(&self) -> Option<Uuid> {
        self.tenant
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let before = tx.now() - self.what.days().saturating_mul(DAY_MS);
        let (tenant, rows) = (self.tenant.unwrap_or_default(), self.rows);
        Ok(match self.what {
            Expiring::Events(_) => {
                retention::remove_events(tx, tenant, before, CONSUMER_DAYS * DAY_MS, rows).await?
            }
            Expiring::Envelopes(_) => {
                retention::remove_dated(tx, tenant, Dated::Envelopes, before, rows).await?
            }
            Expiring::Attempts(_) => {
                retention::remove_dated(tx, tenant, Dated::Attempts, before, rows).await?
            }
            Expiring::Leads(_) => retention::remove_dated(tx, tenant, Dated::Leads, before, rows).await?,
            Expiring::Tokens(_) => retention::remove_tokens(tx, before, rows).await?,
            Expiring::Sessions(_) => retention::remove_sessions(tx, before, rows).await?,
            Expiring::SignIns => sign_ins::remove_old(tx, rows).await?,
            Expiring::Pending(_) => retention::remove_pending(tx, before, rows).await?,
            Expiring::Health(_) => channel_health::remove_old(tx, before, rows).await?,
            Expiring::Clicks(_) => links::remove_old_clicks(tx, before, rows).await?,
            Expiring::Visits(_) => links::remove_old_visits(tx, before / DAY_MS, rows).await?,
            Expiring::DeadJobs(_) => {
                let old = jobs::old_dead(tx, tenant, retention::id_at(before), rows).await?;
                for job in &old {
                    jobs::drop_dead(tx, job).await?;
                }
                old.len() as u64
            }
        })
    }
}
