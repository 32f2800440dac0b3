//! How far each consumer of the feed has come, a row for each consumer and tenant. The row is locked before it is changed, so
//! that two processes never apply the same events; the tenant's messages do not wait for that.

use uuid::Uuid;

use super::value::from_row;
use super::{StoreError, Tx};
use crate::args;
use crate::model::text_enum;

text_enum!(
    /// What a consumer does in a tenant.
    ConsumerState {
        /// Removes what another version of it left.
        Clearing = "clearing",
        /// Reads what was stored before it followed, beside following.
        Filling = "filling",
        Following = "following",
    }
);

const GET: &str = "select version, state, cursor_at, position, failures, retry_at from consumer_cursors \
    where tenant = $1 and consumer = $2";
const PUT: &str = "insert into consumer_cursors (tenant, consumer, version, state, cursor_at, position, failures, updated_at) \
    values ($1, $2, $3, $4, $5, $6, 0, $7) on conflict (tenant, consumer) do update set version = excluded.version, \
    state = excluded.state, cursor_at = excluded.cursor_at, position = excluded.position, failures = 0, retry_at = null, \
    reason = null, updated_at = excluded.updated_at";
const FAIL: &str = "update consumer_cursors set failures = failures + 1, retry_at = $3, reason = $4, updated_at = $5 \
    where tenant = $1 and consumer = $2";
const BEHIND: &str = "select t.id, t.next_cursor, c.cursor_at, c.state, c.version from tenants t \
    left join consumer_cursors c on c.tenant = t.id and c.consumer = $1 where t.id > $2 order by t.id limit $3";
const SLOWEST: &str = "select min(cursor_at) from consumer_cursors where tenant = $1";
const TOP: &str = "select next_cursor from tenants where id = $1";

pub const ALL: &[&str] = &[GET, PUT, FAIL, BEHIND, SLOWEST, TOP];

/// Where a consumer is in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub version: i64,
    pub state: ConsumerState,
    pub cursor: i64,
    pub position: Option<Uuid>,
    pub failures: i64,
    pub retry_at: Option<i64>,
}

impl super::FromRow for Progress {
    fn from_row(row: &super::Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            version: columns.take()?,
            state: columns.word()?,
            cursor: columns.take()?,
            position: columns.take()?,
            failures: columns.take()?,
            retry_at: columns.take()?,
        })
    }
}

/// `None`: it has never been in this tenant.
pub async fn get(tx: &mut Tx<'_>, tenant: Uuid, consumer: &str) -> Result<Option<Progress>, StoreError> {
    tx.one(GET, args![tenant, consumer]).await
}

/// As [`get`], and nobody else changes it before the transaction ends.
pub async fn hold(tx: &mut Tx<'_>, tenant: Uuid, consumer: &str) -> Result<Option<Progress>, StoreError> {
    if let Some(sql) = tx.engine().consumer_lock() {
        tx.put(sql, args![tenant, consumer]).await?;
    }
    get(tx, tenant, consumer).await
}

/// Keeps where it is now. The failures are over.
pub async fn put(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    consumer: &str,
    progress: &Progress,
) -> Result<(), StoreError> {
    let (now, Progress { version, state, cursor, position, .. }) = (tx.now(), progress);
    tx.put(PUT, args![tenant, consumer, *version, state.as_str(), *cursor, *position, now]).await
}

/// Keeps that it failed, and when it is tried again.
pub async fn fail(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    consumer: &str,
    retry_at: i64,
    reason: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(FAIL, args![tenant, consumer, retry_at, reason, now]).await
}

/// The cursor of the tenant's newest event, those of this transaction's verbs before included.
pub async fn top(tx: &mut Tx<'_>, tenant: Uuid) -> Result<i64, StoreError> {
    match tx.top() {
        Some(top) => Ok(top),
        None => Ok(tx.one::<(i64,)>(TOP, args![tenant]).await?.map_or(0, |(top,)| top)),
    }
}

/// The lowest cursor of all consumers in a tenant.
pub async fn slowest(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Option<i64>, StoreError> {
    Ok(tx.one::<(Option<i64>,)>(SLOWEST, args![tenant]).await?.and_then(|(cursor,)| cursor))
}

/// A tenant beside the place of a consumer in it.
#[derive(Clone, Debug)]
pub struct Place {
    pub tenant: Uuid,
    pub top: i64,
    pub cursor: Option<i64>,
    pub state: Option<String>,
    pub version: Option<i64>,
}

from_row!(Place { tenant, top, cursor, state, version });

impl Place {
    pub fn is_behind(&self, version: i64) -> bool {
        self.version != Some(version)
            || self.state.as_deref() != Some(ConsumerState::Following.as_str())
            || self.cursor.is_none_or(|cursor| cursor < self.top)
    }
}

/// A page of all tenants by rising id, with the consumer's place in each.
pub async fn places(
    tx: &mut Tx<'_>,
    consumer: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Place>, StoreError> {
    tx.all(BEHIND, args![consumer, after, limit]).await
}
