//! The PostgreSQL database that becomes the copy. Where the copying is, is kept in it: a row of `migrations` that keeps
//! servers away, and a table of checkpoints. Both are gone when the copy is verified.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::catalogue::{Kind, Table, quoted};
use super::row::{self, Sum};
use super::source::Batch;
use crate::clock::Clock;
use crate::store::event::{Effects, Publisher};
use crate::store::postgres::connect;
use crate::store::value::Row;
use crate::store::{Store, StoreConfig, StoreError, migrate};

const ALONE: &str = "select pg_try_advisory_lock(7283640118)";
const SERVERS: &str = "select count(*) from pg_stat_activity where datname = current_database() \
    and application_name = 'hubbub' and pid <> pg_backend_pid()";
const TABLES: &str = "select c.relname::text from pg_class c where c.relkind in ('r', 'p') \
    and c.relnamespace = current_schema()::regnamespace order by 1";
const APPLIED: &str = "select version, name, digest from migrations order by version";
const CHECKPOINTS: &str = "select name, rows_copied, last_key, done from store_copy";
const MARK: &str = "insert into migrations (version, name, digest, applied_at) values ($1, $2, $3, $4)";
const UNMARK: &str = "delete from migrations where version = $1";
const BEGIN: &str = "create table store_copy (name text primary key, rows_copied bigint not null, last_key text, \
    done boolean not null)";
/// Made by the migrations; the copy has its own.
const FORGET: &str = "delete from installation";
const END: &str = "drop table store_copy";
const CHECKPOINT: &str = "insert into store_copy (name, rows_copied, last_key, done) values ($1, $2, $3, $4) \
    on conflict (name) do update set rows_copied = excluded.rows_copied, last_key = excluded.last_key, done = excluded.done";

/// How long others may take to leave.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Target {
    client: Client,
    /// By table.
    pub checkpoints: BTreeMap<String, Checkpoint>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoint {
    pub rows: u64,
    pub key: Option<String>,
    pub is_done: bool,
}

/// Nobody listens to the copy.
struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

fn refuse<T>(why: &str) -> Result<T, StoreError> {
    Err(StoreError::Engine(format!("the target {why}")))
}

impl Target {
    /// Opens an empty database, whose tables are then made, or the unfinished copy of the same source.
    pub(super) async fn open(url: &str, source_state: &str, clock: &Clock) -> Result<Self, StoreError> {
        let mut client = connect(url).await?;
        alone(&client).await?;
        let tables: Vec<String> = client.query(TABLES, &[]).await?.iter().map(|row| row.get(0)).collect();
        if !tables.iter().any(|name| name == "migrations") {
            if let Some(table) = tables.first() {
                return refuse(&format!("is not empty (it has the table {table}): name a new database"));
            }
            let config = StoreConfig::new(url.to_owned(), 2);
            Store::open(&config, clock.clone(), Arc::new(Nobody)).await?.close().await;
        }
        let applied = client.query(APPLIED, &[]).await?;
        let mut applied: Vec<(i64, String, String)> =
            applied.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        let mark = applied.iter().position(|(version, ..)| *version == migrate::COPYING.0);
        let mark = mark.map(|at| applied.remove(at));
        if applied != migrate::ours() {
            migrate::check(&applied)?;
            return refuse("was made by an older version: name a new database");
        }
        let checkpoints = match mark {
            Some((.., state)) if state == source_state => checkpoints(&client).await?,
            Some(_) => {
                return refuse(
                    "is the unfinished copy of a database that has changed since, or of another one: drop the target, \
                     create it anew, and begin again",
                );
            }
            None => {
                begin(&mut client, source_state, clock).await?;
                BTreeMap::new()
            }
        };
        Ok(Self { client, checkpoints })
    }

