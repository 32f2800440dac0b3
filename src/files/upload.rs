//! An upload: begins with its size, comes in one or more pieces, and ends as a file. Bounded for each tenant and each person.

use adapters::{Provider, plain_file_name};
use uuid::Uuid;

use super::limits;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::limits::MAX_LABEL;
use crate::store::uploads::{self, Upload};
use crate::store::{Tx, Verb, channels, conversations, storage};

/// Unfinished uploads of one tenant and of one person or key.
const MAX_OPEN: i64 = 200;
const MAX_OPEN_OF_CALLER: usize = 20;
/// After this time an upload that is not whole is removed.
pub const MAX_AGE_MS: i64 = 24 * 3_600_000;

/// Why there is no room.
pub const FULL: &str = "the storage of this account is full: ask whoever runs this server for more room";

/// What the installation allows.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub max_bytes: u64,
    /// Bytes and files that a tenant may have stored.
    pub storage: (i64, i64),
    /// Providers can fetch files from this server.
    pub has_address: bool,
}

/// Begins an upload.
pub struct Begin {
    pub scope: Scope,
    pub terms: Terms,
    pub caller: Uuid,
    /// The channel of this conversation decides what is taken.
    pub conversation: Option<Uuid>,
    pub kind: Option<String>,
    pub name: Option<String>,
    pub mime: Option<String>,
    /// Nothing: its end tells.
    pub size: Option<u64>,
}

impl Verb for Begin {
    type Out = Upload;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Upload, Error> {
        let tenant = self.scope.tenant();
        if self.size == Some(0) {
            return Err(Error::invalid("size", "the file is empty: choose another one"));
        }
        if self.size.is_some_and(|size| size > self.terms.max_bytes) {
            let most = self.terms.max_bytes >> 20;
            let problem = format!("at most {most} MiB are taken here: make it smaller, or send a link to it");
            return Err(Error::invalid("size", problem));
        }
        if self.mime.as_ref().is_some_and(|mime| mime.chars().count() > MAX_LABEL) {
            return Err(Error::invalid("mime", format!("at most {MAX_LABEL} characters")));
        }
        let mime = self.mime.clone().unwrap_or_default();
        let asked = limits::asked(self.kind.as_deref(), &mime)?;
        let mut most = self.terms.max_bytes;
        if let Some(provider) = provider(tx, tenant, self.conversation).await? {
            most = most.min(provider.files().max_bytes());
            if self.size.is_some_and(|size| size > most) {
                let problem = format!(
                    "{} takes files up to {} MiB: make it smaller, or send a link to it",
                    provider.name(),
                    most >> 20
                );
                return Err(Error::invalid("size", problem));
            }
            if let Some(size) = self.size {
                limits::foresee(provider, asked, (&mime, size), self.terms.has_address)?;
            }
        }
        let size = i64::try_from(self.size.unwrap_or(most)).unwrap_or(i64::MAX);
        let open = uploads::open(tx, tenant, MAX_OPEN).await?;
        let own = open.iter().filter(|(caller, _)| *caller == self.caller).count();
        if own >= MAX_OPEN_OF_CALLER || open.len() as i64 >= MAX_OPEN {
            return Err(Error::TooMany {
                why: "finish or cancel the uploads that are under way",
                seconds: 30,
            });
        }
        let under_way: i64 = open.iter().map(|(_, size)| *size).sum();
        if let Some(storage) = storage::of(tx, tenant).await?
            && !storage.has_room(
                self.terms.storage,
                under_way.saturating_add(self.size.map_or(1, |_| size)),
                open.len() as i64 + 1,
            )
        {
            return Err(Error::conflict("storage_full", FULL));
        }
        let upload = Upload {
            tenant,
            id: tx.new_id(),
            caller: self.caller,
            conversation: self.conversation,
            kind: self.kind.clone(),
            name: self.name.as_deref().and_then(plain_file_name),
            mime: self.mime.clone(),
            size,
            file: None,
            created_at: tx.now(),
        };
        uploads::insert(tx, &upload).await?;
        Ok(upload)
    }
}

/// The provider of a conversation's channel.
pub(super) async fn provider(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Option<Uuid>,
) -> Result<Option<&'static dyn Provider>, Error> {
    let Some(conversation) = conversation else { return Ok(None) };
    let conversation =
        conversations::load(tx, tenant, conversation).await?.ok_or(Error::NotFound("conversation"))?;
    let channel =
        channels::by_id(tx, tenant, conversation.channel).await?.ok_or(Error::NotFound("channel"))?;
    Ok(adapters::provider(&channel.kind))
}

/// An upload of this caller; another's does not exist for it.
pub struct Find {
    pub tenant: Uuid,
    pub id: Uuid,
    pub caller: Uuid,
}

impl Verb for Find {
    type Out = Upload;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Upload, Error> {
        let found = uploads::load(tx, self.tenant, self.id).await?;
        found.filter(|upload| upload.caller == self.caller).ok_or(Error::NotFound("upload"))
    }
}

/// Ends an upload that nobody wants any more.
pub struct Cancel {
    pub tenant: Uuid,
    pub id: Uuid,
}

impl Verb for Cancel {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(uploads::remove(tx, self.tenant, self.id).await?)
    }
}
