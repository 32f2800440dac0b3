//! The store holds all durable state. `write` is the only way to change it and `read` (or `read_anywhere`, for what a
//! replica may answer) the only way to query it; each runs a [`Verb`] in one transaction, on SQLite or on PostgreSQL.
//!
//! To add a table: write a migration (a tenant's table has the tenant first in every key), add a file here with its
//! statements as `const`s listed in `ALL`, and add that list to [`statements`], so that the tests check them on both
//! engines.

mod dialect;
mod event;
mod migrate;
mod pipeline;
mod postgres;
mod schema;
mod sqlite;
mod ticket;
mod tx;
mod value;

pub mod accounts;
pub mod apps;
pub mod attachments;
pub mod attributes;
pub mod automatic_answers;
pub mod backup;
pub mod channel_health;
pub mod channels;
pub mod claims;
pub mod connections;
pub mod consumers;
pub mod contact_notes;
pub mod contact_terms;
pub mod contact_words;
pub mod contacts;
pub mod conversations;
pub mod copy;
pub mod cursors;
pub mod deliveries;
pub mod envelopes;
pub mod events;
pub mod files;
pub mod history;
pub mod history_term;
pub mod inspect;
pub mod jobs;
pub mod labelled;
pub mod labels;
pub mod leads;
pub mod links;
pub mod looks;
pub mod merges;
pub mod messages;
pub mod names;
pub mod nodes;
pub mod notices;
pub mod ownership;
pub mod pace;
pub mod pending_changes;
pub mod places;
pub mod queues;
pub mod reads;
pub mod retention;
pub mod search;
pub mod sessions;
pub mod shares;
pub mod sign_ins;
pub mod source_names;
pub mod storage;
pub mod tallies;
pub mod templates;
pub mod threads;
pub mod touches;
pub mod turns;
pub mod uploads;
pub mod views;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::{Clock, Ids};
use crate::error::Error;
use crate::telemetry::traces::Span;

pub use crate::error::StoreError;
pub use dialect::Engine;
use dialect::Epoch;
pub use event::{Committed, Draft, Effects, Event, Publisher, Wake};
pub use postgres::durability::Durability;
pub use postgres::replica::{ReplicaState, Standing};
use tokio::time::Instant;
pub use tx::{Savepoint, Tx};
pub use value::{Arg, FromRow, Row};

/// A unit of work that runs in one transaction. It may run more than once (PostgreSQL repeats it after a
/// serialisation failure, or when another verb of the same transaction failed), so it takes `&self` and must have no
/// side effects outside the transaction.
pub trait Verb: Send + Sync + 'static {
    type Out: Send + 'static;

    /// The tenant that the verb belongs to. A verb that changes a tenant's rows or emits events must name the tenant: unless it
    /// has its own lock, it holds the lock on the tenant's row and may share its transaction with other verbs of that tenant.
    fn tenant(&self) -> Option<Uuid> {
        None
    }

    /// Whether it changes only what a consumer's row protects, which it locks by itself, and emits no events: on PostgreSQL it
    /// then does not wait for the tenant's other verbs, nor they for it. Who needs both locks takes the tenant's first.
    /// On neither engine may it call what wants the tenant's lock.
    fn has_own_lock(&self) -> bool {
        false
    }

    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::Out, Error>> + Send;
}

/// A read that a replica may answer: a list or a report, which decides nothing and on which no feed goes on.
/// `operations/on_replica.rs` has all of them.
pub trait OnReplica: Verb {}

#[derive(Clone)]
pub(crate) struct Env {
    pub clock: Clock,
    pub ids: Ids,
    pub epoch: Epoch,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// `postgres://…`, or the path of a SQLite file (its folder is created).
    pub url: String,
    /// Connections of the PostgreSQL pool, or readers of the SQLite file.
    pub connections: u32,
    /// How long PostgreSQL works on one statement.
    pub timeout: Duration,
    /// A PostgreSQL server that takes over has all that was committed: the feed goes on.
    pub lossless_failover: bool,
    /// A standby of it that answers reads.
    pub replica: Option<ReplicaConfig>,
}

#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// `postgres://…`, of one server or of several.
    pub url: String,
    /// How long a read waits for it to have what was committed before.
    pub lag: Duration,
}

impl StoreConfig {
    /// For whoever has no configuration to ask.
    const TIMEOUT: Duration = Duration::from_secs(30);

