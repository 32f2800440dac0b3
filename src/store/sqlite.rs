//! SQLite: one thread owns the writing connection. It runs the queued verbs of one batch in one transaction, each in
//! its own savepoint, so that one fsync commits many verbs. The queue schedules fairly between tenants. Readers have
//! their own connections (WAL snapshots).

mod checkpoint;
mod queue;
mod readers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::oneshot;

use self::queue::{Queue, WriterTask};
use self::readers::Readers;
use super::dialect::{Engine, SQLITE_READER, SQLITE_SETUP};
use super::event::{Committed, Effects, Publisher};
use super::ticket::{self, Ticket};
use super::tx::{Conn, Tx};
use super::{Env, StoreConfig, StoreError, Verb, migrate};
use crate::error::Error;
use crate::private;

/// The most verbs in one transaction.
const BATCH: usize = 128;
/// How long a batch accepts further verbs: as long as the last commit took, within these bounds. It bounds how long
/// the first verb of a batch waits for its commit. On a slow disk half of the writer's time still goes to verbs.
const BATCH_TIME: Duration = Duration::from_millis(5);
const BATCH_TIME_MOST: Duration = Duration::from_millis(20);
const CACHED_STATEMENTS: usize = 256;

/// Pause after a failed `begin`, so that an error that is returned at once does not make the writer spin.
const BEGIN_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Lite {
    queue: Arc<Queue>,
    /// Dropped with the last clone, which stops the writer.
    _open: Arc<Open>,
    /// Emptied when the store closes.
    writer: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
    readers: Readers,
    /// Dropped with the last clone.
    _checkpoints: checkpoint::Running,
    env: Env,
}

/// Closes the writer's queue when the last store handle is dropped.
struct Open(Arc<Queue>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close(oneshot::channel().0);
    }
}

/// Closes the queue when the writer's thread ends, also by a panic: callers that wait, and later ones, get
/// [`StoreError::Closed`].
struct Ended(Arc<Queue>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Lite {
    pub(super) fn open(
        config: &StoreConfig,
        env: &Env,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, StoreError> {
        let path = Engine::sqlite_path(&config.url);
        if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private::create_dir(folder)
                .map_err(|error| StoreError::Engine(format!("cannot make {}: {error}", folder.display())))?;
        }
        if !path.is_empty() && !path.starts_with([':', '?']) {
            // SQLite would create the file with the umask's mode. Its WAL and shared-memory files copy the mode of
            // this one.
            let path = Path::new(path);
            private::create(path).map_err(|error| {
                let (file, whose) = (path.display(), private::whose(path));
                StoreError::Engine(format!("cannot open the database file {file}: {error}{whose}"))
            })?;
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

        let queue = Arc::new(Queue::default());
        let (writer_env, served) = (env.clone(), Ended(Arc::clone(&queue)));
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_loop(conn, &served.0, &writer_env, publisher.as_ref()))
            .map_err(|error| StoreError::Engine(format!("cannot start the writer: {error}")))?;
        Ok(Self {
            _open: Arc::new(Open(Arc::clone(&queue))),
            queue,
            writer: Arc::new(Mutex::new(Some(writer))),
            readers: Readers::start(readers)?,
            _checkpoints: checkpoint::start(connect(path)?)?,
            env: env.clone(),
        })
    }

    pub(super) async fn write<V: Verb>(&self, verb: V) -> Result<Committed<V::Out>, Error> {
        let (ticket, wait) = ticket::queue(verb);
        self.queue.push(ticket)?;
        wait.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Whether the writer's thread is still running.
    pub(super) fn is_alive(&self) -> bool {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().is_none_or(|writer| !writer.is_finished())
    }

    pub(super) async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Error> {
        let (answer, wait) = oneshot::channel();
        let env = self.env.clone();
        let task = move |conn: &mut Connection| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                conn.execute_batch("begin").map_err(StoreError::from)?;
                let mut tx = Tx::new(Conn::Sqlite(conn), &env);
                verb.run(&mut tx).now_or_never().unwrap_or_else(|| Err(waited()))
            }));
            let _ = conn.execute_batch("rollback");
            let panicked = || Err(StoreError::Engine("a reading verb panicked".to_owned()).into());
            let _ = answer.send(result.unwrap_or_else(|_| panicked()));
        };
        self.readers.run(Box::new(task)).await?;
        wait.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(super) async fn close(&self) {
        // Waits until the queued verbs are committed.
        let (done, wait) = oneshot::channel::<()>();
        self.queue.close(done);
        let _ = wait.await;
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
    drop(tx);
    conn.execute_batch(if migrated.is_ok() { "commit" } else { "rollback" })?;
    migrated
}

