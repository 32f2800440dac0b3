//! PostgreSQL: tenants write in parallel. The waiting verbs of one tenant share a transaction that holds the lock on
//! the tenant's row: one commit serves many verbs, and each sees the changes of those before it. Reads have their own
//! connection pool, and those that a replica may answer a pool there.

pub(super) mod address;
pub(super) mod connect;
pub(super) mod durability;
pub(super) mod fit;
mod lanes;
mod migrating;
pub(super) mod replica;
mod young;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Client;
use tokio::time::Instant;
use uuid::Uuid;

use self::connect::Connections;
use self::lanes::Lanes;
use self::replica::{Replica, ReplicaState};
use self::young::Young;
use super::dialect::{Epoch, PositionSql};
use super::event::{Committed, Effects, Publisher};
use super::pipeline::{self, Pipeline};
use super::ticket::{self, Ticket};
use super::tx::{Conn, Tx};
use super::{Env, StoreConfig, StoreError, Verb};
use crate::args;
use crate::error::Error;

/// How often a transaction is tried before its failure is final.
const TRIES: u32 = 8;

/// What a server that works does with a statement in its time is here by then.
const ANSWER: Duration = Duration::from_secs(5);

const SET_CURSOR: &str = "update tenants set next_cursor = $2 where id = $1";

#[derive(Clone)]
pub(super) struct Pg {
    writers: Connections,
    readers: Connections,
    replica: Option<Replica>,
    lanes: Lanes,
    env: Env,
    publisher: Arc<dyn Publisher>,
    time: Time,
    young: Young,
}

/// How long the server works on a statement, and how long a transaction waits for the server.
#[derive(Clone)]
struct Time {
    /// In milliseconds, as PostgreSQL reads it.
    statement: Arc<str>,
    transaction: Duration,
}

impl Time {
    fn new(timeout: Duration) -> Self {
        Self { statement: timeout.as_millis().to_string().into(), transaction: timeout + ANSWER }
    }

    /// Ends with the work, or when the server does not answer. What becomes of the transaction is unknown then.
    async fn bound<T, E: From<StoreError>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let ended = tokio::time::timeout(self.transaction, work).await;
        ended.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("the server did not answer in time".to_owned()).into())
        })
    }

    async fn set(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        match tx.engine().limits() {
            Some(limits) => tx.put(limits, args![&*self.statement]).await,
            None => Ok(()),
        }
    }
}