    pub const fn new(url: String, connections: u32) -> Self {
        Self { url, connections, timeout: Self::TIMEOUT, lossless_failover: false, replica: None }
    }

    /// Connections to the replica that read; one more looks how far it is.
    pub fn replica_connections(&self) -> u32 {
        (self.connections / 2).max(2)
    }
}

#[derive(Clone)]
pub struct Store {
    pool: Pool,
    env: Env,
}

#[derive(Clone)]
enum Pool {
    Sqlite(sqlite::Lite),
    Postgres(postgres::Pg),
}

impl Store {
    /// Opens the database, creating or migrating it if needed. Effects of commits go to `publisher`.
    pub async fn open(
        config: &StoreConfig,
        clock: Clock,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, StoreError> {
        let engine = Engine::of(&config.url);
        // Machines that share a database have its time: leases, turns and tokens of one hold on the others.
        let clock = if engine.clock().is_some() { clock.following() } else { clock };
        let env = Env { ids: Ids::new(clock.clone()), clock, epoch: Epoch::Installation };
        let pool = match engine {
            Engine::Sqlite => Pool::Sqlite(sqlite::Lite::open(config, &env, publisher)?),
            Engine::Postgres => Pool::Postgres(Box::pin(postgres::Pg::open(config, &env, publisher)).await?),
        };
        let store = Self { pool, env };
        store.follow_clock().await?;
        Ok(store)
    }

    /// Asks the database for its time, where the store goes by it.
    pub async fn follow_clock(&self) -> Result<(), StoreError> {
        if let Clock::Followed(other) = &self.env.clock {
            let asked = Instant::now();
            let at_ms = self.read(nodes::DatabaseTime).await.map_err(|error| match error {
                Error::Store(error) => error,
                error => StoreError::Engine(error.to_string()),
            })?;
            other.told(at_ms, asked);
        }
        Ok(())
    }

    pub fn engine(&self) -> Engine {
        match self.pool {
            Pool::Sqlite(_) => Engine::Sqlite,
            Pool::Postgres(_) => Engine::Postgres,
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.env.clock
    }

    pub fn ids(&self) -> &Ids {
        &self.env.ids
    }

    /// Runs the verb in its own transaction, or in one shared with other waiting verbs (on PostgreSQL only those of
    /// the same tenant), where a failing verb rolls back only itself. When this returns, the change is durable and
    /// its effects were passed to the publisher.
    pub async fn write<V: Verb>(&self, verb: V) -> Result<Committed<V::Out>, Error> {
        let mut span = Span::child("store");
        span.put("verb", || short_name::<V>().to_owned());
        let written = async {
            match &self.pool {
                Pool::Sqlite(lite) => lite.write(verb).await,
                Pool::Postgres(pg) => pg.write(verb).await,
            }
        };
        let written = span.within(written).await;
        match &written {
            Ok(Committed { cursor: Some((tenant, cursor)), .. }) => {
                span.put("tenant", || tenant.to_string());
                span.put("cursor", || cursor.to_string());
            }
            Ok(_) => {}
            Err(_) => span.fail("the verb was refused or failed"),
        }
        written
    }

    /// Runs the verb on a consistent snapshot. A statement that would change data fails.
    pub async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Error> {
        match &self.pool {
            Pool::Sqlite(lite) => lite.read(verb).await,
            Pool::Postgres(pg) => pg.read(verb).await,
        }
    }

    /// As [`read`](Self::read), on the replica if there is one. It answers only if it has all that was committed when
    /// this was called: nobody sees less there than on the primary.
    pub async fn read_anywhere<V: OnReplica>(&self, verb: V) -> Result<V::Out, Error> {
        match &self.pool {
            Pool::Sqlite(lite) => lite.read(verb).await,
            Pool::Postgres(pg) => pg.read_anywhere(verb).await,
        }
    }

    /// How the replica is; `None` where there is none.
    pub fn replica(&self) -> Option<ReplicaState> {
        match &self.pool {
            Pool::Sqlite(_) => None,
            Pool::Postgres(pg) => pg.replica(),
        }
    }

    /// Whether the writer is still running. If it is not, only a restart helps.
    pub fn is_alive(&self) -> bool {
        match &self.pool {
            Pool::Sqlite(lite) => lite.is_alive(),
            Pool::Postgres(_) => true,
        }
    }

    /// Stops the writer after it has committed the queued verbs.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(lite) => lite.close().await,
            Pool::Postgres(pg) => pg.close().await,
        }
    }
}