fn waited() -> Error {
    StoreError::Engine("a verb waited for something outside its transaction".to_owned()).into()
}

fn savepoint(conn: &Connection, sql: &'static str) -> Result<(), StoreError> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Runs one verb inside a savepoint; if it fails, only the savepoint is rolled back.
fn run(ticket: &mut dyn Ticket, conn: &mut Connection, env: &Env) -> Result<Effects, Error> {
    savepoint(conn, "savepoint verb")?;
    let mut tx = Tx::new(Conn::Sqlite(conn), env);
    let ran = ticket.run(&mut tx).now_or_never().unwrap_or_else(|| Err(waited()));
    drop(tx);
    if ran.is_err() {
        savepoint(conn, "rollback to verb")?;
    }
    savepoint(conn, "release verb")?;
    ran
}

fn write_loop(mut conn: Connection, queue: &Queue, env: &Env, publisher: &dyn Publisher) {
    let mut done = Vec::with_capacity(BATCH);
    let mut batch_time = BATCH_TIME;
    let verb =
        |work: WriterTask, done: &mut Vec<(Box<dyn Ticket>, Effects)>, conn: &mut Connection| match work {
            WriterTask::Verb(owner, mut ticket) => {
                let begun = Instant::now();
                match run(ticket.as_mut(), conn, env) {
                    Ok(effects) => done.push((ticket, effects)),
                    Err(error) => ticket.refuse(error),
                }
                queue.charge(owner, begun.elapsed());
                None
            }
            WriterTask::Closing(closed) => Some(closed),
        };
    while let Some(first) = queue.wait() {
        // `begin` has already waited for `busy_timeout`. The verb gets a retryable error, and the writer goes on with
        // the next.
        if let Err(error) = savepoint(&conn, "begin immediate") {
            tracing::error!(%error, "the writer cannot begin a transaction");
            if let WriterTask::Verb(owner, ticket) = first {
                queue.charge(owner, Duration::ZERO);
                ticket.refuse(
                    StoreError::Unavailable(format!("it cannot begin a transaction: {error}")).into(),
                );
            }
            thread::sleep(BEGIN_PAUSE);
            continue;
        }
        let begun = Instant::now();
        let mut closed = verb(first, &mut done, &mut conn);
        for _ in 1..BATCH {
            // On a full disk SQLite rolls the transaction back itself; no verb may then run outside of a transaction.
            if closed.is_some() || conn.is_autocommit() || begun.elapsed() > batch_time {
                break;
            }
            let Some(next) = queue.next() else { break };
            closed = verb(next, &mut done, &mut conn);
        }
        let ended = Instant::now();
        let committed = if conn.is_autocommit() {
            Err(StoreError::Unavailable("it rolled the transaction back".to_owned()))
        } else {
            savepoint(&conn, "commit")
        };
        batch_time = ended.elapsed().clamp(BATCH_TIME, BATCH_TIME_MOST);
        if let Err(error) = &committed {
            tracing::error!(%error, verbs = done.len(), "a commit failed; its verbs are refused");
            let _ = conn.execute_batch("rollback");
        }
        metrics::histogram!("hubbub_store_batch_verbs").record(done.len() as f64);
        for (ticket, effects) in done.drain(..) {
            match &committed {
                Ok(()) => {
                    super::publish(publisher, effects);
                    ticket.committed();
                }
                Err(error) => {
                    let refused = StoreError::Unavailable(format!("the commit failed: {error}"));
                    ticket.refuse(refused.into());
                }
            }
        }
        drop(closed);
    }
}
