//! Retention: how long each tenant keeps its data, what it has that is older, and the removal of that in batches, so that
//! other transactions do not wait for it.
//!
//! Ids are UUIDv7, ordered by creation time, so an id can stand for a time.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const TENANTS: &str = "select id from tenants where id > $1 order by id limit $2";
const OWN: &str =
    "select feed_days, envelope_days, attempt_days, lead_days, history_days from tenants where id = $1";
const SET: &str = "update tenants set feed_days = $2, envelope_days = $3, attempt_days = $4, lead_days = $5, \
    history_days = $6 where id = $1";
const OLDEST_EVENTS: &str =
    "select cursor_at, created_at from events where tenant = $1 order by cursor_at limit $2";
/// A planner that knows no lower end expects a third of the tenant's rows, and may then read all of the table.
const REMOVE_EVENTS: &str = "delete from events where tenant = $1 and cursor_at >= $2 and cursor_at <= $3";
const OLD_ENVELOPES: &str = "select id from envelopes where tenant = $1 and id < $2 order by id limit $3";
const OLD_ATTEMPTS: &str = "select id from attempts where tenant = $1 and id < $2 order by id limit $3";
const OLD_LEADS: &str = "select id from leads where tenant = $1 and id < $2 order by id limit $3";
const OLD_TOKENS: &str = "select id from refresh_tokens where expires_at < $1 order by expires_at limit $2";
const OLD_SESSIONS: &str = "select id from sessions where expires_at < $1 order by expires_at limit $2";
const OLD_PENDING: &str =
    "select tenant, channel, id from pending_changes where created_at < $1 order by created_at limit $2";
const REMOVE_ENVELOPES: &str = "delete from envelopes where tenant = $1 and id >= $2 and id <= $3";
const REMOVE_ATTEMPTS: &str = "delete from attempts where tenant = $1 and id >= $2 and id <= $3";
const REMOVE_LEADS: &str = "delete from leads where tenant = $1 and id >= $2 and id <= $3";
const REMOVE_TOKEN: &str = "delete from refresh_tokens where id = $1";
const REMOVE_SESSION: &str = "delete from sessions where id = $1";
const REMOVE_PENDING: &str = "delete from pending_changes where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[
    TENANTS,
    OWN,
    SET,
    OLDEST_EVENTS,
    REMOVE_EVENTS,
    OLD_ENVELOPES,
    OLD_ATTEMPTS,
    OLD_LEADS,
    OLD_TOKENS,
    OLD_SESSIONS,
    OLD_PENDING,
    REMOVE_ENVELOPES,
    REMOVE_ATTEMPTS,
    REMOVE_LEADS,
    REMOVE_TOKEN,
    REMOVE_SESSION,
    REMOVE_PENDING,
];

/// The lowest id of a time (Unix milliseconds).
pub fn id_at(ms: i64) -> Uuid {
    let ms = u128::from(u64::try_from(ms).unwrap_or(0));
    Uuid::from_u128((ms << 80) & (u128::MAX >> 1))
}

/// The time of an id (Unix milliseconds).
pub fn time_of(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX)
}

