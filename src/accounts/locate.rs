//! Finds the tenant and company of a thing by its id, and checks the caller's permission there. Ids come from clients,
//! so they prove nothing.

use uuid::Uuid;

use super::access::{Access, Scope};
use super::roles::Permission;
use crate::error::Error;
use crate::store::places::{self, Location, Lookup};
use crate::store::{Store, Tx, Verb};

/// A kind of thing that clients name by its id alone.
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
    Link,
    /// Of the whole tenant: the verb looks whether the caller sees one of its conversations.
    Contact,
    File,
    Upload,
}

impl Thing {
    /// The word in refusals and in the arguments of socket methods.
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
            Self::Link => "link",
            Self::Contact => "contact",
            Self::File => "file",
            Self::Upload => "upload",
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
            Self::Link => &places::LINK,
            Self::Contact => &places::CONTACT,
            Self::File => &places::FILE,
            Self::Upload => &places::UPLOAD,
        }
    }
}

/// The tenant and company of a thing.
#[derive(Debug)]
pub struct Locate {
    pub thing: Thing,
    pub id: Uuid,
    /// Only in one of these tenants; `None`: in any tenant.
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
    /// The scope for one thing, by its id. A thing that the caller may not see is [`Error::NotFound`], as one that does
    /// not exist.
    pub async fn thing(
        &self,
        store: &Store,
        thing: Thing,
        id: Uuid,
        need: Permission,
    ) -> Result<Scope, Error> {
        // Platform users see every tenant: too many to look in each.
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
