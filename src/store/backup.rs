//! Copies of a SQLite file, made while a server writes it, and the way back. PostgreSQL has its own tools
//! (`docs/backup.md`).
//!
//! A copy is one snapshot: the reading transaction is open for as long as the copy is made. Writers go on meanwhile; only
//! the write-ahead log grows, because it cannot be restarted before the copy is ready.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, events, history_term, migrate, schema};
use crate::clock::{Clock, Ids};
use crate::file_draft::{FileDraft, keep_as};
use crate::private;

/// Pages of one step: 4 MiB.
const PAGES: i32 = 1_024;

/// For files that others may have written: what their schema calls can do no harm, and damage is noticed where it is read.
const NO_TRUST: &str = "pragma trusted_schema = off; pragma cell_size_check = on";

const TABLES: &str = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' \
    and sql not like 'create virtual%' order by name";

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    pub tables: usize,
    /// Rows of all tables.
    pub rows: i64,
    /// What is in its schema that this server did not make: with that it is not restored.
    pub foreign: Vec<String>,
}

/// Copies the database `from` to the new file `to`, which only this user can read, and checks the copy. `progress` gets the
/// pages that are copied and the pages of all. The folder must be there: one that is made where a disk is not mounted would
/// be on another disk.
pub fn backup(from: &Path, to: &Path, progress: &mut dyn FnMut(i32, i32)) -> Result<Copied, StoreError> {
    refuse_existing(to)?;
    require_folder(to)?;
    let draft = FileDraft::begin(to).map_err(|error| cannot("make a file for", to, &error))?;
    let mut copied = copy(from, draft.path(), progress)?;
    // Also what cannot be restored is copied: one of a newer version, for one.
    copied.foreign = foreign(draft.path()).unwrap_or_default();
    draft.publish(to).map_err(|error| cannot("make", to, &error))?;
    Ok(copied)
}

/// How a database was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    pub copied: Copied,
    /// Where the former database is now, if there was one.
    pub former: Option<PathBuf>,
    pub epoch: String,
    /// Messages whose sending had not ended when the backup was made.
    pub unsent: i64,
}

const UNSENT: &str = "select count(*) from jobs where kind = 'deliver' and state <> 'dead'";
const IS_OURS: &str =
    "select count(*) from sqlite_master where type = 'table' and name in ('installation', 'migrations')";
const APPLIED: &str = "select version, name, digest from migrations order by version";

/// Puts the backup `from` in the place of the database `database`, with a new epoch of the feed. The caller holds the lock
/// of the server. The former database stays beside it, under another name.
pub fn restore(
    from: &Path,
    database: &Path,
    clock: &Clock,
    progress: &mut dyn FnMut(i32, i32),
) -> Result<Restored, StoreError> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if real(from) == real(database) {
        return Err(StoreError::Engine(format!("{} is the database itself", from.display())));
    }
    refuse_foreign(from)?;
    let folder = private::around(database);
    private::create_dir(folder).map_err(|error| cannot("make", folder, &error))?;
    let draft = FileDraft::begin(database).map_err(|error| cannot("make a file for", database, &error))?;
    let copied = copy(from, draft.path(), progress)?;
    let conn = Connection::open(draft.path())?;
    conn.execute_batch(NO_TRUST)?;
    let epoch = events::random_epoch(&Ids::new(clock.clone()));
    conn.execute(events::RENEW, [&epoch])?;
    if database.exists() {
        // One that cannot be read, or an older schema, hands nothing on: the operator does, by a command.
        let _ = inherit(&conn, database);
    }
    let unsent = conn.query_row(UNSENT, [], |row| row.get(0))?;
    conn.close().map_err(|(_, error)| error)?;
    let former = if database.exists() { Some(set_aside(database, clock)?) } else { None };
    draft.replace(database).map_err(|error| cannot("replace", database, &error))?;
    Ok(Restored { copied, former, epoch, unsent })
}

/// What is put in the place of a database goes on with its history in MongoDB; a backup alone counts as a copy there
/// (`history_term.rs`).
fn inherit(restored: &Connection, former: &Path) -> Result<(), StoreError> {
    let former = open_to_read(former)?;
    let found: (Option<String>, Option<String>, Option<String>) =
        former.query_row(history_term::CLAIM, [], |row| Ok((row.get(1)?, row.get(2)?, row.get(0)?)))?;
    restored.execute(history_term::INHERIT, found)?;
    Ok(())
}

/// What of a file's schema its migrations did not make.
fn foreign(file: &Path) -> Result<Vec<String>, StoreError> {
    let conn = open_to_read(file)?;
    schema::foreign(&conn, &check_version(&conn, file)?)
}

