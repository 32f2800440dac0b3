//! The database interface of the filling and the check, for both engines: rows by table, and statements whose result
//! is text. The engines are `sqlite.rs` and `postgres.rs`.

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

use super::table::{SCHEMA, Table};

/// A value of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Id(Uuid),
    Flag(bool),
    Bytes(&'a [u8]),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from(value: $from) -> Self { Value::$variant(value) }
        }
    )*};
}
value_from!(i64 => Int, &'a str => Text, Uuid => Id, bool => Flag, &'a [u8] => Bytes);

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// A row in the order of [`Table::columns`].
macro_rules! row {
    ($($value:expr),* $(,)?) => { &[$($crate::grow::database::Value::from($value)),*] };
}
pub(crate) use row;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// An id as SQL text.
    pub(crate) fn id(self, id: Uuid) -> String {
        match self {
            Self::Sqlite => format!("x'{}'", id.simple()),
            Self::Postgres => format!("'{id}'::uuid"),
        }
    }

    /// A member of a JSON column, as a number or as text.
    pub(crate) fn json(self, column: &str, member: &str, number: bool) -> String {
        match self {
            Self::Sqlite => format!("json_extract({column}, '$.{member}')"),
            Self::Postgres if number => format!("cast({column}::json ->> '{member}' as bigint)"),
            Self::Postgres => format!("({column}::json ->> '{member}')"),
        }
    }
}

/// A result's rows; every value as text.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

pub(crate) trait Database: Send {
    fn engine(&self) -> Engine;

    /// Drops what slows down writing: indexes, foreign keys, durability.
    fn drop_indexes(&mut self) -> Result<()>;

    fn put(&mut self, table: Table, row: &[Value<'_>]) -> Result<()>;

    /// Waits until all rows are in their tables.
    fn flush(&mut self) -> Result<()>;

    /// Recreates what [`Database::drop_indexes`] dropped.
    fn create_indexes(&mut self) -> Result<()>;

    fn run(&mut self, sql: &str) -> Result<()>;

    fn rows(&mut self, sql: &str) -> Result<Rows>;

    fn number(&mut self, sql: &str) -> Result<i64> {
        let rows = self.rows(sql)?;
        let first = rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten();
        first.map_or(Ok(0), |text| text.parse().with_context(|| format!("{text:?} is not a number")))
    }

    /// Size of the whole database.
    fn bytes(&mut self) -> Result<u64>;
}

/// Rejects a database of another schema version than that of the known columns.
pub(crate) fn must_be_known(database: &mut dyn Database) -> Result<()> {
    let Ok(version) = database.number("select max(version) from migrations") else {
        bail!("the database has no schema: start the server once");
    };
    ensure!(
        version == SCHEMA,
        "the schema has version {version}, {SCHEMA} is known here: start the server once, or take the loadtest of its version"
    );
    Ok(())
}

/// Rejects a database that contains data, because filling it is not crash-safe.
pub(crate) fn must_be_empty(database: &mut dyn Database) -> Result<()> {
    for table in [Table::Conversations, Table::Messages, Table::Turns] {
        let found = database.rows(&format!("select 1 from {} limit 1", table.name()))?;
        ensure!(found.is_empty(), "{} holds rows already: only a fresh installation is filled", table.name());
    }
    Ok(())
}