/// Every statement of the store, by the file that holds it.
pub fn statements() -> Vec<(&'static str, &'static [&'static str])> {
    vec![
        ("accounts", accounts::ALL),
        ("attachments", attachments::ALL),
        ("automatic_answers", automatic_answers::ALL),
        ("channel_health", channel_health::ALL),
        ("channels", channels::ALL),
        ("apps", apps::ALL),
        ("claims", claims::ALL),
        ("cursors", cursors::ALL),
        ("sign_ins", sign_ins::ALL),
        ("connections", connections::ALL),
        ("consumers", consumers::ALL),
        ("attributes", attributes::ALL),
        ("contact_notes", contact_notes::ALL),
        ("contact_words", contact_words::ALL),
        ("labelled", labelled::ALL),
        ("labels", labels::ALL),
        ("contact_terms", contact_terms::ALL),
        ("contacts", contacts::ALL),
        ("conversations", conversations::ALL),
        ("deliveries", deliveries::ALL),
        ("pending_changes", pending_changes::ALL),
        ("envelopes", envelopes::ALL),
        ("events", events::ALL),
        ("files", files::ALL),
        ("jobs", jobs::ALL),
        ("jobs", jobs::OF_ABANDONED),
        ("jobs", jobs::OF_DEAD),
        ("leads", leads::ALL),
        ("links", links::ALL),
        ("looks", looks::ALL),
        ("merges", merges::ALL),
        ("messages", messages::ALL),
        ("names", names::ALL),
        ("nodes", nodes::ALL),
        ("notices", notices::ALL),
        ("ownership", ownership::ALL),
        ("pace", pace::ALL),
        ("jobs_put_off", jobs::OF_PUT_OFF),
        ("places", places::ALL),
        ("queues", queues::ALL),
        ("reads", reads::ALL),
        ("retention", retention::ALL),
        ("history", history::ALL),
        ("history_term", history_term::ALL),
        ("search", search::ALL),
        ("sessions", sessions::ALL),
        ("source_names", source_names::ALL),
        ("storage", storage::ALL),
        ("tallies", tallies::ALL),
        ("templates", templates::ALL),
        ("threads", threads::ALL),
        ("touches", touches::ALL),
        ("turns", turns::ALL),
        ("uploads", uploads::ALL),
        ("views", views::ALL),
    ]
}

/// The statements that only this engine has: those of the search's tokens.
pub const fn statements_of(engine: Engine) -> &'static [&'static str] {
    engine.search().all
}

/// `Receive` of `hubbub::inbox::receive::Receive`.
fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split_once('<').map_or(name, |(name, _)| name);
    name.rsplit_once("::").map_or(name, |(_, name)| name)
}

/// Passes effects to the publisher. A publisher that panics changes nothing about the commit, and must not stop the
/// writer.
fn publish(publisher: &dyn Publisher, effects: Effects) {
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| publisher.publish(effects)));
    if told.is_err() {
        metrics::counter!("hubbub_publish_panics_total").increment(1);
        tracing::error!("a publisher panicked; subscribers recover its events from the log");
    }
}

/// Returns the query plan of a statement, for the test of [`statements`].
pub struct Plan(pub &'static str);

impl Verb for Plan {
    type Out = Vec<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
        Ok(tx.plan(self.0).await?)
    }
}

/// Prepares one statement without running it: for the test of [`statements`].
pub struct Prepare(pub &'static str);

impl Verb for Prepare {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.prepare(self.0).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::events::Touch;

    struct Broken;

    impl Publisher for Broken {
        fn publish(&self, _: Effects) {
            panic!("a publisher that panics, on purpose")
        }
    }

    /// A panicking publisher undoes no commit and does not stop the writer.
    #[tokio::test]
    async fn a_publisher_that_panics_does_not_end_the_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = folder.path().join("hubbub.db").display().to_string();
        let config = StoreConfig::new(url, 1);
        let store = Store::open(&config, Clock::System, Arc::new(Broken)).await.expect("a store");
        for _ in 0..3 {
            store.write(Touch).await.expect("it is written");
        }
        assert!(store.is_alive());
    }
}
