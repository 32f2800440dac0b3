//! Rows on their way from one engine to the other, and their checksums, which are the same on both.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use uuid::Uuid;

use super::catalogue::{Kind, Table};
use crate::store::StoreError;
use crate::store::value::{OwnedArg, Row};

/// The values of a row, in the order of the table's columns.
pub(super) fn read(table: &Table, row: &Row<'_>) -> Result<Vec<OwnedArg>, StoreError> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            Kind::Id => row.get(at).map(OwnedArg::Id),
            Kind::Int => row.get(at).map(OwnedArg::Int),
            Kind::Flag => row.get(at).map(OwnedArg::Flag),
            Kind::Text => row.get(at).map(OwnedArg::Text),
            Kind::Bytes => row.get(at).map(OwnedArg::Bytes),
        };
        let wrong = |why: String| StoreError::Engine(format!("{}.{}: {why}", table.name, column.name));
        let value = value.map_err(|error| wrong(error.to_string()))?;
        if matches!(&value, OwnedArg::Text(Some(text)) if text.as_bytes().contains(&0)) {
            return Err(wrong("a text has the character U+0000, which PostgreSQL cannot store".to_owned()));
        }
        values.push(value);
    }
    Ok(values)
}

/// Number and checksum of a set of rows, in whatever order they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub rows: u64,
    pub sum: u128,
}

impl Sum {
    pub(super) fn add(&mut self, row: &[OwnedArg]) {
        let mut hash = digest::Context::new(&digest::SHA256);
        for value in row {
            match value {
                OwnedArg::Int(Some(number)) => part(&mut hash, &number.to_le_bytes()),
                OwnedArg::Text(Some(text)) => part(&mut hash, text.as_bytes()),
                OwnedArg::Id(Some(id)) => part(&mut hash, id.as_bytes()),
                OwnedArg::Flag(Some(flag)) => part(&mut hash, &[u8::from(*flag)]),
                OwnedArg::Bytes(Some(bytes)) => part(&mut hash, bytes),
                _ => hash.update(&u64::MAX.to_le_bytes()),
            }
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finish().as_ref()[..16]);
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(bytes));
    }
}

/// What the values take, about.
pub(super) fn bytes(row: &[OwnedArg]) -> usize {
    let size = |value: &OwnedArg| match value {
        OwnedArg::Text(Some(text)) => text.len(),
        OwnedArg::Bytes(Some(bytes)) => bytes.len(),
        _ => 16,
    };
    row.iter().map(size).sum()
}

/// The length first, so that no two rows have the same bytes.
fn part(hash: &mut digest::Context, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// The key of a row as text, for the checkpoint: a JSON array of texts.
pub(super) fn key_text(table: &Table, row: &[OwnedArg]) -> Result<String, StoreError> {
    let texts: Vec<String> = table.key.iter().map(|at| text_of(&row[*at])).collect();
    serde_json::to_string(&texts).map_err(|error| StoreError::Engine(error.to_string()))
}

fn text_of(value: &OwnedArg) -> String {
    match value {
        OwnedArg::Int(Some(number)) => number.to_string(),
        OwnedArg::Text(Some(text)) => text.clone(),
        OwnedArg::Id(Some(id)) => id.simple().to_string(),
        OwnedArg::Flag(Some(flag)) => u8::from(*flag).to_string(),
        OwnedArg::Bytes(Some(bytes)) => bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        // A column of a primary key is never null.
        _ => String::new(),
    }
}

/// The key of a checkpoint.
pub(super) fn key_of(table: &Table, text: &str) -> Result<Vec<OwnedArg>, StoreError> {
    let wrong = || StoreError::Engine(format!("the checkpoint of {} cannot be read: {text}", table.name));
    let texts: Vec<String> = serde_json::from_str(text).map_err(|_| wrong())?;
    if texts.len() != table.key.len() {
        return Err(wrong());
    }
    let value = |(at, text): (&usize, String)| {
        Some(match table.columns[*at].kind {
            Kind::Id => OwnedArg::Id(Some(Uuid::try_parse(&text).ok()?)),
            Kind::Int => OwnedArg::Int(Some(text.parse().ok()?)),
            Kind::Flag => OwnedArg::Flag(Some(text == "1")),
            Kind::Text => OwnedArg::Text(Some(text)),
            Kind::Bytes => OwnedArg::Bytes(Some(hex::decode(text).ok()?)),
        })
    };
    table.key.iter().zip(texts).map(|pair| value(pair).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rows_makes_no_difference_and_everything_else_does() {
        let row = |id: i64, text: Option<&str>| {
            vec![OwnedArg::Int(Some(id)), OwnedArg::Text(text.map(str::to_owned))]
        };
        let sum = |rows: &[Vec<OwnedArg>]| {
            let mut sum = Sum::default();
            for row in rows {
                sum.add(row);
            }
            sum
        };
        let [one, two] = [row(1, Some("a")), row(2, None)];
        let both = sum(&[row(1, Some("a")), row(2, None)]);
        assert_eq!(both, sum(&[two, one]));
        for other in [
            vec![row(1, Some("a"))],
            vec![row(1, Some("a")), row(2, Some(""))],
            vec![row(1, Some("a")), row(3, None)],
            vec![row(1, None), row(2, Some("a"))],
            vec![row(1, Some("b")), row(2, None)],
        ] {
            assert_ne!(both, sum(&other));
        }
    }
}
