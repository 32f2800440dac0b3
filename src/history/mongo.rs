//! MongoDB's side: messages of events and of the store as the crate `mongo` takes them, with the version by which it tells
//! the newer one.

mod owner;

use std::sync::Arc;

use anyhow::Context as _;
use mongo::{Entry, Fault, Settings, Version};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Asked, End, Forgotten, PAGE_BYTES, Page, Wanted};
use crate::config;
use crate::error::Error;
use crate::model::EventKind;
use crate::store::history::{Older, Place};
use crate::store::history_term::HistoryClaim;
use crate::store::{Event, Store, history};

use owner::Ownership;

/// Messages that one step of a filling takes in.
const FILL: i64 = 128;

#[derive(Clone)]
pub struct Mongo {
    inner: mongo::History,
    owner: Arc<Ownership>,
    store: Store,
    /// Days that messages are kept, of tenants without their own.
    days: i64,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Seen<'a> {
    conversation: Option<SeenConversation>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SeenConversation {
    id: Uuid,
    contact: SeenContact,
}

#[derive(Deserialize)]
struct SeenContact {
    id: Uuid,
}

#[derive(Deserialize)]
struct SeenMessage {
    seq: i64,
    created_at: i64,
}

const DAY_MS: i64 = 24 * 3_600_000;

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Away(why) => owner::away(why),
            Fault::Refused(_) => Self::Internal(anyhow::Error::new(fault)),
        }
    }
}

impl Mongo {
    pub(super) async fn open(config: &config::History, store: &Store) -> anyhow::Result<Self> {
        let inner = mongo::History::new(&settings(config)).await?;
        tracing::info!(at = config::redacted(&config.url), "messages go to MongoDB as well");
        let owner = Arc::new(Ownership::new(inner.clone(), store.clone(), place(config)));
        Ok(Self { inner, owner, store: store.clone(), days: config.days })
    }

    pub(super) fn is_up(&self) -> bool {
        self.inner.is_up() && !self.owner.is_refused()
    }

    pub(super) fn is_owned(&self) -> bool {
        !self.owner.is_refused()
    }

    pub(super) async fn ask(
        config: &config::History,
        claim: Option<&HistoryClaim>,
        now_ms: i64,
    ) -> Result<Asked, String> {
        let told = |fault: Fault| format!("{}: {fault}", config::redacted(&config.url));
        let inner = mongo::History::new(&settings(config)).await.map_err(told)?;
        let version = inner.ask().await.map_err(told)?;
        let refusal = match claim {
            Some(claim) => owner::judge(&inner, &place(config), claim, now_ms).await.map_err(told)?,
            None => None,
        };
        Ok(Asked { version, refusal })
    }

    pub(super) async fn take_over(
        config: &config::History,
        store: &Store,
        while_in_use: bool,
    ) -> anyhow::Result<String> {
        let inner = mongo::History::new(&settings(config)).await?;
        Ownership::new(inner, store.clone(), place(config)).take_over(while_in_use).await
    }

    /// Who has it.
    pub fn owner(&self) -> &Ownership {
        &self.owner
    }

    pub(super) async fn hold(&self) -> Result<(), Error> {
        self.owner.hold().await
    }

    pub(super) async fn watch(&self) {
        self.owner.watch().await;
    }

    /// The driver's side, for what only it can tell.
    pub const fn inner(&self) -> &mongo::History {
        &self.inner
    }

    pub(super) async fn apply(&self, tenant: Uuid, events: &[Event]) -> Result<(), Error> {
        let mut entries = Vec::new();
        self.hold().await?;
        let place = self.store.read(history::Where { tenant }).await?;
        for event in events {
            entries.extend(entry(event, &place.epoch)?);
        }
        Ok(self.inner.write(tenant, &entries, self.days(&place)).await?)
    }

    pub(super) async fn fill(&self, tenant: Uuid, before: Uuid) -> Result<Option<Uuid>, Error> {
        self.hold().await?;
        let (place, older) = self.store.read(history::LoadOlder { tenant, before, limit: FILL }).await?;
        // What a message is like in this snapshot, it is at the newest event of the snapshot.
        let version = Version { epoch: place.epoch.clone(), cursor: place.top };
        let mut entries = Vec::with_capacity(older.len());
        for Older { message, contact } in &older {
            let body = serde_json::to_string(message).context("a message cannot be written as JSON")?;
            let (conversation, seq, at) = (message.conversation, message.seq, message.created_at);
            let version = version.clone();
            entries.push(Entry { conversation, contact: *contact, seq, version, at, body, is_new: false });
        }
        self.inner.write(tenant, &entries, self.days(&place)).await?;
        Ok(older.last().map(|older| older.message.id).filter(|_| older.len() as i64 == FILL))
    }