/// Refuses a file whose schema is not as its migrations made it: a trigger or a view of somebody else would do its work with
/// each of our statements.
fn refuse_foreign(file: &Path) -> Result<(), StoreError> {
    let found = foreign(file)?;
    if !found.is_empty() {
        return Err(StoreError::Engine(format!(
            "{} has in its schema what this server did not make, which would run or stand in its way: {}. If it is yours, \
             remove it from a copy of the file and restore that; if nobody knows of it, use another backup",
            file.display(),
            found.join(", ")
        )));
    }
    Ok(())
}

/// The migrations that were applied. Refuses what is no database of ours, or one of a newer version.
pub(super) fn check_version(
    conn: &Connection,
    file: &Path,
) -> Result<Vec<(i64, String, String)>, StoreError> {
    let ours: i64 = conn.query_row(IS_OURS, [], |row| row.get(0)).map_err(|error| {
        StoreError::Engine(format!("{} cannot be read as a database: {error}", file.display()))
    })?;
    if ours != 2 {
        return Err(StoreError::Engine(format!("{} is not a database of this server", file.display())));
    }
    let mut statement = conn.prepare(APPLIED)?;
    let applied = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let applied = applied.collect::<Result<Vec<_>, _>>()?;
    migrate::check(&applied)?;
    Ok(applied)
}

/// For reading only: a file that is not there is not made.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let conn =
        opened.map_err(|error| StoreError::Engine(format!("cannot open {}: {error}", path.display())))?;
    conn.execute_batch(NO_TRUST)?;
    Ok(conn)
}

/// Copies one snapshot, and checks that the copy holds what the snapshot does.
fn copy(from: &Path, to: &Path, progress: &mut dyn FnMut(i32, i32)) -> Result<Copied, StoreError> {
    let source = open_to_read(from)?;
    source.busy_timeout(std::time::Duration::from_secs(5))?;
    // Without this transaction each commit of the server would begin the copy anew.
    source.execute_batch("begin")?;
    let expected = count(&source)?;
    let mut target = Connection::open(to)?;
    // It is no database for anybody before it is whole and under its name.
    target.execute_batch("pragma synchronous = off")?;
    target.execute_batch(NO_TRUST)?;
    {
        let steps = Backup::new(&source, &mut target)?;
        loop {
            let step = steps.step(PAGES)?;
            let now = steps.progress();
            progress(now.pagecount - now.remaining, now.pagecount);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        }
    }
    // The copy is one file, without a log beside it.
    target.execute_batch("pragma journal_mode = delete")?;
    let verdict: String = target.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Engine(format!(
            "the copy is damaged ({verdict}); so is the database, if its own `pragma integrity_check` says the same"
        )));
    }
    let found = count(&target)?;
    if found != expected {
        return Err(StoreError::Engine(format!("the copy has {found:?} rows, the database {expected:?}")));
    }
    target.close().map_err(|(_, error)| error)?;
    Ok(Copied {
        bytes: fs::metadata(to).map_err(|error| cannot("read", to, &error))?.len(),
        tables: found.len(),
        rows: found.iter().map(|(_, rows)| rows).sum(),
        foreign: Vec::new(),
    })
}

/// The rows of each table.
fn count(conn: &Connection) -> Result<Vec<(String, i64)>, StoreError> {
    let names: Vec<String> =
        conn.prepare(TABLES)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let count = |name: String| {
        let rows = conn.query_row(&format!("select count(*) from \"{name}\""), [], |row| row.get(0))?;
        Ok((name, rows))
    };
    names.into_iter().map(count).collect()
}

fn require_folder(of: &Path) -> Result<(), StoreError> {
    let folder = private::around(of);
    if !folder.is_dir() {
        return Err(StoreError::Engine(format!(
            "there is no folder {}: mount the disk that it is on, or make it. It is not made here, because it would be on \
             the wrong disk if that is not mounted",
            folder.display()
        )));
    }
    Ok(())
}

/// Keeps the former database under another name, with its write-ahead log, without which it lacks its last commits.
fn set_aside(database: &Path, clock: &Clock) -> Result<PathBuf, StoreError> {
    // The last connection to close writes the log into the file. A damaged database keeps its log, which moves with it.
    if let Ok(conn) = Connection::open(database) {
        let _ = conn.execute_batch("pragma wal_checkpoint(truncate)");
    }
    let former = beside(database, &format!(".before-{}", clock.now_ms()));
    refuse_existing(&former)?;
    // There is a database under the name at every moment.
    keep_as(database, &former).map_err(|error| cannot("keep", database, &error))?;
    for end in ["-wal", "-shm"] {
        let (old, new) = (beside(database, end), beside(&former, end));
        if old.exists() {
            fs::rename(&old, &new).map_err(|error| cannot("rename", &old, &error))?;
        }
    }
    Ok(former)
}

fn refuse_existing(file: &Path) -> Result<(), StoreError> {
    if file.symlink_metadata().is_ok() {
        return Err(StoreError::Engine(format!(
            "{} is there already, and nothing is overwritten: name another file",
            file.display()
        )));
    }
    Ok(())
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn cannot(what: &str, file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Engine(format!("cannot {what} {}: {error}", file.display()))
}
