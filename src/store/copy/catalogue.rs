//! The tables of an installation, as the schema that the migrations make in SQLite has them: no second list to keep true.

use rusqlite::Connection;

use crate::store::StoreError;

/// The portable types of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Int,
    Flag,
    Text,
    Bytes,
}

impl Kind {
    fn of(declared: &str) -> Option<Self> {
        Some(match declared {
            "uuid" => Self::Id,
            "bigint" => Self::Int,
            "boolean" => Self::Flag,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The columns of the primary key, in its order.
    pub key: Vec<usize>,
    /// Rows that are not copied.
    pub leaves_out: Option<&'static str>,
}

impl Table {
    /// The names of all columns, separated by commas.
    pub(super) fn list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        names.join(", ")
    }

    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// The condition of the rows that are copied.
    pub(super) fn copied(&self) -> &'static str {
        self.leaves_out.unwrap_or("true")
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Tables that are not copied. `migrations` and `nodes` are the target's own. The search index differs between the engines, and is
/// built anew by its consumer, which begins where it has no place.
const NOT_COPIED: &[&str] = &["migrations", "nodes", "search_blocks", "search_documents"];
const NOT_COPIED_BEGIN: &str = "search_tokens";
/// Tables of which only some rows are copied.
const IN_PART: &[(&str, &str)] = &[("consumer_cursors", "consumer <> 'search'")];

const COLUMNS: &str = "select t.name, c.name, lower(c.type), c.pk from sqlite_master t, pragma_table_info(t.name) c \
    where t.type = 'table' and t.name not like 'sqlite_%' order by t.name, c.cid";
const FOREIGN: &str = "select distinct t.name, f.\"table\" from sqlite_master t, pragma_foreign_key_list(t.name) f \
    where t.type = 'table'";

/// All tables of our schema that are copied, each after those that its foreign keys name.
pub(super) fn tables(conn: &Connection) -> Result<Vec<Table>, StoreError> {
    let mut found: Vec<(Table, Vec<(i64, usize)>)> = Vec::new();
    let mut statement = conn.prepare(COLUMNS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, name, declared, place): (String, String, String, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if NOT_COPIED.contains(&table.as_str()) || table.starts_with(NOT_COPIED_BEGIN) {
            continue;
        }
        let unknown =
            || StoreError::Engine(format!("the column {name} of {table} has the type {declared:?}"));
        let kind = Kind::of(&declared).ok_or_else(unknown)?;
        if found.last().is_none_or(|(last, _)| last.name != table) {
            let leaves_out = IN_PART.iter().find(|(name, _)| *name == table).map(|(_, condition)| *condition);
            found.push((Table { name: table, columns: Vec::new(), key: Vec::new(), leaves_out }, Vec::new()));
        }
        if let Some((table, key)) = found.last_mut() {
            if place > 0 {
                key.push((place, table.columns.len()));
            }
            table.columns.push(Column { name, kind });
        }
    }
    let mut tables = Vec::with_capacity(found.len());
    for (mut table, mut key) in found {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, column)| column).collect();
        if table.key.is_empty() {
            return Err(StoreError::Engine(format!("the table {} has no primary key", table.name)));
        }
        tables.push(table);
    }
    let mut statement = conn.prepare(FOREIGN)?;
    let foreign = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    parents_first(tables, &foreign.collect::<Result<Vec<_>, _>>()?)
}

fn parents_first(mut left: Vec<Table>, foreign: &[(String, String)]) -> Result<Vec<Table>, StoreError> {
    let mut sorted: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_left = |name: &str| left.iter().any(|table| table.name == name);
        let ready = left.iter().position(|table| {
            !foreign.iter().any(|(child, parent)| *child == table.name && parent != child && is_left(parent))
        });
        let Some(ready) = ready else {
            return Err(StoreError::Engine("the tables' foreign keys form a circle".to_owned()));
        };
        sorted.push(left.remove(ready));
    }
    Ok(sorted)
}
