//! SQLite: one thread owns the writing connection and puts the verbs that wait into one transaction, a
//! savepoint each, so that one fsync serves many. Readers have connections of their own (WAL snapshots).

mod readers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use self::readers::Readers;
use super::dialect::{Engine, SQLITE_READER, SQLITE_SETUP};
use super::event::{Committed, Effects, Publisher};
use super::tx::{Conn, Tx};
use super::{Env, StoreConfig, StoreError, Verb, migrate};
use crate::error::Error;

/// Verbs that may wait for the writer; over it the caller is told that the store is busy.
const QUEUE: usize = 4096;
/// Verbs in one transaction at the most: bounds how long the first one waits for its commit.
const BATCH: usize = 128;
const CACHED_STATEMENTS: usize = 256;

type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A verb that ran inside the open transaction and waits for its commit.
struct Pending {
    effects: Effects,
    reply: Reply,
}

/// Runs the verb; gives nothing back when it failed (and has then answered already).
type Work = Box<dyn FnOnce(&mut Connection, &Env) -> Option<Pending> + Send>;

#[derive(Clone)]
pub(super) struct Lite {
    work: mpsc::Sender<Work>,
    writer: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
    readers: Readers,
    env: Env,
}

impl Lite {
    pub(super) fn open(
        config: &StoreConfig,
        env: &Env,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, StoreError> {
        let path = Engine::sqlite_path(&config.url);
        if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| StoreError::Engine(format!("cannot make {}: {error}", folder.display())))?;
        }
        let mut conn = connect(path)?;
        migrate_now(&mut conn, env)?;
        let readers = (0..config.connections.clamp(1, 4))
            .map(|_| {
                let reader = connect(path)?;
                reader.execute_batch(SQLITE_READER)?;
                Ok(reader)
            })
            .collect::<Result<Vec<_>, StoreError>>()?;

        let (work, queue) = mpsc::channel(QUEUE);
        let writer_env = env.clone();
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_loop(conn, queue, &writer_env, publisher.as_ref()))
            .map_err(|error| StoreError::Engine(format!("cannot start the writer: {error}")))?;
        Ok(Self {
            work,
            writer: Arc::new(Mutex::new(Some(writer))),
            readers: Readers::start(readers)?,
            env: env.clone(),
        })
    }

    pub(super) async fn write<V: Verb>(&self, verb: V) -> Result<Committed<V::Out>, Error> {
        let (answer, wait) = oneshot::channel();
        let work: Work = Box::new(move |conn, env| match run_verb(&verb, conn, env) {
            Ok((value, effects)) => {
                let cursor = effects.events.last().map(|event| (event.tenant, event.cursor));
                let reply: Reply = Box::new(move |committed| {
                    let result = committed.map(|()| Committed { value, cursor }).map_err(Error::from);
                    let _ = answer.send(result);
                });
                Some(Pending { effects, reply })
            }
            Err(error) => {
                let _ = answer.send(Err(error));
                None
            }
        });
        self.work.try_send(work).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        wait.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(super) async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Error> {
        let (answer, wait) = oneshot::channel();
        let env = self.env.clone();
        let look = move |conn: &mut Connection| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                conn.execute_batch("begin").map_err(StoreError::from)?;
                let mut tx = Tx::new(Conn::Sqlite(conn), &env);
                verb.run(&mut tx).now_or_never().unwrap_or_else(|| Err(waited()))
            }));
            let _ = conn.execute_batch("rollback");
            let panicked = || Err(StoreError::Engine("a reading verb panicked".to_owned()).into());
            let _ = answer.send(result.unwrap_or_else(|_| panicked()));
        };
        self.readers.run(Box::new(look)).await?;
        wait.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(super) async fn close(&self) {
        // The thread ends with the last clone of the store; this waits until what is queued is committed.
        let (done, wait) = oneshot::channel::<()>();
        let last: Work = Box::new(move |_, _| {
            Some(Pending { effects: Effects::default(), reply: Box::new(move |_| drop(done)) })
        });
        if self.work.send(last).await.is_ok() {
            let _ = wait.await;
        }
        drop(self.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn connect(path: &str) -> Result<Connection, StoreError> {
    let conn = Connection::open(path)
        .map_err(|error| StoreError::Engine(format!("cannot open the database file {path}: {error}")))?;
    conn.execute_batch(SQLITE_SETUP)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(conn)
}

fn migrate_now(conn: &mut Connection, env: &Env) -> Result<(), StoreError> {
    conn.execute_batch("begin immediate")?;
    let mut tx = Tx::new(Conn::Sqlite(conn), env);
    let migrated = migrate::run(&mut tx).now_or_never().unwrap_or(Err(StoreError::Closed));
    conn.execute_batch(if migrated.is_ok() { "commit" } else { "rollback" })?;
    migrated
}

fn waited() -> Error {
    StoreError::Engine("a verb waited for something outside its transaction".to_owned()).into()
}

/// Runs one verb inside a savepoint, which it undoes alone when it fails.
fn run_verb<V: Verb>(verb: &V, conn: &mut Connection, env: &Env) -> Result<(V::Out, Effects), Error> {
    savepoint(conn, "savepoint verb")?;
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut tx = Tx::new(Conn::Sqlite(conn), env);
        let whole = async {
            let value = verb.run(&mut tx).await?;
            Ok((value, tx.finish().await?))
        };
        whole.now_or_never().unwrap_or_else(|| Err(waited()))
    }))
    .unwrap_or_else(|_| Err(StoreError::Engine("a verb panicked".to_owned()).into()));
    match ran {
        Ok(done) => {
            savepoint(conn, "release verb")?;
            Ok(done)
        }
        Err(error) => {
            savepoint(conn, "rollback to verb")?;
            savepoint(conn, "release verb")?;
            Err(error)
        }
    }
}

fn savepoint(conn: &Connection, sql: &'static str) -> Result<(), StoreError> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn write_loop(mut conn: Connection, mut queue: mpsc::Receiver<Work>, env: &Env, publisher: &dyn Publisher) {
    let mut pending = Vec::with_capacity(BATCH);
    while let Some(first) = queue.blocking_recv() {
        if let Err(error) = savepoint(&conn, "begin immediate") {
            tracing::error!(%error, "the writer cannot begin a transaction");
            drop(first);
            thread::sleep(std::time::Duration::from_millis(50));
            continue;
        }
        pending.extend(first(&mut conn, env));
        for _ in 1..BATCH {
            // A full disk makes SQLite roll back by itself; nothing may then run outside of a transaction.
            if conn.is_autocommit() {
                break;
            }
            let Ok(next) = queue.try_recv() else { break };
            pending.extend(next(&mut conn, env));
        }
        let committed = if conn.is_autocommit() {
            Err(StoreError::Unavailable("it rolled the transaction back".to_owned()))
        } else {
            savepoint(&conn, "commit")
        };
        if let Err(error) = &committed {
            tracing::error!(%error, verbs = pending.len(), "a commit failed; its verbs are refused");
            let _ = conn.execute_batch("rollback");
        }
        metrics::histogram!("hubbub_store_batch_verbs").record(pending.len() as f64);
        for Pending { effects, reply } in pending.drain(..) {
            match &committed {
                Ok(()) => {
                    publisher.publish(effects);
                    reply(Ok(()));
                }
                Err(error) => reply(Err(StoreError::Unavailable(format!("the commit failed: {error}")))),
            }
        }
    }
}
