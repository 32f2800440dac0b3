//! The database that is copied: one snapshot of a SQLite file, read on a thread of its own.

use std::fmt::Write as _;
use std::path::Path;
use std::thread;

use rusqlite::{Connection, params_from_iter};
use tokio::sync::mpsc;

use super::catalogue::{self, Table, quoted};
use super::row::{self, Sum};
use crate::store::value::{Arg, OwnedArg, Row};
use crate::store::{StoreError, backup, migrate, schema};

/// Values of one batch, at most so many bytes and one row more.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Of a damaged file both readings would be wrong alike.
const CHECK: &str = "pragma quick_check(1)";
/// Differs after every event of any tenant, after a restore, and where a server ran that has a history in MongoDB.
const STATE: &str = "select coalesce(i.identity, '') || '.' || i.epoch || '.' || i.created_at || '.' || \
    coalesce(i.history_term, '') || '.' || \
    (select count(*) from tenants) || '.' || (select coalesce(sum(next_cursor), 0) from tenants) \
    from installation i where i.id = 1";

pub(super) struct Source {
    conn: Connection,
    pub tables: Vec<Table>,
    /// What other tools have put into the file.
    pub left_out: Vec<String>,
    /// Tells whether it is what an interrupted copy was made of.
    pub state: String,
}

/// From where on a table is read.
pub(super) struct Start {
    pub table: usize,
    /// The last key that is there already.
    pub after: Option<Vec<OwnedArg>>,
}

pub(super) struct Batch {
    pub table: usize,
    pub rows: Vec<Vec<OwnedArg>>,
    /// The key of the last row.
    pub key: Option<String>,
    pub is_last: bool,
}

impl Source {
    /// Opens the file and begins the snapshot.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = backup::open_to_read(path)?;
        conn.execute_batch("begin")?;
        let applied = backup::check_version(&conn, path)?;
        if applied != migrate::ours() {
            return Err(StoreError::Engine(format!(
                "{} has {} of the {} migrations of this version: start `hubbub serve` on it once, which applies the \
                 others, stop it, and copy then",
                path.display(),
                applied.len(),
                migrate::ours().len()
            )));
        }
        let ours = schema::in_memory(&applied)?;
        let altered = schema::altered(&conn, &ours)?;
        if !altered.is_empty() {
            return Err(StoreError::Engine(format!(
                "{} has tables that are not as this server makes them, and nothing was copied: {}",
                path.display(),
                altered.join(", ")
            )));
        }
        let verdict: String = conn.query_row(CHECK, [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(StoreError::Engine(format!(
                "{} is damaged ({verdict}): restore a backup, and copy that",
                path.display()
            )));
        }
        let left_out = schema::beside(&conn, &ours)?.iter().map(ToString::to_string).collect();
        let tables = catalogue::tables(&ours)?;
        let state = conn.query_row(STATE, [], |row| row.get(0))?;
        Ok(Self { conn, tables, left_out, state })
    }

    pub(super) fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("select count(*) from {} where {}", table.quoted(), table.copied());
        let rows: i64 = self.conn.query_row(&sql, [], |row| row.get(0))?;
        Ok(rows.unsigned_abs())
    }

    /// Reads the tables batch by batch, as fast as they are taken. Gives the source back at the end.
    pub(super) fn read(
        self,
        starts: Vec<Start>,
        rows: usize,
    ) -> (mpsc::Receiver<Result<Batch, StoreError>>, thread::JoinHandle<Self>) {
        let (to, from) = mpsc::channel(2);
        let reader = thread::spawn(move || {
            for start in starts {
                if let Err(error) = self.read_table(start, rows, &to) {
                    let _ = to.blocking_send(Err(error));
                    break;
                }
                if to.is_closed() {
                    break;
                }
            }
            self
        });
        (from, reader)
    }

    fn read_table(
        &self,
        start: Start,
        limit: usize,
        to: &mpsc::Sender<Result<Batch, StoreError>>,
    ) -> Result<(), StoreError> {
        let table = &self.tables[start.table];
        let mut after = start.after;
        loop {
            let (rows, is_last) = self.page(table, after.as_deref(), limit)?;
            let key = rows.last().map(|row| row::key_text(table, row)).transpose()?;
            after = key.as_deref().map(|key| row::key_of(table, key)).transpose()?;
            let batch = Batch { table: start.table, rows, key, is_last };
            if to.blocking_send(Ok(batch)).is_err() || is_last {
                return Ok(());
            }
        }
    }

    /// The rows after a key, and whether there are no more.
    fn page(
        &self,
        table: &Table,
        after: Option<&[OwnedArg]>,
        limit: usize,
    ) -> Result<(Vec<Vec<OwnedArg>>, bool), StoreError> {
        let key: Vec<String> = table.key.iter().map(|at| quoted(&table.columns[*at].name)).collect();
        let key = key.join(", ");
        let mut sql = format!("select {} from {} where {}", table.list(), table.quoted(), table.copied());
        if let Some(after) = after {
            let marks: Vec<String> = (1..=after.len()).map(|number| format!("?{number}")).collect();
            let _ = write!(sql, " and ({key}) > ({})", marks.join(", "));
        }
        let _ = write!(sql, " order by {key} limit {limit}");
        let args: Vec<Arg<'_>> = after.unwrap_or_default().iter().map(OwnedArg::borrowed).collect();
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(args))?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            let values = row::read(table, &Row::Sqlite(row))?;
            bytes += row::bytes(&values);
            rows.push(values);
            if bytes > BATCH_BYTES {
                return Ok((rows, false));
            }
        }
        let is_last = rows.len() < limit;
        Ok((rows, is_last))
    }

    /// Number and checksum of each table's rows.
    pub(super) fn sums(&self) -> Result<Vec<Sum>, StoreError> {
        let sum = |table: &Table| {
            let sql = format!("select {} from {} where {}", table.list(), table.quoted(), table.copied());
            let mut statement = self.conn.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut sum = Sum::default();
            while let Some(row) = rows.next()? {
                sum.add(&row::read(table, &Row::Sqlite(row))?);
            }
            Ok(sum)
        };
        self.tables.iter().map(sum).collect()
    }
}
