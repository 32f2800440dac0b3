//! The schema of a SQLite file beside the one that its migrations make: what other tools put there, and what somebody may
//! have hidden in it.

use std::collections::BTreeSet;
use std::fmt;

use rusqlite::Connection;

use super::{Engine, StoreError, migrate};

const OBJECTS: &str = "select type, name, tbl_name from sqlite_master order by type, name";
const TABLES: &str =
    "select name from sqlite_master where type = 'table' and sql not like 'create virtual%' order by name";
const COLUMNS: &str = "select name, lower(type) || ' ' || \"notnull\" || ' ' || pk || ' ' || hidden || ' ' || \
    coalesce(dflt_value, '') from pragma_table_xinfo($1)";

/// What `analyze` makes in a file.
const STATISTICS: &[&str] = &["sqlite_stat1", "sqlite_stat2", "sqlite_stat3", "sqlite_stat4"];
/// Litestream replicates a file, and keeps what it needs for that in two tables of it.
const LITESTREAM: &[&str] = &["_litestream_lock", "_litestream_seq"];

/// A table, an index, a trigger or a view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    kind: String,
    name: String,
    /// That it belongs to; its own name, if it is one.
    table: String,
}

impl Object {
    fn is_of_litestream(&self) -> bool {
        self.kind == "table" && LITESTREAM.contains(&self.name.as_str())
    }

    fn is_statistics(&self) -> bool {
        self.kind == "table" && STATISTICS.contains(&self.name.as_str())
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever made it chose the name.
        let (kind, name) = (self.kind.escape_debug(), self.name.escape_debug());
        if self.name == self.table {
            write!(f, "the {kind} {name}")
        } else {
            write!(f, "the {kind} {name} of {}", self.table.escape_debug())
        }
    }
}

/// What these migrations make, in memory and without rows.
pub(super) fn in_memory(applied: &[(i64, String, String)]) -> Result<Connection, StoreError> {
    let conn = Connection::open_in_memory()?;
    for statement in migrate::statements_of(Engine::Sqlite, applied) {
        conn.execute_batch(statement)?;
    }
    Ok(conn)
}

/// What is in the file's schema that these migrations did not make, but for what Litestream keeps there.
pub(super) fn foreign(
    file: &Connection,
    applied: &[(i64, String, String)],
) -> Result<Vec<String>, StoreError> {
    let ours = in_memory(applied)?;
    let beside = beside(file, &ours)?;
    let others = beside.iter().filter(|object| !object.is_of_litestream()).map(ToString::to_string);
    Ok(others.chain(altered(file, &ours)?).collect())
}

/// The objects of a file that are not among ours.
pub(super) fn beside(file: &Connection, ours: &Connection) -> Result<Vec<Object>, StoreError> {
    let ours: BTreeSet<Object> = objects(ours)?.into_iter().collect();
    let mut found = objects(file)?;
    found.retain(|object| !ours.contains(object) && !object.is_statistics());
    Ok(found)
}

/// Our tables that have other columns in the file, or are missing in it.
pub(super) fn altered(file: &Connection, ours: &Connection) -> Result<Vec<String>, StoreError> {
    let mut differ = Vec::new();
    let names: Vec<String> =
        ours.prepare(TABLES)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for table in names {
        let (expected, found) = (columns(ours, &table)?, columns(file, &table)?);
        let one = found.symmetric_difference(&expected).next();
        if let Some((column, _)) = one.filter(|_| !found.is_empty()) {
            differ.push(format!("the column {} of {table}", column.escape_debug()));
        } else if found.is_empty() {
            differ.push(format!("the table {table}, which is missing"));
        }
    }
    Ok(differ)
}

fn objects(conn: &Connection) -> Result<Vec<Object>, StoreError> {
    let mut statement = conn.prepare(OBJECTS)?;
    let found = statement
        .query_map([], |row| Ok(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)? }))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The columns of a table, each with what it holds; none of a table that is not there.
fn columns(conn: &Connection, table: &str) -> Result<BTreeSet<(String, String)>, StoreError> {
    let mut statement = conn.prepare_cached(COLUMNS)?;
    let found = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sql: &str) -> (Vec<String>, Vec<String>) {
        let (file, ours) = (made(), made());
        file.execute_batch(sql).expect(sql);
        let beside = beside(&file, &ours).expect("compared");
        let names = beside.iter().filter(|object| !object.is_of_litestream()).map(ToString::to_string);
        (names.collect(), altered(&file, &ours).expect("compared"))
    }

    fn made() -> Connection {
        in_memory(&migrate::ours()).expect("made")
    }

    #[test]
    fn what_the_migrations_did_not_make_is_found() {
        let nothing = (Vec::new(), Vec::new());
        assert_eq!(found(""), nothing);
        assert_eq!(found("analyze"), nothing);
        let litestream = "create table _litestream_seq (id integer primary key, seq integer); \
            create table _litestream_lock (id integer)";
        assert_eq!(found(litestream), nothing);
        for (sql, name) in [
            ("create trigger evil after update on users begin select 1; end", "the trigger evil of users"),
            ("create trigger users after update on users begin select 1; end", "the trigger users"),
            ("create view evil as select 1", "the view evil"),
            ("create table evil (a text)", "the table evil"),
            ("create index evil on users (name)", "the index evil of users"),
            ("create view _litestream_seq as select 1", "the view _litestream_seq"),
            ("create view \"a\u{1b}b\" as select 1", "the view a\\u{1b}b"),
        ] {
            assert_eq!(found(sql), (vec![name.to_owned()], Vec::new()), "{sql}");
        }
        let column = "alter table users add column evil text generated always as ('admin') virtual";
        assert_eq!(found(column), (Vec::new(), vec!["the column evil of users".to_owned()]));
        let view = found("drop table history_looks; create view history_looks as select 1");
        assert_eq!(view.0, ["the view history_looks"]);
        assert!(view.1[0].contains("history_looks"), "{view:?}");
        let missing = found("drop table history_looks");
        assert_eq!(missing, (Vec::new(), vec!["the table history_looks, which is missing".to_owned()]));
    }

    #[test]
    fn an_older_file_is_compared_with_its_own_migrations() {
        let older = in_memory(&migrate::ours()[..10]).expect("made");
        let same = in_memory(&migrate::ours()[..10]).expect("made");
        assert!(beside(&older, &same).expect("compared").is_empty());
        assert!(altered(&older, &same).expect("compared").is_empty());
        assert!(!beside(&made(), &older).expect("compared").is_empty());
    }
}
