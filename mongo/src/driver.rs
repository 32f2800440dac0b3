//! MongoDB's side: one client with a bounded pool, the collections and their indexes. Every call ends after a time, and every
//! write is acknowledged by a majority before it counts.

mod fault;
mod forget;
mod owner;
mod read;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Database};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use uuid::Uuid;

pub use fault::Fault;
pub use forget::Forgotten;

use crate::layout;

/// Messages by conversation, and those that are too large for it.
const BUCKETS: &str = "history";
const LARGE: &str = "history_large";
/// One document: whose all of it is.
const OWNER: &str = "history_owner";

/// How long a server is looked for, and how long a call may take in all. A majority has less: the call then says which part
/// failed.
const SELECT: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
const CALL: Duration = Duration::from_secs(20);
const MAJORITY_MS: i64 = 10_000;
const CONNECTIONS: u32 = 8;

/// What an installation says of its MongoDB.
#[derive(Clone)]
pub struct Settings {
    /// `mongodb://…` or `mongodb+srv://…`. What it says of TLS, of sets of servers and of names counts.
    pub url: String,
    pub database: String,
}

/// The history. It connects when it is asked for something, and after an outage by itself.
#[derive(Clone)]
pub struct History {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    /// The indexes are there.
    indexed: OnceCell<()>,
    is_up: AtomicBool,
}

impl History {
    /// Reads the address; connects to nothing, but for the names of a `mongodb+srv` address.
    pub async fn new(settings: &Settings) -> Result<Self, Fault> {
        let mut options =
            timeout(CALL, ClientOptions::parse(settings.url.as_str()).into_future())
                .await
                .map_err(|_| Fault::Away("the names of its servers are not answered in time".to_owned()))??;
        options.app_name.get_or_insert_with(|| "hubbub".to_owned());
        options.server_selection_timeout.get_or_insert(SELECT);
        options.connect_timeout.get_or_insert(CONNECT);
        options.max_pool_size.get_or_insert(CONNECTIONS);
        let client = Client::with_options(options)?;
        let database = client.database(&settings.database);
        let inner = Inner { database, indexed: OnceCell::new(), is_up: AtomicBool::new(true) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether the last call reached it.
    pub fn is_up(&self) -> bool {
        self.inner.is_up.load(Ordering::Relaxed)
    }

    /// Its version.
    pub async fn ask(&self) -> Result<String, Fault> {
        let said = self.command(doc! { "buildInfo": 1 }).await?;
        Ok(said.get_str("version").unwrap_or("of an unknown version").to_owned())
    }

    /// Makes the indexes that are missing.
    async fn index(&self) -> Result<(), Fault> {
        let made = self.inner.indexed.get_or_try_init(|| async {
            for collection in [BUCKETS, LARGE] {
                self.command(doc! { "createIndexes": collection, "indexes": [
                    // Who is forgotten, and whose days changed.
                    { "key": { "t": 1, "p": 1 }, "name": "contact" },
                    { "key": { "t": 1, "d": 1 }, "name": "days" },
                    // MongoDB itself removes what is past its time, of all tenants: such an index has one field.
                    { "key": { "x": 1 }, "name": "expiry", "expireAfterSeconds": 0 },
                ], "writeConcern": majority() })
                    .await?;
            }
            Ok(())
        });
        made.await.copied()
    }

    /// Runs a command and notes whether it got there.
    async fn command(&self, command: Document) -> Result<Document, Fault> {
        let asked = self.inner.database.run_command(command);
        self.within(asked.into_future()).await
    }

    async fn within<T>(&self, call: impl Future<Output = mongodb::error::Result<T>>) -> Result<T, Fault> {
        let answered = match timeout(CALL, call).await {
            Ok(answered) => answered.map_err(Fault::from),
            Err(_) => Err(Fault::Away(format!("no answer within {} s", CALL.as_secs()))),
        };
        let is_up = !matches!(answered, Err(Fault::Away(_)));
        self.inner.is_up.store(is_up, Ordering::Relaxed);
        answered
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.inner.database.collection(name)
    }
}

fn majority() -> Document {
    doc! { "w": "majority", "wtimeout": MAJORITY_MS }
}

fn uuid(id: Uuid) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() })
}

fn key(tenant: Uuid, conversation: Uuid, number: i64) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: layout::key(tenant, conversation, number) })
}
