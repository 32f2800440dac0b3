//! Fills a PostgreSQL database by binary COPY, without secondary indexes and foreign keys, which are recreated at the
//! end from their definitions. Rows are buffered per table, and a buffer is copied while the next rows are generated.

use std::future::Future;

use anyhow::{Context, Result, bail};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::database::{Database, Engine, Rows, Value};
use super::table::Table;

/// Bytes of one COPY.
const PIECE: usize = 4 << 20;
/// The signature of the binary format, no flags, no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

const INDEXES: &str = "select i.indexname, i.indexdef from pg_indexes i where i.schemaname = current_schema() \
    and not exists (select 1 from pg_constraint c where c.conname = i.indexname \
    and c.connamespace = current_schema()::regnamespace)";
const KEYS: &str = "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint \
    where contype = 'f' and connamespace = current_schema()::regnamespace";

type Piece = (Table, Bytes);

/// Used from a blocking thread; the runtime drives the connection.
pub(crate) struct Postgres {
    client: Client,
    runtime: Handle,
    pieces: Vec<BytesMut>,
    copying: Option<(mpsc::Sender<Piece>, JoinHandle<Result<()>>)>,
    url: String,
    again: Vec<String>,
}

impl Postgres {
    pub(crate) fn open(url: &str) -> Result<Self> {
        let runtime = Handle::try_current()?;
        let client = runtime.block_on(connect(url))?;
        let pieces = Table::ALL.iter().map(|_| BytesMut::new()).collect();
        Ok(Self { client, runtime, pieces, copying: None, url: url.to_owned(), again: Vec::new() })
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn send(&mut self, table: Table) -> Result<()> {
        let piece = &mut self.pieces[table as usize];
        if piece.is_empty() {
            return Ok(());
        }
        piece.put_i16(-1);
        let piece = piece.split().freeze();
        if self.copying.is_none() {
            let client = self.wait(connect(&self.url))?;
            let (sender, pieces) = mpsc::channel(2);
            self.copying = Some((sender, self.runtime.spawn(copy(client, pieces))));
        }
        let gone = match &self.copying {
            Some((sender, _)) => sender.blocking_send((table, piece)).is_err(),
            None => true,
        };
        if gone { self.end_copy() } else { Ok(()) }
    }

    fn end_copy(&mut self) -> Result<()> {
        let Some((sender, task)) = self.copying.take() else { return Ok(()) };
        drop(sender);
        self.wait(task)?
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// Copies the received pieces until the channel closes.
async fn copy(client: Client, mut pieces: mpsc::Receiver<Piece>) -> Result<()> {
    client.batch_execute("set synchronous_commit = off").await?;
    while let Some((table, piece)) = pieces.recv().await {
        let sql = format!("copy {} ({}) from stdin (format binary)", table.name(), table.columns());
        let mut sink = Box::pin(client.copy_in::<_, Bytes>(&sql).await?);
        sink.send(piece).await?;
        sink.as_mut().finish().await.with_context(|| format!("rows of {} were refused", table.name()))?;
    }
    Ok(())
}

/// A row of the binary format: the number of fields, and each field after its length.
fn encode(row: &[Value<'_>], out: &mut BytesMut) {
    let field = |out: &mut BytesMut, bytes: &[u8]| {
        out.put_i32(bytes.len() as i32);
        out.put_slice(bytes);
    };
    out.put_i16(row.len() as i16);
    for value in row {
        match value {
            Value::Null => out.put_i32(-1),
            Value::Int(value) => field(out, &value.to_be_bytes()),
            Value::Text(value) => field(out, value.as_bytes()),
            Value::Id(value) => field(out, value.as_bytes()),
            Value::Flag(value) => field(out, &[u8::from(*value)]),
            Value::Bytes(value) => field(out, value),
        }
    }
}

impl Database for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn drop_indexes(&mut self) -> Result<()> {
        for row in self.rows(KEYS)? {
            let [Some(table), Some(name), Some(text)] = &row[..] else { bail!("unreadable foreign key") };
            self.run(&format!("alter table {table} drop constraint {name}"))?;
            self.again.push(format!("alter table {table} add constraint {name} {text}"));
        }
        for row in self.rows(INDEXES)? {
            let [Some(name), Some(text)] = &row[..] else { bail!("unreadable index") };
            self.run(&format!("drop index {name}"))?;
            self.again.insert(0, text.clone());
        }
        Ok(())
    }

    fn put(&mut self, table: Table, row: &[Value<'_>]) -> Result<()> {
        let piece = &mut self.pieces[table as usize];
        if piece.is_empty() {
            piece.put_slice(HEAD);
        }
        encode(row, piece);
        if piece.len() >= PIECE { self.send(table) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        for table in Table::ALL {
            self.send(*table)?;
        }
        self.end_copy()
    }

    fn create_indexes(&mut self) -> Result<()> {
        self.run("set maintenance_work_mem = '256MB'")?;
        for sql in std::mem::take(&mut self.again) {
            self.run(&sql).with_context(|| format!("cannot make it again: {sql}"))?;
        }
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        Ok(self.wait(self.client.batch_execute(sql))?)
    }

    fn rows(&mut self, sql: &str) -> Result<Rows> {
        let answer = self.wait(self.client.simple_query(sql))?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(answer.into_iter().filter_map(row).collect())
    }

    fn bytes(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.number("select pg_database_size(current_database())")?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_length_in_front() {
        let mut out = BytesMut::new();
        encode(&[Value::Int(1), Value::Null, Value::Text("ab"), Value::Flag(true)], &mut out);
        let expected = b"\0\x04\0\0\0\x08\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\0\0\0\x02ab\0\0\0\x01\x01";
        assert_eq!(&out[..], expected);
        assert_eq!(HEAD.len(), 19);
    }
}
