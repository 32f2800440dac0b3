//! PostgreSQL: verbs run in parallel on pooled connections and are repeated when the engine asks for it.
//! The row locks that they take (conversation, then tenant) give the order that SQLite's one writer gives.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};

use super::dialect::TIMELINE_EPOCH;
use super::event::{Committed, Effects, Publisher};
use super::tx::{Conn, Tx};
use super::{Env, StoreConfig, StoreError, Verb, migrate};
use crate::error::Error;

/// Runs of one verb before its failure is final.
const TRIES: u32 = 8;

#[derive(Clone)]
pub(super) struct Pg {
    pool: PgPool,
    env: Env,
    publisher: Arc<dyn Publisher>,
}

impl Pg {
    pub(super) async fn open(
        config: &StoreConfig,
        env: &Env,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, StoreError> {
        // By itself first: a pool would only say that it waited too long for a connection.
        PgConnection::connect(&config.url).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.max(2))
            .acquire_timeout(Duration::from_secs(5))
            .connect(&config.url)
            .await?;
        let mut conn = pool.acquire().await?;
        let mut inner = conn.begin().await?;
        migrate::run(&mut Tx::new(Conn::Postgres(&mut inner), env)).await?;
        inner.commit().await?;
        let tells_timeline = tells_timeline(&mut conn).await?;
        drop(conn);
        Ok(Self { pool, env: Env { tells_timeline, ..env.clone() }, publisher })
    }

    /// The work goes on in a task of its own: a caller that goes away between commit and publication
    /// must not keep the event from those who wait for it.
    pub(super) async fn write<V: Verb>(&self, verb: V) -> Result<Committed<V::Out>, Error> {
        let this = self.clone();
        let task = tokio::spawn(async move {
            let (value, effects) = this.run(&verb).await?;
            let cursor = effects.events.last().map(|event| (event.tenant, event.cursor));
            this.publisher.publish(effects);
            Ok(Committed { value, cursor })
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Engine("a verb panicked".to_owned()).into()))
    }

    async fn run<V: Verb>(&self, verb: &V) -> Result<(V::Out, Effects), Error> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.try_once(verb).await {
                Err(Error::Store(StoreError::Retry(_) | StoreError::Unique(_))) if tried < TRIES => {
                    // Doubling, spread by the low bits of an id so that two rivals do not meet again.
                    let jitter = u64::from(self.env.ids.next().as_bytes()[15] % 8);
                    tokio::time::sleep(Duration::from_millis((1 << tried.min(6)) + jitter)).await;
                }
                other => return other,
            }
        }
    }

    async fn try_once<V: Verb>(&self, verb: &V) -> Result<(V::Out, Effects), Error> {
        let mut inner = self.pool.begin().await.map_err(StoreError::from)?;
        let mut tx = Tx::new(Conn::Postgres(&mut inner), &self.env);
        let value = verb.run(&mut tx).await?;
        let effects = tx.finish().await?;
        inner.commit().await.map_err(StoreError::from)?;
        Ok((value, effects))
    }

    pub(super) async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Error> {
        let mut inner = self.pool.begin().await.map_err(StoreError::from)?;
        inner
            .execute("set transaction isolation level repeatable read read only")
            .await
            .map_err(StoreError::from)?;
        let mut tx = Tx::new(Conn::Postgres(&mut inner), &self.env);
        let value = verb.run(&mut tx).await?;
        inner.rollback().await.map_err(StoreError::from)?;
        Ok(value)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn tells_timeline(conn: &mut PgConnection) -> Result<bool, StoreError> {
    let Err(error) = conn.execute(TIMELINE_EPOCH).await else { return Ok(true) };
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // No right to, no such function, not here.
    if !matches!(code.as_deref(), Some("42501" | "42883" | "0A000")) {
        return Err(error.into());
    }
    let advice = "after a failover that lost commits run: hubbub admin feed begin-anew";
    tracing::warn!(%error, "the database does not tell its timeline; {advice}");
    Ok(false)
}
