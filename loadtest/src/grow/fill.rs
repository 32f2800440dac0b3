//! Counts rows by table while they are written, and prints progress.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::database::{Database, Value};
use super::table::Table;

const PRINT_EVERY: Duration = Duration::from_secs(2);
/// Rows between two checks of the clock.
const CHECK_EVERY: u64 = 10_000;

pub(crate) struct Fill<'d> {
    database: &'d mut dyn Database,
    counts: Vec<u64>,
    rows: u64,
    started: Instant,
    printed: Instant,
}

impl<'d> Fill<'d> {
    pub(crate) fn new(database: &'d mut dyn Database) -> Self {
        let now = Instant::now();
        Self { database, counts: vec![0; Table::ALL.len()], rows: 0, started: now, printed: now }
    }

    pub(crate) fn put(&mut self, table: Table, row: &[Value<'_>]) -> Result<()> {
        self.database.put(table, row)?;
        self.counts[table as usize] += 1;
        self.rows += 1;
        if self.rows.is_multiple_of(CHECK_EVERY) && self.printed.elapsed() >= PRINT_EVERY {
            self.printed = Instant::now();
            let seconds = self.started.elapsed().as_secs_f64();
            let messages = self.counts[Table::Messages as usize];
            let speed = self.rows as f64 / seconds;
            eprint!("\r  {} rows, {messages} messages, {speed:.0} rows/s  ", self.rows);
            std::io::stderr().flush()?;
        }
        Ok(())
    }

    /// Waits until all rows are written; returns their number by table.
    pub(crate) fn end(self) -> Result<BTreeMap<&'static str, u64>> {
        self.database.flush()?;
        eprintln!();
        Ok(Table::ALL.iter().map(|table| (table.name(), self.counts[*table as usize])).collect())
    }
}
