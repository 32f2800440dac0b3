//! One transaction: the three calls that run statements, and the effects that wait for its commit.
//!
//! A verb sees only this. It never commits, never publishes and never waits for anything but the store.

use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, Executor};
use uuid::Uuid;

use super::dialect::Engine;
use super::event::{Draft, Effects, Wake};
use super::value::{Arg, FromRow, Row};
use super::{Env, StoreError};

pub(super) enum Conn<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(&'c mut PgConnection),
}

pub struct Tx<'c> {
    conn: Conn<'c>,
    env: Env,
    now_ms: i64,
    drafts: Vec<Draft>,
    wakes: Vec<Wake>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: Conn<'c>, env: &Env) -> Self {
        Self { conn, env: env.clone(), now_ms: env.clock.now_ms(), drafts: Vec::new(), wakes: Vec::new() }
    }

    /// The time of this transaction, Unix milliseconds; the same for all that it writes.
    pub fn now(&self) -> i64 {
        self.now_ms
    }

    pub fn new_id(&self) -> Uuid {
        self.env.ids.next()
    }

    pub(super) fn engine(&self) -> Engine {
        match self.conn {
            Conn::Sqlite(_) => Engine::Sqlite,
            Conn::Postgres(_) => Engine::Postgres,
        }
    }

    /// The statement for the epoch.
    pub(super) fn epoch(&self) -> &'static str {
        self.engine().epoch(self.env.tells_timeline)
    }

    /// Queues an event: it gets its cursor at the end of the transaction and is published after the commit.
    pub fn emit(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Something to be woken after the commit. Only a hint: the rows are the truth.
    pub fn wake(&mut self, wake: Wake) {
        self.wakes.push(wake);
    }

    /// Runs a statement; gives the number of rows that it changed.
    pub async fn exec(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind_sqlite(&mut statement, args)?;
                Ok(statement.raw_execute()? as u64)
            }
            Conn::Postgres(conn) => {
                let query = sqlx::query_with(sql, bind(args)?);
                Ok(conn.execute(query).await?.rows_affected())
            }
        }
    }

    /// The first row, or nothing.
    pub async fn one<T: FromRow>(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<T>, StoreError> {
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind_sqlite(&mut statement, args)?;
                let mut rows = statement.raw_query();
                let first = match rows.next()? {
                    Some(row) => Some(T::from_row(&Row::Sqlite(row))?),
                    None => return Ok(None),
                };
                // An INSERT … RETURNING is only finished when it was stepped to its end.
                while rows.next()?.is_some() {}
                Ok(first)
            }
            Conn::Postgres(conn) => {
                let query = sqlx::query_with(sql, bind(args)?);
                let row = conn.fetch_optional(query).await?;
                row.map(|row| T::from_row(&Row::Postgres(&row))).transpose()
            }
        }
    }

    /// All rows, in the statement's order. Every such statement has a `limit` or a bounded set.
    pub async fn all<T: FromRow>(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, StoreError> {
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
            Conn::Postgres(conn) => {
                let query = sqlx::query_with(sql, bind(args)?);
                let rows = conn.fetch_all(query).await?;
                rows.iter().map(|row| T::from_row(&Row::Postgres(row))).collect()
            }
        }
    }

    /// Lets the engine check a statement without running it.
    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match &mut self.conn {
            Conn::Sqlite(conn) => drop(conn.prepare(sql)?),
            Conn::Postgres(conn) => drop(conn.prepare(sqlx::SqlStr::from_static(sql)).await?),
        }
        Ok(())
    }

    /// Gives the queued events their cursors and writes them to the log. Last act of every write.
    pub(super) async fn finish(&mut self) -> Result<Effects, StoreError> {
        let drafts = std::mem::take(&mut self.drafts);
        let events = super::events::append(self, drafts).await?;
        Ok(Effects { events, wakes: std::mem::take(&mut self.wakes) })
    }
}

/// SQLite takes `$2` for a name and numbers names by their first appearance, so each is bound by its number.
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

fn bind(args: &[Arg<'_>]) -> Result<PgArguments, StoreError> {
    let mut bound = PgArguments::default();
    for arg in args {
        let added = match arg {
            Arg::Int(value) => bound.add(value),
            Arg::Text(value) => bound.add(value),
            Arg::Id(value) => bound.add(value),
            Arg::Flag(value) => bound.add(value),
            Arg::Bytes(value) => bound.add(value),
        };
        added.map_err(|error| StoreError::Engine(format!("cannot bind a value: {error}")))?;
    }
    Ok(bound)
}
