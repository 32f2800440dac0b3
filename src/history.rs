//! The long history of conversations: a port with two implementations. The store has what its verbs write; MongoDB gets the
//! same from the feed, and keeps it for longer. Both give the same pages.
//!
//! With MongoDB, messages may leave the store (`store/history.rs`): a page then continues from there (`page.rs`). One database
//! has it, and copies of it are kept out (`mongo/owner.rs`).
//!
//! To add an implementation: a variant here, its file beside `store.rs`, and a line in `tests/history/suite.rs`.

#[cfg(feature = "mongo")]
mod mongo;
#[cfg(not(feature = "mongo"))]
#[path = "history/without_mongo.rs"]
mod mongo;
mod page;
mod store;

use anyhow::Context as _;
use uuid::Uuid;

use crate::config;
use crate::error::Error;
use crate::model::Message;
use crate::store::history::HasLeft;
use crate::store::history_term::HistoryClaim;
use crate::store::{Event, Store};

use mongo::Mongo;
pub use page::complete;

/// Messages of a conversation with a `seq` above `after` and below `before`, at one end of that range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub tenant: Uuid,
    pub conversation: Uuid,
    pub after: i64,
    pub before: i64,
    pub end: End,
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Newest,
    Oldest,
}

/// A page by rising `seq`; `more`: the range has others beyond its far end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub messages: Vec<Message>,
    pub more: bool,
}

/// What must not be kept any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    Conversation(Uuid),
    Contact(Uuid),
    Tenant,
}

/// Bytes of text from which on a page is full.
const PAGE_BYTES: usize = 1024 * 1024;

#[derive(Clone)]
pub enum History {
    /// Every message is in the store.
    Store(Store),
    Mongo(Mongo),
}

/// What was found where a configuration says that MongoDB is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub version: String,
    /// Why the database that was asked for would not be let in, for people; `None`: it would.
    pub refusal: Option<String>,
}

/// Asks the MongoDB that a configuration names, as a database with this claim would; what is wrong with it, for people.
pub async fn ask(
    config: &config::History,
    claim: Option<&HistoryClaim>,
    now_ms: i64,
) -> Result<Asked, String> {
    Mongo::ask(config, claim, now_ms).await
}

/// Makes what is kept in MongoDB this store's, whosever it is; says what was done.
pub async fn take_over(
    config: &config::History,
    store: &Store,
    while_in_use: bool,
) -> anyhow::Result<String> {
    if config.url.is_empty() {
        anyhow::bail!("history.url: names no MongoDB, so the store has all messages");
    }
    Mongo::take_over(config, store, while_in_use).await
}

impl History {
    /// Opens the one that the configuration names. MongoDB is not waited for.
    pub async fn open(config: &config::History, store: &Store) -> anyhow::Result<Self> {
        if !config.url.is_empty() {
            return Ok(Self::Mongo(Mongo::open(config, store).await.context("history.url")?));
        }
        if store.read(HasLeft).await? {
            anyhow::bail!(
                "history.url: messages of this installation have left for MongoDB, so it must be named; while it does not answer, \
                 only they are missing, and whoever asks for them is told so"
            );
        }
        Ok(Self::Store(store.clone()))
    }

    /// Whether messages are kept beside the store.
    pub const fn is_beside(&self) -> bool {
        !matches!(self, Self::Store(_))
    }

    /// Whether it was reached when it was last asked, and is ours.
    pub fn is_up(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Mongo(mongo) => mongo.is_up(),
        }
    }

    /// `false`: another installation, or another copy of this one, has it.
    pub fn is_owned(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Mongo(mongo) => mongo.is_owned(),
        }
    }

    /// Fails unless it is there and ours: what was acknowledged before is safe only then.
    pub async fn hold(&self) -> Result<(), Error> {
        match self {
            Self::Store(_) => Ok(()),
            Self::Mongo(mongo) => mongo.hold().await,
        }
    }

    /// Keeps it ours, for as long as this runs.
    pub async fn watch(&self) {
        match self {
            Self::Store(_) => {}
            Self::Mongo(mongo) => mongo.watch().await,
        }
    }

    /// Takes in what events of a tenant say of messages. The same again, late or in another order changes nothing. All of it
    /// is safe when this returns.
    pub async fn apply(&self, tenant: Uuid, events: &[Event]) -> Result<(), Error> {
        match self {
            // The verb that made the event wrote the message.
            Self::Store(_) => Ok(()),
            Self::Mongo(mongo) => mongo.apply(tenant, events).await,
        }
    }

    /// Takes in some of what the store has, below an id. Returns where it goes on; `None` when that was all.
    pub async fn fill(&self, tenant: Uuid, before: Uuid) -> Result<Option<Uuid>, Error> {
        match self {
            Self::Store(_) => Ok(None),
            Self::Mongo(mongo) => mongo.fill(tenant, before).await,
        }
    }

    /// A page of a conversation, as far as it is bounded in bytes.
    pub async fn page(&self, wanted: Wanted) -> Result<Page, Error> {
        match self {
            Self::Store(store) => store.read(wanted).await,
            Self::Mongo(mongo) => mongo.page(wanted).await,
        }
    }

    /// The newest messages of a conversation before a `seq`, as a turn needs them.
    pub async fn last(
        &self,
        (tenant, conversation): (Uuid, Uuid),
        before: i64,
        limit: usize,
    ) -> Result<Vec<Message>, Error> {
        let wanted = Wanted { tenant, conversation, after: 0, before, end: End::Newest, limit };
        Ok(self.page(wanted).await?.messages)
    }

    /// Removes what is kept beside the store's rows, which whoever erases removes first. The same again changes nothing.
    pub async fn forget(&self, tenant: Uuid, what: Forgotten) -> Result<(), Error> {
        match self {
            Self::Store(_) => Ok(()),
            Self::Mongo(mongo) => mongo.forget(tenant, what).await,
        }
    }

    /// Applies a tenant's own retention, in days, to what is kept beside the store.
    pub async fn keep_for(&self, tenant: Uuid, own: Option<i64>) -> Result<(), Error> {
        match self {
            Self::Store(_) => Ok(()),
            Self::Mongo(mongo) => mongo.keep_for(tenant, own).await,
        }
    }
}
