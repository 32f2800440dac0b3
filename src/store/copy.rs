//! Copies an installation from a SQLite file to a PostgreSQL database: every table in the order of its key, with
//! checkpoints in the target, and a comparison of both at the end.
//!
//! Secrets are copied as they are sealed: the copy needs the same master key. Files of messages are not in the database.

mod catalogue;
mod row;
mod source;
mod target;

use std::path::Path;
use std::sync::Arc;

use self::source::{Source, Start};
use self::target::Target;
use super::StoreError;
use crate::clock::Clock;

/// How to copy.
#[derive(Clone, Debug)]
pub struct Copying {
    /// Rows of one transaction at the target, at most.
    pub batch_rows: usize,
}

impl Default for Copying {
    fn default() -> Self {
        Self { batch_rows: 5_000 }
    }
}

/// Where the copying is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// What other tools have put into the file is not copied. Told before anything is.
    LeavesOut { objects: &'a [String] },
    /// An interrupted copy goes on; so many rows are there already.
    Resumes { rows: u64 },
    /// So many rows of a table are copied.
    Rows { table: &'a str, rows: u64, of: u64 },
    /// All rows are there, and are now compared.
    Verifies,
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub tables: usize,
    pub rows: u64,
}

/// Copies the database of the file `from` to the PostgreSQL database `to`. No server may write the file meanwhile: the
/// caller holds its lock.
pub async fn copy(
    from: &Path,
    to: &str,
    copying: &Copying,
    clock: &Clock,
    tell: &mut (dyn FnMut(&Step<'_>) + Send),
) -> Result<Done, StoreError> {
    let source = Source::open(from)?;
    if !source.left_out.is_empty() {
        tell(&Step::LeavesOut { objects: &source.left_out });
    }
    let tables = Arc::new(source.tables.clone());
    let mut target = Target::open(to, &source.state, clock).await?;
    let there: u64 = target.checkpoints.values().map(|place| place.rows).sum();
    if !target.checkpoints.is_empty() {
        tell(&Step::Resumes { rows: there });
    }
    let (mut starts, mut totals) = (Vec::new(), Vec::with_capacity(tables.len()));
    for (at, table) in tables.iter().enumerate() {
        totals.push(source.count(table)?);
        match target.checkpoints.get(&table.name) {
            Some(place) if place.is_done => {}
            Some(place) => {
                let after = place.key.as_deref().map(|key| row::key_of(table, key)).transpose()?;
                starts.push(Start { table: at, after });
            }
            None => starts.push(Start { table: at, after: None }),
        }
    }
    let (mut batches, reader) = source.read(starts, copying.batch_rows.max(1));
    while let Some(batch) = batches.recv().await {
        let batch = batch?;
        let table = &tables[batch.table];
        let place = target.put(table, &batch).await?;
        tell(&Step::Rows { table: &table.name, rows: place.rows, of: totals[batch.table] });
    }
    drop(batches);
    tell(&Step::Verifies);
    let joined = tokio::task::spawn_blocking(move || {
        let source = reader.join().map_err(|_| StoreError::Engine("the reader panicked".to_owned()))?;
        source.sums()
    });
    let (expected, found) = tokio::join!(joined, target.sums(&tables));
    let expected = expected.map_err(|error| StoreError::Engine(error.to_string()))??;
    let found = found?;
    let differ: Vec<String> = (tables.iter().zip(expected.iter().zip(&found)))
        .filter(|(_, (expected, found))| expected != found)
        .map(|(table, (expected, found))| {
            let how = if expected.rows == found.rows { ", of which some differ" } else { "" };
            format!("{} ({} rows here, {} there{how})", table.name, expected.rows, found.rows)
        })
        .collect();
    if !differ.is_empty() {
        return Err(StoreError::Engine(format!(
            "the copy differs from the source: {}. It stays unfinished, and no server starts on it: drop the target, create \
             it anew, and begin again",
            differ.join(", ")
        )));
    }
    target.finish(&tables).await?;
    Ok(Done { tables: tables.len(), rows: found.iter().map(|sum| sum.rows).sum() })
}