    fn days(&self, place: &Place) -> i64 {
        place.own_days.unwrap_or(self.days)
    }

    /// Without what is older than it may be: a document is removed when its newest message is, and one that holds a single
    /// long message by itself.
    pub(super) async fn page(&self, wanted: Wanted) -> Result<Page, Error> {
        self.hold().await?;
        let days = self.days(&self.store.read(history::Where { tenant: wanted.tenant }).await?);
        let oldest =
            if days == 0 { i64::MIN } else { self.store.clock().now_ms() - days.saturating_mul(DAY_MS) };
        let (mut after, of_oldest) = (wanted.after, wanted.end == End::Oldest);
        loop {
            let mut page = self.stored(Wanted { after, ..wanted }).await?;
            let last = page.messages.last().map(|message| message.seq);
            let over = page.messages.iter().take_while(|message| message.created_at < oldest).count();
            page.messages.drain(..over);
            // Before them there are only older ones.
            page.more &= over == 0 || of_oldest;
            match last {
                Some(last) if of_oldest && page.more && page.messages.is_empty() => after = last,
                _ => return Ok(page),
            }
        }
    }

    async fn stored(&self, wanted: Wanted) -> Result<Page, Error> {
        let Wanted { tenant, conversation, after, before, end, limit } = wanted;
        let end = match end {
            End::Newest => mongo::End::Newest,
            End::Oldest => mongo::End::Oldest,
        };
        let range = mongo::Range { after, before };
        let found = self.inner.page((tenant, conversation), range, end, limit, PAGE_BYTES).await?;
        let parsed = found.bodies.iter().map(|(_, body)| serde_json::from_str(body));
        let messages = parsed.collect::<Result<_, _>>().context("a message in MongoDB cannot be read")?;
        Ok(Page { messages, more: found.more })
    }

    pub(super) async fn forget(&self, tenant: Uuid, what: Forgotten) -> Result<(), Error> {
        self.hold().await?;
        let place = self.store.read(history::Where { tenant }).await?;
        let until = Version { epoch: place.epoch, cursor: place.top };
        let what = match what {
            Forgotten::Conversation(id) => mongo::Forgotten::Conversation { id, until },
            Forgotten::Contact(id) => mongo::Forgotten::Contact { id, until },
            Forgotten::Tenant => mongo::Forgotten::Tenant,
        };
        Ok(self.inner.forget(tenant, &what, self.store.clock().now_ms()).await?)
    }

    pub(super) async fn keep_for(&self, tenant: Uuid, own: Option<i64>) -> Result<(), Error> {
        self.hold().await?;
        Ok(self.inner.keep_for(tenant, own.unwrap_or(self.days)).await?)
    }
}

fn settings(config: &config::History) -> Settings {
    Settings { url: config.url.clone(), database: config.database.clone() }
}

/// The database, as logs may show it.
fn place(config: &config::History) -> String {
    format!("the database {} of {}", config.database, config::redacted(&config.url))
}

/// The message of an event, as it is at the event.
fn entry(event: &Event, epoch: &str) -> Result<Option<Entry>, Error> {
    let is = |kind: EventKind| &*event.kind == kind.as_str();
    if !is(EventKind::MessageCreated) && !is(EventKind::MessageUpdated) {
        return Ok(None);
    }
    let wrong = |error| Error::invalid("data", format!("event {} cannot be read: {error}", event.cursor));
    let seen: Seen<'_> = serde_json::from_slice(&event.data).map_err(wrong)?;
    let (Some(about), Some(message)) = (seen.conversation, seen.message) else { return Ok(None) };
    let SeenMessage { seq, created_at } = serde_json::from_str(message.get()).map_err(wrong)?;
    Ok(Some(Entry {
        conversation: about.id,
        contact: about.contact.id,
        seq,
        version: Version { epoch: epoch.to_owned(), cursor: event.cursor },
        at: created_at,
        body: message.get().to_owned(),
        is_new: is(EventKind::MessageCreated),
    }))
}