impl Pg {
    pub(super) async fn open(
        config: &StoreConfig,
        env: &Env,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, StoreError> {
        let address = address::parse(&config.url)?;
        let connections = config.connections.max(2);
        let writers = Connections::open(&address, connections)?;
        let readers = writers.beside(&address, (connections / 2).max(2))?;
        let mut env = env.clone();
        let (mut lent, mut second) = (writers.lend().await?, writers.lend().await?);
        let (client, watcher) = (lent.client()?, second.client()?);
        fit::sessions(client, watcher).await?;
        fit::encoding(client).await?;
        migrating::migrate(client, watcher, &env).await?;
        env.epoch = epoch(client, config.lossless_failover).await?;
        durability::warn(client, config.lossless_failover).await;
        let replica = match &config.replica {
            None => None,
            Some(settings) => {
                let sql = PositionSql::of(epoch(client, false).await?);
                let size = config.replica_connections();
                let named = |error| StoreError::Engine(format!("replica_url: {error}"));
                Some(Replica::open(settings, size, sql, &readers).map_err(named)?)
            }
        };
        lent.give_back();
        second.give_back();
        let time = Time::new(config.timeout);
        let young = Young::watch(writers.clone(), env.ids.clone());
        Ok(Self { writers, readers, replica, lanes: Lanes::default(), env, publisher, time, young })
    }

    /// The transaction runs in its own task: a caller that is dropped between commit and publication must not keep
    /// the event from its subscribers.
    pub(super) async fn write<V: Verb>(&self, verb: V) -> Result<Committed<V::Out>, Error> {
        let (ticket, wait) = ticket::queue(verb);
        let this = self.clone();
        if let Some(tenant) = ticket.locked_tenant() {
            if self.lanes.push(tenant, ticket)? {
                tokio::spawn(async move { this.serve(tenant).await });
            }
        } else {
            tokio::spawn(async move { this.commit(None, vec![ticket]).await });
        }
        wait.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs the waiting verbs of one tenant, transaction after transaction, until none waits. The connection returns
    /// to the pool after each transaction, so that a busy tenant does not hold one permanently.
    async fn serve(&self, tenant: Uuid) {
        while let Some(batch) = self.lanes.take(tenant) {
            self.commit(Some(tenant), batch).await;
        }
    }

    /// Runs verbs in one transaction and answers their callers.
    async fn commit(&self, tenant: Option<Uuid>, mut batch: Vec<Box<dyn Ticket>>) {
        metrics::histogram!("hubbub_store_batch_verbs").record(batch.len() as f64);
        self.young.written();
        let mut tried = 0;
        while !batch.is_empty() {
            tried += 1;
            batch = match self.time.bound(self.attempt(tenant, &mut batch, tried > 1)).await {
                Ok(ends) => self.answer(batch, ends, tried),
                Err(error) if tried < TRIES && may_repeat(&error) => batch,
                Err(error) => {
                    for ticket in batch {
                        ticket.refuse(again(&error).into());
                    }
                    return;
                }
            };
            if !batch.is_empty() {
                // Exponential backoff; the jitter from the id's low bits keeps two conflicting transactions from
                // retrying together.
                let jitter = u64::from(self.env.ids.next().as_bytes()[15] % 8);
                tokio::time::sleep(Duration::from_millis((1 << tried.min(6)) + jitter)).await;
            }
        }
    }

    /// Answers the callers; returns the verbs that are to be retried.
    fn answer(
        &self,
        batch: Vec<Box<dyn Ticket>>,
        ends: Vec<Result<Effects, Error>>,
        tried: u32,
    ) -> Vec<Box<dyn Ticket>> {
        let mut later = Vec::new();
        for (ticket, end) in batch.into_iter().zip(ends) {
            match end {
                Ok(effects) => {
                    super::publish(self.publisher.as_ref(), effects);
                    ticket.committed();
                }
                Err(Error::Store(error)) if tried < TRIES && may_repeat(&error) => later.push(ticket),
                Err(error) => ticket.refuse(error),
            }
        }
        later
    }

    /// Runs one transaction, first without savepoints, which would cost each verb more than the verb itself. If a
    /// verb fails, the transaction is rolled back and repeated with a savepoint per verb, so that the other verbs are
    /// not affected.
    async fn attempt(
        &self,
        tenant: Option<Uuid>,
        batch: &mut [Box<dyn Ticket>],
        apart: bool,
    ) -> Result<Vec<Result<Effects, Error>>, StoreError> {
        if !apart || batch.len() == 1 {
            match self.together(tenant, batch).await? {
                Ok(effects) => return Ok(effects.into_iter().map(Ok).collect()),
                Err(error) if batch.len() == 1 => return Ok(vec![Err(error)]),
                Err(error) => {
                    tracing::debug!(%error, "a verb failed; its batch is run again with savepoints");
                }
            }
        }
        self.apart(tenant, batch).await
    }

    /// The inner error is a verb's, and the transaction was rolled back.
    async fn together(
        &self,
        tenant: Option<Uuid>,
        batch: &mut [Box<dyn Ticket>],
    ) -> Result<Result<Vec<Effects>, Error>, StoreError> {
        let mut lent = self.writers.lend().await?;
        let ended = self.together_on(lent.client()?, tenant, batch).await;
        lent.end(match &ended {
            Err(error) | Ok(Err(Error::Store(error))) => Some(error),
            Ok(_) => None,
        });
        ended
    }

    async fn together_on(
        &self,
        client: &mut Client,
        tenant: Option<Uuid>,
        batch: &mut [Box<dyn Ticket>],
    ) -> Result<Result<Vec<Effects>, Error>, StoreError> {
        let mut tx = self.begin(client, pipeline::WRITE).await?;
        self.hold(&mut tx, tenant).await?;
        let mut done = Vec::with_capacity(batch.len());
        for ticket in batch {
            match ticket.run(&mut tx).await {
                Ok(effects) => done.push(effects),
                Err(error) => return Ok(Err(error)),
            }
        }
        // If it is unknown whether the commit took place, none of the verbs is run again.
        let ended = end(tx, tenant).await?;
        Ok(ended.map(|()| done).map_err(Error::from))
    }

    async fn apart(
        &self,
        tenant: Option<Uuid>,
        batch: &mut [Box<dyn Ticket>],
    ) -> Result<Vec<Result<Effects, Error>>, StoreError> {
        let mut lent = self.writers.lend().await?;
        let ended = self.apart_on(lent.client()?, tenant, batch).await;
        lent.end(ended.as_ref().err());
        ended
    }

    async fn apart_on(
        &self,
        client: &mut Client,
        tenant: Option<Uuid>,
        batch: &mut [Box<dyn Ticket>],
    ) -> Result<Vec<Result<Effects, Error>>, StoreError> {
        let mut tx = self.begin(client, pipeline::WRITE).await?;
        self.hold(&mut tx, tenant).await?;
        let mut ends = Vec::with_capacity(batch.len());
        for ticket in batch {
            let (part, top) = (tx.savepoint_of_verb().await?, tx.top());
            let ran = match ticket.run(&mut tx).await {
                Ok(effects) => tx.settle().await.map(|()| effects).map_err(Error::from),
                Err(error) => Err(error),
            };
            match ran {
                Ok(effects) => {
                    tx.keep(part).await?;
                    ends.push(Ok(effects));
                }
                Err(error) => {
                    tx.undo(part).await?;
                    if let Some(top) = top {
                        tx.set_top(top);
                    }
                    ends.push(Err(error));
                }
            }
        }
        end(tx, tenant).await??;
        Ok(ends)
    }

    /// Reads on the replica, if it has all that was committed by now. What fails there is read here.
    pub(super) async fn read_anywhere<V: Verb>(&self, verb: V) -> Result<V::Out, Error> {
        if let Some(replica) = &self.replica {
            if let Some(answer) = Box::pin(self.read_there(replica, &verb)).await {
                return answer;
            }
            replica.passed_on();
        }
        self.read(verb).await
    }

    /// `None`: the primary is to be asked.
    async fn read_there<V: Verb>(&self, replica: &Replica, verb: &V) -> Option<Result<V::Out, Error>> {
        let begun = Instant::now();
        let mut lent = replica.lend(&self.readers).await?;
        let read = self.time.bound(self.read_on(lent.client().ok()?, verb));
        let ended = tokio::select! {
            ended = read => ended,
            () = replica.lost() => return None,
        };
        // A statement that was given its whole time has none on the primary.
        if let Err(Error::Store(error)) = &ended
            && begun.elapsed() + ANSWER < self.time.transaction
        {
            tracing::debug!(%error, "a read failed on the replica and is repeated on the primary");
            return None;
        }
        lent.give_back();
        replica.served();
        Some(ended)
    }

    pub(super) fn replica(&self) -> Option<ReplicaState> {
        self.replica.as_ref().map(Replica::state)
    }

    pub(super) async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Error> {
        let reading = async {
            let mut lent = self.readers.lend().await?;
            let ended = self.read_on(lent.client()?, &verb).await;
            lent.end(match &ended {
                // Every transaction here is read-only: where that is refused, it is the verb that wanted to write.
                Err(Error::Store(error)) if !matches!(error, StoreError::ReadOnly(_)) => Some(error),
                _ => None,
            });
            ended
        };
        // On the heap, or every caller's future would have a place for it.
        self.time.bound(Box::pin(reading)).await
    }

    async fn read_on<V: Verb>(&self, client: &mut Client, verb: &V) -> Result<V::Out, Error> {
        let mut tx = self.begin(client, pipeline::READ).await?;
        self.time.set(&mut tx).await?;
        verb.run(&mut tx).await
    }

    async fn begin<'c>(&self, client: &'c Client, kind: &'static str) -> Result<Tx<'c>, StoreError> {
        Ok(Tx::new(Conn::Postgres(Pipeline::begin(client, kind).await?), &self.env))
    }

    /// Locks the tenant's row, which is required to change the tenant's data but for what follows its feed. From here on
    /// the transaction is known to have begun.
    async fn hold(&self, tx: &mut Tx<'_>, tenant: Option<Uuid>) -> Result<(), StoreError> {
        // A node that hangs while it holds a row lock must not exhaust the connections of the other nodes.
        self.time.set(tx).await?;
        if let (Some(tenant), Some(lock)) = (tenant, tx.engine().tenant_lock())
            && let Some((top,)) = tx.one::<(i64,)>(lock, args![tenant]).await?
        {
            tx.begin_at(top);
        }
        tx.settle().await
    }

    pub(super) async fn close(&self) {
        self.lanes.close().await;
        if let Some(replica) = &self.replica {
            replica.close();
        }
        self.writers.close();
        self.readers.close();
    }
}

/// Writes the tenant's feed cursor back if it moved, and commits.
async fn end(mut tx: Tx<'_>, tenant: Option<Uuid>) -> Result<Result<(), StoreError>, StoreError> {
    // A row that every transaction wrote anew would be slow to find while somebody looks at an old state of the database.
    if let (Some(tenant), Some(top)) = (tenant, tx.moved_top())
        && let Err(error) = tx.put(SET_CURSOR, args![tenant, top]).await
    {
        return Ok(Err(error));
    }
    tx.commit().await
}

/// Whether nothing was committed, and the same may succeed at once, perhaps on another server.
const fn may_repeat(error: &StoreError) -> bool {
    matches!(error, StoreError::Retry(_) | StoreError::Unique(_) | StoreError::ReadOnly(_))
}

/// Copies an error for each of the verbs that it affects.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unique(text) => StoreError::Unique(text.clone()),
        StoreError::Retry(text) => StoreError::Retry(text.clone()),
        StoreError::Busy => StoreError::Busy,
        StoreError::Closed => StoreError::Closed,
        StoreError::Unavailable(text) => StoreError::Unavailable(text.clone()),
        StoreError::ReadOnly(text) => StoreError::ReadOnly(text.clone()),
        StoreError::Unfit { what, remedy } => {
            StoreError::Unfit { what: what.clone(), remedy: remedy.clone() }
        }
        StoreError::Unstorable(text) => StoreError::Unstorable(text.clone()),
        StoreError::Engine(text) => StoreError::Engine(text.clone()),
    }
}

/// What the database lets us query of its history.
async fn epoch(client: &tokio_postgres::Client, is_lossless: bool) -> Result<Epoch, StoreError> {
    let wanted = if is_lossless { Epoch::Cluster } else { Epoch::Timeline };
    let Err(error) = client.query(wanted.statement(), &[]).await else { return Ok(wanted) };
    // Insufficient privilege, undefined function, feature not supported.
    let code = error.code().map(tokio_postgres::error::SqlState::code);
    if !matches!(code, Some("42501" | "42883" | "0A000")) {
        return Err(error.into());
    }
    let advice = "after a failover that lost commits run: hubbub admin feed begin-anew";
    tracing::warn!(%error, "the timeline of the database cannot be queried; {advice}");
    Ok(Epoch::Installation)
}
