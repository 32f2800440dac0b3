//! Fills a SQLite file without journal and without secondary indexes, which are recreated at the end from their
//! definitions. An interrupted fill leaves a damaged file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};
use uuid::Uuid;

use super::database::{Database, Engine, Rows, Value};
use super::table::Table;

/// Rows of one transaction.
const BATCH: u64 = 200_000;

pub(crate) struct Sqlite {
    conn: Connection,
    path: PathBuf,
    indexes: Vec<String>,
    pending: u64,
    inserts: Vec<String>,
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Value::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Value::Id(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
            Value::Flag(value) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*value))),
            Value::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        })
    }
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        ensure!(path.exists(), "there is no {}: start the server once", path.display());
        let conn = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        // The sorter of new indexes uses as much memory again as the cache.
        conn.execute_batch("pragma cache_size = -96000; pragma busy_timeout = 1000;")?;
        conn.set_prepared_statement_cache_capacity(64);
        let inserts = Table::ALL.iter().map(|table| insert(*table)).collect();
        Ok(Self { conn, path: path.to_owned(), indexes: Vec::new(), pending: 0, inserts })
    }
}

fn insert(table: Table) -> String {
    let columns = table.columns();
    let places = vec!["?"; columns.split(',').count()].join(", ");
    format!("insert into {} ({columns}) values ({places})", table.name())
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Real(value) => Some(value.to_string()),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => {
            Some(Uuid::from_slice(bytes).map_or_else(|_| hex::encode(bytes), |id| id.to_string()))
        }
    }
}

impl Database for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn drop_indexes(&mut self) -> Result<()> {
        let left = self.rows("pragma journal_mode = off")?;
        let mode = left.first().and_then(|row| row.first()).cloned().flatten();
        ensure!(mode.as_deref() == Some("off"), "the journal stays on: is a server running on the file?");
        self.conn.execute_batch(
            "pragma synchronous = off; pragma foreign_keys = off; pragma locking_mode = exclusive;",
        )?;
        let indexes =
            self.rows("select name, sql from sqlite_master where type = 'index' and sql is not null")?;
        for row in indexes {
            let mut columns = row.into_iter().flatten();
            let (Some(name), Some(sql)) = (columns.next(), columns.next()) else { continue };
            self.conn.execute_batch(&format!("drop index {name}"))?;
            self.indexes.push(sql);
        }
        Ok(())
    }

    fn put(&mut self, table: Table, row: &[Value<'_>]) -> Result<()> {
        if self.pending == 0 {
            self.conn.execute_batch("begin")?;
        }
        let mut statement = self.conn.prepare_cached(&self.inserts[table as usize])?;
        for (place, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(place + 1, value)?;
        }
        statement.raw_execute().with_context(|| format!("a row of {} was refused", table.name()))?;
        drop(statement);
        self.pending += 1;
        if self.pending == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending > 0 {
            self.conn.execute_batch("commit")?;
        }
        self.pending = 0;
        Ok(())
    }

    fn create_indexes(&mut self) -> Result<()> {
        for sql in std::mem::take(&mut self.indexes) {
            self.conn.execute_batch(&sql).with_context(|| format!("cannot make the index again: {sql}"))?;
        }
        self.conn.execute_batch("pragma locking_mode = normal; pragma synchronous = full;")?;
        self.rows("pragma journal_mode = wal")?;
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        Ok(self.conn.execute_batch(sql)?)
    }

    fn rows(&mut self, sql: &str) -> Result<Rows> {
        let mut statement = self.conn.prepare(sql)?;
        let width = statement.column_count();
        let mut found = statement.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push((0..width).map(|at| Ok(text(row.get_ref(at)?))).collect::<Result<_>>()?);
        }
        Ok(rows)
    }

    fn bytes(&mut self) -> Result<u64> {
        Ok(std::fs::metadata(&self.path)?.len())
    }
}
