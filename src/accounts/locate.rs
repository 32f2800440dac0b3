//! Finds to which tenant and company a thing belongs, and lets the caller in or not. Names of things come
//! from clients; what they may touch comes from here.

use uuid::Uuid;

use super::access::{Access, Scope};
use super::roles::Permission;
use crate::error::Error;
use crate::store::accounts::{self, Place};
use crate::store::{Store, Tx, Verb, jobs};

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
}

/// The tenant and company of a thing.
#[derive(Debug)]
pub struct Locate(pub Thing, pub Uuid);

impl Verb for Locate {
    type Out = Option<Place>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Place>, Error> {
        let Self(thing, id) = *self;
        Ok(match thing {
            Thing::Conversation => accounts::conversation_place(tx, id).await,
            Thing::Channel => accounts::channel_place(tx, id).await,
            Thing::Attachment => accounts::attachment_place(tx, id).await,
            Thing::Turn => accounts::turn_place(tx, id).await,
            Thing::Envelope => accounts::envelope_place(tx, id).await,
            Thing::Company => accounts::company_place(tx, id).await,
            Thing::ApiKey => accounts::key_place(tx, id).await,
            Thing::Job => jobs::tenant_of(tx, id).await.map(|tenant| tenant.map(|tenant| (tenant, None))),
        }?)
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
        let (tenant, company) = store.read(Locate(thing, id)).await?.ok_or(Error::NotFound(thing.word()))?;
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
