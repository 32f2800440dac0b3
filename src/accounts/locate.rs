//! Finds to which tenant and company a thing belongs, and lets the caller in or not. Names of things come
//! from clients; what they may touch comes from here.

use uuid::Uuid;

use super::access::{Access, Scope};
use super::roles::Permission;
use crate::error::Error;
use crate::store::places::{self, Location, Lookup};
use crate::store::{Store, Tx, Verb};

/// A thing with an id, of which clients know only the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    Conversation,
    Channel,
    Attachment,
    Turn,
    Envelope,
    Company,
    ApiKey,
    Job,
}

impl Thing {
    /// As refusals name it, and the arguments of the socket.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Channel => "channel",
            Self::Attachment => "attachment",
            Self::Turn => "turn",
            Self::Envelope => "entry",
            Self::Company => "company",
            Self::ApiKey => "API key",
            Self::Job => "job",
        }
    }

    const fn lookup(self) -> &'static Lookup {
        match self {
            Self::Conversation => &places::CONVERSATION,
            Self::Channel => &places::CHANNEL,
            Self::Attachment => &places::ATTACHMENT,
            Self::Turn => &places::TURN,
            Self::Envelope => &places::ENVELOPE,
            Self::Company => &places::COMPANY,
            Self::ApiKey => &places::API_KEY,
            Self::Job => &places::JOB,
        }
    }
}

/// The tenant and company of a thing.
#[derive(Debug)]
pub struct Locate {
    pub thing: Thing,
    pub id: Uuid,
    /// Only if it is in one of these tenants; nothing: wherever it is.
    pub within: Option<Vec<Uuid>>,
}

impl Verb for Locate {
    type Out = Option<Location>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Location>, Error> {
        let lookup = self.thing.lookup();
        Ok(match &self.within {
            Some(tenants) => lookup.within(tx, tenants, self.id).await?,
            None => lookup.anywhere(tx, self.id).await?,
        })
    }
}

impl Access {
    /// The way to one thing, by its id. What the caller may not see is [`Error::NotFound`], as what is not there.
    pub async fn thing(
        &self,
        store: &Store,
        thing: Thing,
        id: Uuid,
        need: Permission,
    ) -> Result<Scope, Error> {
        // People of the platform see every tenant: there may be too many to ask in each.
        let everywhere = self.platform_role.is_some();
        let within = (!everywhere).then(|| self.grants.iter().map(|grant| grant.tenant).collect());
        let place = store.read(Locate { thing, id, within }).await?;
        let (tenant, company) = place.ok_or(Error::NotFound(thing.word()))?;
        self.company(tenant, company, need, thing.word())
    }

    pub async fn conversation(&self, store: &Store, id: Uuid, need: Permission) -> Result<Scope, Error> {
        self.thing(store, Thing::Conversation, id, need).await
    }

    pub async fn channel(&self, store: &Store, id: Uuid, need: Permission) -> Result<Scope, Error> {
        self.thing(store, Thing::Channel, id, need).await
    }

    pub async fn attachment(&self, store: &Store, id: Uuid, need: Permission) -> Result<Scope, Error> {
        self.thing(store, Thing::Attachment, id, need).await
    }

    pub async fn turn(&self, store: &Store, id: Uuid, need: Permission) -> Result<Scope, Error> {
        self.thing(store, Thing::Turn, id, need).await
    }
}
