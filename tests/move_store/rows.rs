//! A row for each table that has none, made from the file's own schema.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

/// Column, table and column of each part of a foreign key.
type ForeignKey = Vec<(String, String, String)>;

pub struct Table {
    pub name: String,
    /// Name, type, whether it may be null.
    columns: Vec<(String, String, bool)>,
    foreign: Vec<ForeignKey>,
}

pub fn tables(conn: &Connection) -> Vec<Table> {
    let all = |sql: &str| {
        let mut statement = conn.prepare(sql).expect(sql);
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect(sql);
        let mut found = Vec::new();
        while let Some(row) = rows.next().expect(sql) {
            let text = |at| match row.get::<_, Value>(at).expect(sql) {
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text,
                other => format!("{other:?}"),
            };
            found.push((0..columns).map(text).collect::<Vec<_>>());
        }
        found
    };
    let names = all("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' \
        and name not like 'search_tokens%' order by name");
    let table = |name: &String| {
        // SQLite lets keys be null, PostgreSQL does not.
        let columns =
            all(&format!("select name, lower(type), \"notnull\" or pk from pragma_table_info('{name}')"));
        let columns = columns.into_iter().map(|row| (row[0].clone(), row[1].clone(), row[2] == "0"));
        let keys = all(&format!(
            "select id, \"from\", \"table\", \"to\" from pragma_foreign_key_list('{name}') order by id, seq"
        ));
        let mut foreign: Vec<(String, ForeignKey)> = Vec::new();
        for key in keys {
            let [id, from, table, to] = key.try_into().expect("four columns");
            if foreign.last().is_none_or(|(last, _)| *last != id) {
                foreign.push((id, Vec::new()));
            }
            foreign.last_mut().expect("one").1.push((from, table, to));
        }
        let foreign = foreign.into_iter().map(|(_, key)| key).collect();
        Table { name: name.clone(), columns: columns.collect(), foreign }
    };
    names.iter().map(|row| table(&row[0])).collect()
}

/// Fills every empty table with two rows: one with a value in each column, and one with null where it may be.
pub fn fill(database: &str, tenant: Uuid) {
    let conn = Connection::open(database).expect("opens");
    conn.execute_batch("pragma foreign_keys = on").expect("set");
    let count = |name: &str| -> i64 {
        conn.query_row(&format!("select count(*) from {name}"), [], |row| row.get(0)).expect("counted")
    };
    let mut left: Vec<Table> = tables(&conn).into_iter().filter(|table| count(&table.name) == 0).collect();
    while !left.is_empty() {
        let ready = left
            .iter()
            .position(|table| table.foreign.iter().flatten().all(|(_, parent, _)| count(parent) > 0));
        let table = left.remove(ready.expect("a table whose parents have rows"));
        for number in 0..2 {
            let row = row(&conn, &table, tenant, number);
            let marks = vec!["?"; row.len()].join(", ");
            let sql = format!("insert or ignore into {} values ({marks})", table.name);
            // The second one may have the key of the first, where the key is that of its parents.
            conn.execute(&sql, params_from_iter(row))
                .unwrap_or_else(|error| panic!("{}: {error}", table.name));
        }
        assert!(count(&table.name) > 0, "{} takes no such row", table.name);
    }
}

fn row(conn: &Connection, table: &Table, tenant: Uuid, number: i64) -> Vec<Value> {
    let value = |(name, kind, may_be_null): &(String, String, bool)| {
        let key = table.foreign.iter().find(|key| key.iter().any(|(from, ..)| from == name));
        if name == "tenant" {
            return Value::Blob(tenant.as_bytes().to_vec());
        }
        if let Some((_, parent, to)) = key.and_then(|key| key.iter().find(|(from, ..)| from == name)) {
            let sql = format!("select {to} from {parent} order by rowid limit 1");
            return conn.query_row(&sql, [], |row| row.get(0)).expect("a parent");
        }
        if number == 1 && *may_be_null {
            return Value::Null;
        }
        match kind.as_str() {
            "uuid" => Value::Blob(Uuid::from_u128(0xabc0 + number as u128).as_bytes().to_vec()),
            "bigint" => Value::Integer([-7, i64::MAX][number as usize]),
            "boolean" => Value::Integer(number),
            "text" => Value::Text(["it's \t \\N\n ü 😀", ""][number as usize].to_owned()),
            "bytea" => Value::Blob(vec![0, 255, number as u8]),
            other => panic!("{}.{name} has the type {other}", table.name),
        }
    };
    table.columns.iter().map(value).collect()
}