/// A tenant's own retention in days for feed, envelopes, attempts, leads and the history in MongoDB; `None`: the
/// installation's default.
pub type OwnDays = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// The tenants by ascending id.
pub async fn tenants(tx: &mut Tx<'_>, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = tx.all(TENANTS, args![after, limit]).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// A tenant's own retention; `None` if there is no such tenant.
pub async fn own(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Option<OwnDays>, StoreError> {
    tx.one(OWN, args![tenant]).await
}

/// `false`: there is no such tenant.
pub async fn set(tx: &mut Tx<'_>, tenant: Uuid, days: OwnDays) -> Result<bool, StoreError> {
    Ok(tx.exec(SET, args![tenant, days.0, days.1, days.2, days.3, days.4]).await? == 1)
}

/// The oldest events from before `before`, with their times, as far as they may go: never the newest event of all, which
/// holds the feed's top cursor, and what a consumer has not seen yet only `patience_ms` later.
async fn old_events(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: i64,
    patience_ms: i64,
    limit: i64,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let newest = super::events::top(tx, tenant).await?;
    let seen = super::consumers::slowest(tx, tenant).await?.unwrap_or(i64::MAX);
    let mut oldest: Vec<(i64, i64)> = tx.all(OLDEST_EVENTS, args![tenant, limit]).await?;
    let may_go = |(cursor, at): &&(i64, i64)| {
        let is_seen = *cursor <= seen || *at < before - patience_ms;
        *at < before && *cursor < newest && is_seen
    };
    oldest.truncate(oldest.iter().take_while(may_go).count());
    Ok(oldest)
}

/// The time of the oldest event that is to be removed.
pub async fn oldest_event(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: i64,
    patience_ms: i64,
) -> Result<Option<i64>, StoreError> {
    Ok(old_events(tx, tenant, before, patience_ms, 1).await?.first().map(|(_, at)| *at))
}

/// Removes the oldest events from before `before`, `limit` at most, by [`old_events`].
pub async fn remove_events(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: i64,
    patience_ms: i64,
    limit: i64,
) -> Result<u64, StoreError> {
    let old = old_events(tx, tenant, before, patience_ms, limit).await?;
    match (old.first(), old.last()) {
        (Some((first, _)), Some((last, _))) => tx.exec(REMOVE_EVENTS, args![tenant, *first, *last]).await,
        _ => Ok(0),
    }
}

/// Rows of a tenant whose ids say when they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dated {
    /// Raw bodies of webhooks with their entries in the integration log.
    Envelopes,
    Attempts,
    /// With what their people wrote. What they say of where a contact came from is kept with the contact.
    Leads,
}

impl Dated {
    /// The statements that find and that remove.
    const fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::Envelopes => (OLD_ENVELOPES, REMOVE_ENVELOPES),
            Self::Attempts => (OLD_ATTEMPTS, REMOVE_ATTEMPTS),
            Self::Leads => (OLD_LEADS, REMOVE_LEADS),
        }
    }
}

/// The time of the oldest row from before `before`.
pub async fn oldest(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    what: Dated,
    before: i64,
) -> Result<Option<i64>, StoreError> {
    let found: Option<(Uuid,)> = tx.one(what.statements().0, args![tenant, id_at(before), 1_i64]).await?;
    Ok(found.map(|(id,)| time_of(id)))
}

/// Removes the oldest rows from before `before`, `limit` at most.
pub async fn remove_dated(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    what: Dated,
    before: i64,
    limit: i64,
) -> Result<u64, StoreError> {
    let (find, remove) = what.statements();
    let old: Vec<(Uuid,)> = tx.all(find, args![tenant, id_at(before), limit]).await?;
    if let (Some((first,)), Some((last,))) = (old.first(), old.last()) {
        tx.put(remove, args![tenant, *first, *last]).await?;
    }
    Ok(old.len() as u64)
}

/// Removes refresh tokens that expired before a time.
pub async fn remove_tokens(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<u64, StoreError> {
    let old = tx.all(OLD_TOKENS, args![before, limit]).await?;
    remove(tx, REMOVE_TOKEN, old).await
}

/// Removes sessions that expired before a time. None of their tokens lives longer.
pub async fn remove_sessions(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<u64, StoreError> {
    let old = tx.all(OLD_SESSIONS, args![before, limit]).await?;
    remove(tx, REMOVE_SESSION, old).await
}

/// Removes edits, reactions and statuses whose message never arrived.
pub async fn remove_pending(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<u64, StoreError> {
    let old: Vec<(Uuid, Uuid, Uuid)> = tx.all(OLD_PENDING, args![before, limit]).await?;
    let mut removed: BTreeMap<(Uuid, Uuid), u64> = BTreeMap::new();
    for (tenant, channel, id) in &old {
        // A row whose message has just arrived was already taken, and was counted down by that transaction.
        *removed.entry((*tenant, *channel)).or_default() +=
            tx.exec(REMOVE_PENDING, args![*tenant, *id]).await?;
    }
    for (channel, less) in removed {
        super::pending_changes::count_down(tx, channel, less).await?;
    }
    Ok(old.len() as u64)
}

/// Deletes rows one by one: a planner that misjudges the selectivity of a set may choose a full scan.
async fn remove(tx: &mut Tx<'_>, sql: &'static str, ids: Vec<(Uuid,)>) -> Result<u64, StoreError> {
    for (id,) in &ids {
        tx.put(sql, args![*id]).await?;
    }
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Ids};

    #[test]
    fn an_id_of_a_time_lies_before_those_that_were_made_then() {
        let (clock, _hand) = Clock::manual(1_794_312_000_123);
        let made = Ids::new(clock).next();
        assert!(id_at(1_794_312_000_123) < made && made < id_at(1_794_312_000_124));
        assert_eq!((time_of(made), time_of(Uuid::nil())), (1_794_312_000_123, 0));
    }
}
