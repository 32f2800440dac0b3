//! One transaction: it runs statements and collects the effects to be published after the commit.
//!
//! A verb uses only this. It never commits, never publishes, and waits for nothing but the store.

use uuid::Uuid;

use super::dialect::Engine;
use super::event::{Draft, Effects, Event, Wake};
use super::pipeline::Pipeline;
use super::value::{Arg, FromRow, Row, storable};
use super::{Env, StoreError};
use crate::telemetry::traces::Trace;

pub(super) enum Conn<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(Pipeline<'c>),
}

pub struct Tx<'c> {
    conn: Conn<'c>,
    env: Env,
    now_ms: i64,
    /// The tenant of the running verb, the only one that it may change.
    tenant: Option<Uuid>,
    /// The last assigned cursor, where this transaction locks the tenant's row and writes the cursor back at its end.
    top: Option<i64>,
    /// The same as the tenant's row has it.
    stored_top: Option<i64>,
    drafts: Vec<Draft>,
    wakes: Vec<Wake>,
    trace: Option<Trace>,
}

/// A savepoint, with the effects that had been collected by then.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    drafts: usize,
    wakes: usize,
    sql: &'static SavepointSql,
}

/// The statements to begin, release and roll back. A nested savepoint needs another name: the same name would hide
/// the outer one.
#[derive(Debug)]
struct SavepointSql(&'static str, &'static str, &'static str);

const PART: SavepointSql =
    SavepointSql("savepoint part", "release savepoint part", "rollback to savepoint part");
const VERB: SavepointSql =
    SavepointSql("savepoint verb", "release savepoint verb", "rollback to savepoint verb");

impl<'c> Tx<'c> {
    pub(super) fn new(conn: Conn<'c>, env: &Env) -> Self {
        let (env, now_ms) = (env.clone(), env.clock.now_ms());
        Self {
            conn,
            env,
            now_ms,
            tenant: None,
            top: None,
            stored_top: None,
            drafts: Vec::new(),
            wakes: Vec::new(),
            trace: None,
        }
    }

    /// Prepares for the next verb of a shared transaction.
    pub(super) fn begin_verb(&mut self, tenant: Option<Uuid>, trace: Option<Trace>) {
        self.now_ms = self.env.clock.now_ms();
        self.tenant = tenant;
        self.trace = trace;
        self.drafts.clear();
        self.wakes.clear();
    }

    /// The time of the current verb in Unix milliseconds; the same for all rows that it writes.
    pub fn now(&self) -> i64 {
        self.now_ms
    }

    pub fn new_id(&self) -> Uuid {
        self.env.ids.next()
    }

    /// The trace of what caused the current verb.
    pub(super) fn trace(&self) -> Option<Trace> {
        self.trace
    }

    pub(super) fn engine(&self) -> Engine {
        match self.conn {
            Conn::Sqlite(_) => Engine::Sqlite,
            Conn::Postgres(_) => Engine::Postgres,
        }
    }

    /// The statement for the epoch.
    pub(super) fn epoch(&self) -> &'static str {
        self.env.epoch.statement()
    }

    /// Checks that the verb names the tenant whose data it changes: it then holds the lock on the tenant's row, and
    /// no other transaction changes the tenant's data before it ends.
    pub(crate) fn must_hold(&self, tenant: Uuid) -> Result<(), StoreError> {
        if self.tenant == Some(tenant) {
            return Ok(());
        }
        Err(StoreError::Engine(format!("a verb that does not name tenant {tenant} wants to change it")))
    }

    pub(super) fn top(&self) -> Option<i64> {
        self.top
    }

    /// As the tenant's row has it, which this transaction has locked.
    pub(super) fn begin_at(&mut self, top: i64) {
        (self.top, self.stored_top) = (Some(top), Some(top));
    }

    /// The newest cursor, if the tenant's row has another one.
    pub(super) fn moved_top(&self) -> Option<i64> {
        self.top.filter(|_| self.top != self.stored_top)
    }

    pub(super) fn set_top(&mut self, top: i64) {
        self.top = Some(top);
    }

    /// Queues an event: it gets its cursor at the end of the transaction and is published after the commit.
    pub fn emit(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Queues a wake-up for after the commit. It is only a hint: the rows are authoritative.
    pub fn wake(&mut self, wake: Wake) {
        self.wakes.push(wake);
    }

    /// Runs a statement; returns the number of changed rows.
    pub async fn exec(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        storable(args)?;
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind_sqlite(&mut statement, args)?;
                Ok(statement.raw_execute()? as u64)
            }
            Conn::Postgres(pipeline) => pipeline.exec(sql, args).await,
        }
    }

    /// Runs a statement whose row count is not needed. On PostgreSQL it is pipelined: sent without waiting, and its
    /// error is returned by the next call that waits.
    pub async fn put(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        storable(args)?;
        match &mut self.conn {
            Conn::Sqlite(_) => self.exec(sql, args).await.map(drop),
            Conn::Postgres(pipeline) => pipeline.put(sql, args).await,
        }
    }

    /// The first row, or `None`.
    pub async fn one<T: FromRow>(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<T>, StoreError> {
        storable(args)?;
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind_sqlite(&mut statement, args)?;
                let mut rows = statement.raw_query();
                let first = match rows.next()? {
                    Some(row) => Some(T::from_row(&Row::Sqlite(row))?),
                    None => return Ok(None),
                };
                // An `insert … returning` only completes when it has been stepped to its end.
                while rows.next()?.is_some() {}
                Ok(first)
            }
            Conn::Postgres(pipeline) => {
                let rows = pipeline.query(sql, args).await?;
                rows.first().map(|row| T::from_row(&Row::Postgres(row))).transpose()
            }
        }
    }

    /// All rows, in the statement's order. Every such statement has a `limit` or a bounded set.
    pub async fn all<T: FromRow>(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, StoreError> {
        storable(args)?;
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind_sqlite(&mut statement, args)?;
                let mut rows = statement.raw_query();
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(T::from_row(&Row::Sqlite(row))?);
                }
                Ok(found)
            }
            Conn::Postgres(pipeline) => {
                let rows = pipeline.query(sql, args).await?;
                rows.iter().map(|row| T::from_row(&Row::Postgres(row))).collect()
            }
        }
    }

    /// Runs one statement for each list of values and returns the rows in the lists' order; on PostgreSQL the
    /// requests are pipelined.
    pub async fn each<T: FromRow>(
        &mut self,
        sql: &'static str,
        lists: &[Vec<Arg<'_>>],
    ) -> Result<Vec<Vec<T>>, StoreError> {
        lists.iter().try_for_each(|args| storable(args))?;
        match &mut self.conn {
            Conn::Sqlite(_) => {
                let mut found = Vec::with_capacity(lists.len());
                for args in lists {
                    found.push(self.all(sql, args).await?);
                }
                Ok(found)
            }
            Conn::Postgres(pipeline) => {
                let found = pipeline.each(sql, lists).await?;
                let rows = |rows: &Vec<_>| rows.iter().map(|row| T::from_row(&Row::Postgres(row))).collect();
                found.iter().map(rows).collect()
            }
        }
    }

    /// Begins a savepoint. Savepoints do not overlap.
    pub async fn savepoint(&mut self) -> Result<Savepoint, StoreError> {
        self.begin_part(&PART).await
    }

    /// A savepoint around a whole verb, which may contain savepoints of its own.
    pub(super) async fn savepoint_of_verb(&mut self) -> Result<Savepoint, StoreError> {
        self.begin_part(&VERB).await
    }

    async fn begin_part(&mut self, sql: &'static SavepointSql) -> Result<Savepoint, StoreError> {
        self.put(sql.0, &[]).await?;
        Ok(Savepoint { drafts: self.drafts.len(), wakes: self.wakes.len(), sql })
    }

    /// Releases the savepoint. If an outstanding statement failed, the savepoint still exists and can be rolled back.
    pub async fn keep(&mut self, part: Savepoint) -> Result<(), StoreError> {
        // Outstanding statements have to fail inside the savepoint that they belong to.
        self.settle().await?;
        self.put(part.sql.1, &[]).await
    }

    /// Rolls back to the savepoint and drops the effects collected since.
    pub async fn undo(&mut self, part: Savepoint) -> Result<(), StoreError> {
        self.drafts.truncate(part.drafts);
        self.wakes.truncate(part.wakes);
        if let Conn::Postgres(pipeline) = &mut self.conn {
            pipeline.forget_errors().await?;
        }
        self.exec(part.sql.2, &[]).await?;
        self.exec(part.sql.1, &[]).await?;
        Ok(())
    }

    /// Waits for the answers of all pipelined statements.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        match &mut self.conn {
            Conn::Sqlite(_) => Ok(()),
            Conn::Postgres(pipeline) => pipeline.settle().await,
        }
    }

    /// Ends the transaction on PostgreSQL, where it is rolled back if this is dropped instead. SQLite's writer ends its own.
    /// With the inner error it was rolled back, with the outer one it may be committed.
    pub(super) async fn commit(mut self) -> Result<Result<(), StoreError>, StoreError> {
        match &mut self.conn {
            Conn::Sqlite(_) => Ok(Ok(())),
            Conn::Postgres(pipeline) => pipeline.commit().await,
        }
    }

    /// Lets the engine check a statement without running it.
    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match &mut self.conn {
            Conn::Sqlite(conn) => drop(conn.prepare(sql)?),
            Conn::Postgres(pipeline) => pipeline.prepare(sql).await?,
        }
        Ok(())
    }

    /// The query plan of a statement, one step per line, for the test that looks for full scans.
    pub(super) async fn plan(&mut self, sql: &'static str) -> Result<Vec<String>, StoreError> {
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                let mut statement = conn.prepare(&format!("explain query plan {sql}"))?;
                let mut rows = statement.raw_query();
                let mut lines = Vec::new();
                while let Some(row) = rows.next()? {
                    lines.push(row.get::<_, String>(3)?);
                }
                Ok(lines)
            }
            Conn::Postgres(pipeline) => pipeline.plan(sql).await,
        }
    }

    /// Assigns cursors to the queued events and inserts them. The last step of every verb.
    pub(super) async fn finish(&mut self) -> Result<Effects, StoreError> {
        let drafts = std::mem::take(&mut self.drafts);
        let events: Vec<Event> = super::events::append(self, drafts).await?;
        Ok(Effects { events, wakes: std::mem::take(&mut self.wakes), trace: self.trace })
    }
}

/// SQLite treats `$2` as a name and numbers names by first appearance, so each value is bound by the number in its
/// name.
fn bind_sqlite(statement: &mut rusqlite::Statement<'_>, args: &[Arg<'_>]) -> Result<(), StoreError> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name[1..].parse::<usize>().ok());
        let arg = number.and_then(|number| args.get(number.checked_sub(1)?));
        let arg =
            arg.ok_or_else(|| StoreError::Engine(format!("parameter {index} of a statement has no value")))?;
        statement.raw_bind_parameter(index, arg)?;
    }
    Ok(())
}
