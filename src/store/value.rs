//! Bound values and result rows, the same for both engines.

use std::str::FromStr;

use bytes::BytesMut;
use serde::de::DeserializeOwned;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::StoreError;

/// One bound value. `None` keeps its type, because PostgreSQL needs the type of a null.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Id(Option<Uuid>),
    Flag(Option<bool>),
    Bytes(Option<&'a [u8]>),
}

/// Refuses text with U+0000, which SQLite stores and PostgreSQL does not.
pub(super) fn storable(args: &[Arg<'_>]) -> Result<(), StoreError> {
    let is_foul = |arg: &Arg<'_>| matches!(arg, Arg::Text(Some(text)) if text.as_bytes().contains(&0));
    if args.iter().any(is_foul) {
        return Err(StoreError::Unstorable("text with the character U+0000".to_owned()));
    }
    Ok(())
}

macro_rules! arg_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl<'a> From<$from> for Arg<'a> {
            fn from(value: $from) -> Self { Arg::$variant(Some(value)) }
        }
        impl<'a> From<Option<$from>> for Arg<'a> {
            fn from(value: Option<$from>) -> Self { Arg::$variant(value) }
        }
    )*};
}
arg_from!(i64 => Int, &'a str => Text, Uuid => Id, bool => Flag, &'a [u8] => Bytes);

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Arg::Text(Some(value))
    }
}

impl<'a> From<&'a Option<String>> for Arg<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Arg::Text(value.as_deref())
    }
}

impl<'a> From<&'a Vec<u8>> for Arg<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Arg::Bytes(Some(value))
    }
}

/// Builds the argument list of a statement: `args![tenant, seq, text]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Arg::from($value)),*] };
}

impl rusqlite::ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{Null, ToSqlOutput, Value, ValueRef};
        Ok(match self {
            Arg::Int(Some(value)) => ToSqlOutput::Owned(Value::Integer(*value)),
            Arg::Text(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Arg::Id(Some(value)) => ToSqlOutput::Owned(Value::Blob(value.as_bytes().to_vec())),
            Arg::Flag(Some(value)) => ToSqlOutput::Owned(Value::Integer(i64::from(*value))),
            Arg::Bytes(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            _ => return Null.to_sql().map(|_| ToSqlOutput::Owned(Value::Null)),
        })
    }
}

type Bound = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Arg<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Bound {
        match self {
            Arg::Int(value) => value.to_sql_checked(kind, out),
            Arg::Text(value) => value.to_sql_checked(kind, out),
            Arg::Id(value) => value.to_sql_checked(kind, out),
            Arg::Flag(value) => value.to_sql_checked(kind, out),
            Arg::Bytes(value) => value.to_sql_checked(kind, out),
        }
    }

    /// `to_sql_checked` checks each value's type.
    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A bound value that outlives the call, for a pipelined statement.
#[derive(Debug)]
pub(super) enum OwnedArg {
    Int(Option<i64>),
    Text(Option<String>),
    Id(Option<Uuid>),
    Flag(Option<bool>),
    Bytes(Option<Vec<u8>>),
}

impl From<&Arg<'_>> for OwnedArg {
    fn from(arg: &Arg<'_>) -> Self {
        match arg {
            Arg::Int(value) => Self::Int(*value),
            Arg::Text(value) => Self::Text(value.map(str::to_owned)),
            Arg::Id(value) => Self::Id(*value),
            Arg::Flag(value) => Self::Flag(*value),
            Arg::Bytes(value) => Self::Bytes(value.map(<[u8]>::to_vec)),
        }
    }
}

impl OwnedArg {
    pub(super) fn borrowed(&self) -> Arg<'_> {
        match self {
            Self::Int(value) => Arg::Int(*value),
            Self::Text(value) => Arg::Text(value.as_deref()),
            Self::Id(value) => Arg::Id(*value),
            Self::Flag(value) => Arg::Flag(*value),
            Self::Bytes(value) => Arg::Bytes(value.as_deref()),
        }
    }
}

impl ToSql for OwnedArg {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Bound {
        self.borrowed().to_sql(kind, out)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A Rust type that a column may have in both engines.
pub trait Column: rusqlite::types::FromSql + for<'r> FromSql<'r> {}
impl<T> Column for T where T: rusqlite::types::FromSql + for<'r> FromSql<'r> {}

/// A row of either engine.
pub enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub fn columns(&self) -> Columns<'_, 'r> {
        Columns { row: self, at: 0 }
    }

    /// The value of a column.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, StoreError> {
        match self {
            Row::Sqlite(row) => row.get(index).map_err(StoreError::from),
            Row::Postgres(row) => row.try_get(index).map_err(StoreError::from),
        }
    }
}

/// Reads the columns of a row one after the other, in the statement's order, so that no code uses column numbers.
pub struct Columns<'a, 'r> {
    row: &'a Row<'r>,
    at: usize,
}

impl Columns<'_, '_> {
    pub fn take<T: Column>(&mut self) -> Result<T, StoreError> {
        let value = self.row.get(self.at)?;
        self.at += 1;
        Ok(value)
    }

    /// The text form of an enum.
    pub fn word<T: FromStr<Err = String>>(&mut self) -> Result<T, StoreError> {
        let (text, at) = (self.take::<String>()?, self.at);
        text.parse().map_err(|error| StoreError::Engine(format!("column {at}: {error}")))
    }

    /// A JSON document.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.take::<String>()?;
        self.parsed(&text)
    }

    pub fn json_or_null<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.take::<Option<String>>()?;
        text.map(|text| self.parsed(&text)).transpose()
    }

    fn parsed<T: DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::Engine(format!("column {}: {error}", self.at)))
    }

    /// Whether the next column is not null; does not consume it.
    pub fn is_there(&self) -> Result<bool, StoreError> {
        Ok(self.row.get::<Option<Uuid>>(self.at)?.is_some())
    }

    /// Skips columns.
    pub fn skip(&mut self, columns: usize) {
        self.at += columns;
    }
}

/// A value read from the columns of one row.
pub trait FromRow: Sized {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

/// Reads a struct from a row whose columns are its fields, in this order.
macro_rules! from_row {
    ($type:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::store::FromRow for $type {
            fn from_row(row: &$crate::store::Row<'_>) -> Result<Self, $crate::store::StoreError> {
                let mut columns = row.columns();
                Ok(Self { $($field: columns.take()?),+ })
            }
        }
    };
}
pub(super) use from_row;

macro_rules! tuple_rows {
    ($(($($name:ident $index:tt),+))*) => {$(
        impl<$($name: Column),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
                Ok(($(row.get::<$name>($index)?,)+))
            }
        }
    )*};
}
tuple_rows! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
