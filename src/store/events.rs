//! The feed: every event of a tenant under a gap-free cursor, which is assigned inside the transaction.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::dialect;
use super::event::{Draft, Event};
use super::value::{Arg, FromRow, Row};
use super::{StoreError, Tx, Verb};
use crate::args;
use crate::clock::Ids;
use crate::error::Error;

pub(super) const RENEW: &str = "update installation set epoch = $1 where id = 1";
/// Another value than before: what stays the same, SQLite does not write.
const TOUCH: &str = "update installation set touched = coalesce(touched, 0) + 1 where id = 1";
/// Locks the tenant's row until the commit: events of one tenant commit in the order of their cursors.
const ADVANCE: &str = "update tenants set next_cursor = next_cursor + $2 where id = $1 returning next_cursor";
const INSERT: &str = "insert into events (tenant, cursor_at, kind, company, channel, user_id, created_at, data) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const TOP: &str = "select next_cursor from tenants where id = $1";
const OLDEST: &str = "select coalesce(min(cursor_at), 0) from events where tenant = $1";
/// An event is of the company that its channel has now, so that who sees it does not depend on when it happened.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select e.tenant, e.cursor_at, e.kind, coalesce(h.company, e.company), e.channel, e.user_id, e.created_at, e.data \
             from events e left join channels h on h.tenant = e.tenant and h.id = e.channel ",
            $rest
        )
    };
}
const SINCE: &str = select!("where e.tenant = $1 and e.cursor_at > $2 order by e.cursor_at limit $3");
const BEFORE: &str = select!("where e.tenant = $1 and e.cursor_at < $2 order by e.cursor_at desc limit $3");

pub const ALL: &[&str] =
    &[dialect::Epoch::Installation.statement(), RENEW, TOUCH, ADVANCE, INSERT, TOP, OLDEST, SINCE, BEFORE];

impl FromRow for Event {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            tenant: columns.take()?,
            cursor: columns.take()?,
            kind: Arc::from(columns.take::<String>()?),
            company: columns.take()?,
            channel: columns.take()?,
            user: columns.take()?,
            at: columns.take()?,
            data: Bytes::from(columns.take::<String>()?),
        })
    }
}

/// Assigns cursors to the drafts and inserts them. All must belong to the verb's tenant.
pub(super) async fn append(tx: &mut Tx<'_>, drafts: Vec<Draft>) -> Result<Vec<Event>, StoreError> {
    let Some(tenant) = drafts.first().map(|draft| draft.tenant) else { return Ok(Vec::new()) };
    tx.must_hold(tenant)?;
    let count = drafts.len() as i64;
    let mut cursor = if let Some(top) = tx.top() {
        tx.set_top(top + count);
        top
    } else {
        let top = tx.one::<(i64,)>(ADVANCE, args![tenant, count]).await?;
        let missing = || StoreError::Engine(format!("event for a tenant that is not there: {tenant}"));
        top.ok_or_else(missing)?.0 - count
    };
    let now = tx.now();
    let mut events = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if draft.tenant != tenant {
            return Err(StoreError::Engine(format!("events of {tenant} and {} in one verb", draft.tenant)));
        }
        cursor += 1;
        let data = format!("{{\"cursor\":{cursor},{}", draft.body.strip_prefix('{').unwrap_or(&draft.body));
        tx.put(
            INSERT,
            args![tenant, cursor, draft.kind, draft.company, draft.channel, draft.user, now, &data],
        )
        .await?;
        events.push(Event {
            tenant,
            cursor,
            kind: Arc::from(draft.kind),
            company: draft.company,
            channel: draft.channel,
            user: draft.user,
            at: now,
            data: Bytes::from(data),
        });
    }
    Ok(events)
}

/// The cursor of the newest event of a tenant; 0 when there is none.
pub async fn top(tx: &mut Tx<'_>, tenant: Uuid) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(TOP, args![tenant]).await?.map_or(0, |(top,)| top))
}

/// The cursors of the newest events of these tenants, in their order.
pub async fn tops(tx: &mut Tx<'_>, tenants: &[Uuid]) -> Result<Vec<i64>, StoreError> {
    if let Some(of_all) = tx.engine().tops() {
        let ids: Vec<String> = tenants.iter().map(Uuid::to_string).collect();
        let list = format!("{{{}}}", ids.join(","));
        let found: HashMap<Uuid, i64> =
            tx.all::<(Uuid, i64)>(of_all, args![&list]).await?.into_iter().collect();
        return Ok(tenants.iter().map(|tenant| found.get(tenant).copied().unwrap_or(0)).collect());
    }
    let asked: Vec<_> = tenants.iter().map(|tenant| vec![Arg::from(*tenant)]).collect();
    let rows: Vec<Vec<(i64,)>> = tx.each(TOP, &asked).await?;
    Ok(rows.iter().map(|rows| rows.first().map_or(0, |(top,)| *top)).collect())
}

/// The epoch of the history that this transaction sees; it differs after a failover.
pub async fn epoch(tx: &mut Tx<'_>) -> Result<String, Error> {
    let (epoch,) = tx.one(tx.epoch(), &[]).await?.ok_or(Error::NotFound("installation"))?;
    Ok(epoch)
}

/// Invalidates all earlier feed positions by a new epoch, after the database was restored to an older state without
/// changing its timeline.
pub struct BeginAnew;

impl Verb for BeginAnew {
    type Out = String;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String, Error> {
        let made = new_epoch(tx);
        tx.exec(RENEW, args![&made]).await?;
        epoch(tx).await
    }
}

/// A write that concerns nobody, to check that the database accepts writes.
pub struct Touch;

impl Verb for Touch {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(TOUCH, &[]).await?;
        Ok(())
    }
}

/// The part of the epoch that we generate.
pub(super) fn new_epoch(tx: &Tx<'_>) -> String {
    part_of(tx.new_id())
}

/// The same without a transaction.
pub(super) fn random_epoch(ids: &Ids) -> String {
    part_of(ids.next())
}

fn part_of(id: Uuid) -> String {
    id.simple().to_string().split_off(24)
}

/// A page of a feed, read with its bounds from one snapshot.
#[derive(Clone, Debug)]
pub struct Page {
    pub events: Vec<Event>,
    /// A cursor is only valid within its epoch.
    pub epoch: String,
    pub top: i64,
    /// The cursor of the oldest retained event; 0 when there is none.
    pub oldest: i64,
}

/// The events after a cursor, oldest first, in the transaction of the caller.
pub async fn since(tx: &mut Tx<'_>, tenant: Uuid, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    tx.all(SINCE, args![tenant, after, limit]).await
}

async fn page(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    events: &'static str,
    cursor: i64,
    limit: i64,
) -> Result<Page, Error> {
    let top = top(tx, tenant).await?;
    let oldest = tx.one::<(i64,)>(OLDEST, args![tenant]).await?.map_or(0, |(oldest,)| oldest);
    let epoch = epoch(tx).await?;
    let events = tx.all(events, args![tenant, cursor, limit]).await?;
    Ok(Page { events, epoch, top, oldest })
}

/// Events after a cursor, oldest first.
pub struct Since {
    pub tenant: Uuid,
    pub after: i64,
    pub limit: i64,
}

impl Verb for Since {
    type Out = Page;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Page, Error> {
        page(tx, self.tenant, SINCE, self.after, self.limit).await
    }
}

/// Events before a cursor, newest first.
pub struct Before {
    pub tenant: Uuid,
    pub before: i64,
    pub limit: i64,
}

impl Verb for Before {
    type Out = Page;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Page, Error> {
        page(tx, self.tenant, BEFORE, self.before, self.limit).await
    }
}