    /// Writes rows and the checkpoint in one transaction.
    pub(super) async fn put(&mut self, table: &Table, batch: &Batch) -> Result<&Checkpoint, StoreError> {
        let place = self.checkpoints.entry(table.name.clone()).or_default();
        let next = Checkpoint {
            rows: place.rows + batch.rows.len() as u64,
            key: batch.key.clone().or_else(|| place.key.clone()),
            is_done: batch.is_last,
        };
        let tx = self.client.transaction().await?;
        if !batch.rows.is_empty() {
            let sql = format!("copy {} ({}) from stdin binary", table.quoted(), table.list());
            let types: Vec<Type> = table.columns.iter().map(|column| type_of(column.kind)).collect();
            let mut writer = pin!(BinaryCopyInWriter::new(tx.copy_in(&sql).await?, &types));
            for row in &batch.rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await.map_err(|error| about(table, &error.into()))?;
        }
        tx.execute(CHECKPOINT, &[&table.name, &(next.rows as i64), &next.key, &next.is_done]).await?;
        tx.commit().await?;
        *place = next;
        Ok(place)
    }

    /// Number and checksum of each table's rows.
    pub(super) async fn sums(&self, tables: &[Table]) -> Result<Vec<Sum>, StoreError> {
        let mut sums = Vec::with_capacity(tables.len());
        for table in tables {
            let sql = format!("select {} from {} where {}", table.list(), table.quoted(), table.copied());
            let none: [&str; 0] = [];
            let mut rows = pin!(self.client.query_raw(&sql, none).await?);
            let mut sum = Sum::default();
            while let Some(row) = rows.try_next().await? {
                sum.add(&row::read(table, &Row::Postgres(&row))?);
            }
            sums.push(sum);
        }
        Ok(sums)
    }

    /// Makes it a database like any other.
    pub(super) async fn finish(&mut self, tables: &[Table]) -> Result<(), StoreError> {
        for table in tables {
            // Otherwise the planner knows nothing of the rows until autovacuum comes by.
            self.client.batch_execute(&format!("analyze {}", table.quoted())).await?;
        }
        let tx = self.client.transaction().await?;
        tx.batch_execute(END).await?;
        tx.execute(UNMARK, &[&migrate::COPYING.0]).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn connect(url: &str) -> Result<Client, StoreError> {
    connect::alone(url, "hubbub migrate-store").await
}

/// Waits until nobody else works on it: the connections of a process that has just ended are there for a moment.
async fn alone(client: &Client) -> Result<(), StoreError> {
    let until = Instant::now() + PATIENCE;
    let mut is_locked = false;
    loop {
        is_locked = is_locked || client.query_one(ALONE, &[]).await?.get(0);
        if is_locked && client.query_one(SERVERS, &[]).await?.get::<_, i64>(0) == 0 {
            return Ok(());
        }
        if Instant::now() > until {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if is_locked {
        refuse("is used by a server: stop it")
    } else {
        refuse("is being copied to by another process")
    }
}

async fn checkpoints(client: &Client) -> Result<BTreeMap<String, Checkpoint>, StoreError> {
    let rows = client.query(CHECKPOINTS, &[]).await?;
    let place = |row: &tokio_postgres::Row| {
        let rows: i64 = row.get(1);
        (row.get(0), Checkpoint { rows: rows.unsigned_abs(), key: row.get(2), is_done: row.get(3) })
    };
    Ok(rows.iter().map(place).collect())
}

/// Marks the database as a copy, if it has nothing but what the migrations made.
async fn begin(client: &mut Client, source_state: &str, clock: &Clock) -> Result<(), StoreError> {
    let tables = client.query(TABLES, &[]).await?;
    for name in tables.iter().map(|row| row.get::<_, String>(0)) {
        if name == "migrations" || name == "installation" {
            continue;
        }
        let sql = format!("select exists (select 1 from {})", quoted(&name));
        if client.query_one(&sql, &[]).await?.get::<_, bool>(0) {
            return refuse(&format!("is not empty (the table {name} has rows): name a new database"));
        }
    }
    let (version, name) = migrate::COPYING;
    let tx = client.transaction().await?;
    tx.execute(MARK, &[&version, &name, &source_state, &clock.now_ms()]).await?;
    tx.batch_execute(BEGIN).await?;
    tx.batch_execute(FORGET).await?;
    tx.commit().await?;
    Ok(())
}

const fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Id => Type::UUID,
        Kind::Int => Type::INT8,
        Kind::Flag => Type::BOOL,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

fn about(table: &Table, error: &StoreError) -> StoreError {
    StoreError::Engine(format!("the table {}: {error}", table.name))
}
