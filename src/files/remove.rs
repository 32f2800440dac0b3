//! Removes a file that nothing uses: by a person, or because nobody has used it for long, or because its upload broke off.

use uuid::Uuid;

use super::keep::doom;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::store::files::{self, File, FileState};
use crate::store::{Tx, Verb, storage};

/// A file that nothing has used for so long is removed.
pub const UNUSED_MS: i64 = 30 * 24 * 3_600_000;
pub const PAGE: i64 = 100;

pub struct Remove {
    pub scope: Scope,
    pub file: Uuid,
}

impl Verb for Remove {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let tenant = self.scope.tenant();
        let file = files::load(tx, tenant, self.file).await?;
        let file = file.filter(|file| file.state == FileState::Ready).ok_or(Error::NotFound("file"))?;
        if files::is_used(tx, tenant, file.id).await? {
            return Err(Error::conflict("in_use", "a message has the file: it stays as long as the message"));
        }
        remove(tx, &file).await
    }
}

async fn remove(tx: &mut Tx<'_>, file: &File) -> Result<(), Error> {
    if file.state == FileState::Ready {
        storage::add(tx, file.tenant, -file.size, -1).await?;
    }
    doom(tx, file).await
}

/// Files that the sweep is to remove, of all tenants.
pub struct FindOld;

impl Verb for FindOld {
    type Out = Vec<File>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<File>, Error> {
        let now = tx.now();
        let mut found = files::unfinished(tx, now - super::upload::MAX_AGE_MS, PAGE).await?;
        found.extend(files::unused(tx, now - UNUSED_MS, PAGE).await?);
        Ok(found)
    }
}

/// Removes one of those, if it still is what it was; whether it did.
pub struct RemoveOld(pub File);

impl Verb for RemoveOld {
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let now = files::load(tx, self.0.tenant, self.0.id).await?;
        let Some(file) = now.filter(|file| file.state == self.0.state) else { return Ok(false) };
        if files::is_used(tx, file.tenant, file.id).await? {
            return Ok(false);
        }
        remove(tx, &file).await?;
        Ok(true)
    }
}
