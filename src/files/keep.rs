//! Makes a whole upload a file: the row first, then the object, then the row is ready. Whatever ends between them is found by
//! the sweep, by the row. The same bytes of a tenant are one file.

use uuid::Uuid;

use super::inspect::{Inspected, inspect};
use super::upload::{self, FULL, Terms};
use super::{Files, limits};
use crate::error::Error;
use crate::store::files::{self, File, FileState};
use crate::store::jobs::{self, DeleteFile, Slot};
use crate::store::uploads::{self, Upload};
use crate::store::{Store, Tx, Verb, storage};

impl Files {
    /// The file of a whole upload. May be called again after any failure; what a refusal ends is removed.
    pub async fn finish(&self, store: &Store, upload: &Upload, terms: Terms) -> Result<File, Error> {
        let staged = self.staging.place(upload.tenant, upload.id);
        let (claimed, kind) = (upload.mime.clone(), upload.kind.clone());
        let inspected =
            tokio::task::spawn_blocking(move || inspect(&staged, claimed.as_deref(), kind.as_deref()));
        let inspected = inspected.await.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
        let library_path = self.libraries.path(&format!("{}/{}", upload.tenant, store.ids().next()));
        let staged = inspected.path.clone();
        let verb = Enter { upload: upload.clone(), inspected, path: library_path, terms };
        let kept = match store.write(verb).await {
            Ok(entered) if entered.value.state == FileState::Ready => entered.value,
            Ok(entered) => {
                let file = entered.value;
                self.libraries.put(&file.path, &staged).await.map_err(|error| {
                    anyhow::Error::new(error).context("the file cannot be put into the library")
                })?;
                let done = Ready { upload: upload.clone(), file, storage: terms.storage };
                let Some(file) = store.write(done).await?.value else {
                    self.drop_upload(store, upload).await?;
                    return Err(Error::conflict("storage_full", FULL));
                };
                file
            }
            Err(error @ Error::Invalid { .. }) => {
                self.drop_upload(store, upload).await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        // What stays is removed with the upload's row.
        let _ = self.staging.remove(upload.tenant, upload.id).await;
        Ok(kept)
    }

    /// Removes an upload and its bytes.
    pub async fn drop_upload(&self, store: &Store, upload: &Upload) -> Result<(), Error> {
        self.staging.remove(upload.tenant, upload.id).await.map_err(anyhow::Error::from)?;
        self.drop_pieces(upload).await;
        store.write(upload::Cancel { tenant: upload.tenant, id: upload.id }).await?;
        Ok(())
    }
}

/// Judges the file and enters its row, unless the tenant has the same bytes already.
struct Enter {
    upload: Upload,
    inspected: Inspected,
    /// Of the object, whose name is the row's id.
    path: String,
    terms: Terms,
}

impl Verb for Enter {
    type Out = File;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.upload.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<File, Error> {
        let (tenant, found) = (self.upload.tenant, &self.inspected);
        let asked = limits::asked(self.upload.kind.as_deref(), &found.mime)?;
        if let Some(provider) = upload::provider(tx, tenant, self.upload.conversation).await? {
            let about = (found.mime.as_str(), found.size);
            limits::judge(provider, "file", asked, about, self.terms.has_address)?;
        }
        let size = i64::try_from(found.size).unwrap_or(i64::MAX);
        if let Some(known) = files::by_content(tx, tenant, &found.sha256).await? {
            uploads::done(tx, &self.upload, known.id, size).await?;
            // It begins its time without a use anew.
            if !files::is_used(tx, tenant, known.id).await? {
                files::set_state(tx, &known, FileState::Ready).await?;
            }
            return Ok(known);
        }
        let id = self.path.rsplit('/').next().and_then(|name| name.parse().ok());
        let (width, height) = found.pixels.unzip();
        let file = File {
            tenant,
            id: id.ok_or_else(|| anyhow::anyhow!("an object without an id"))?,
            sha256: found.sha256.clone(),
            size,
            mime: found.mime.clone(),
            name: self.upload.name.as_deref().map(|name| named(name, found.ending)),
            width,
            height,
            state: FileState::Uploading,
            path: self.path.clone(),
            created_at: tx.now(),
        };
        files::insert(tx, &file, Some(self.upload.caller)).await?;
        Ok(file)
    }
}

fn named(name: &str, ending: Option<&str>) -> String {
    match (name.rsplit_once('.'), ending) {
        (Some((stem, _)), Some(ending)) if !stem.is_empty() => format!("{stem}.{ending}"),
        _ => name.to_owned(),
    }
}

/// The object is there. Of two uploads of the same bytes at the same time the second's object is removed.
struct Ready {
    upload: Upload,
    file: File,
    storage: (i64, i64),
}

impl Verb for Ready {
    /// Nothing: there is no room for it.
    type Out = Option<File>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.file.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let file = &self.file;
        if let Some(known) = files::by_content(tx, file.tenant, &file.sha256).await? {
            if known.id != file.id {
                doom(tx, file).await?;
            }
            uploads::done(tx, &self.upload, known.id, file.size).await?;
            return Ok(Some(known));
        }
        let has = storage::of(tx, file.tenant).await?;
        if has.is_some_and(|has| !has.has_room(self.storage, file.size, 1)) {
            doom(tx, file).await?;
            return Ok(None);
        }
        storage::add(tx, file.tenant, file.size, 1).await?;
        files::set_state(tx, file, FileState::Ready).await?;
        uploads::done(tx, &self.upload, file.id, file.size).await?;
        Ok(Some(File { state: FileState::Ready, ..file.clone() }))
    }
}

/// Marks a file for removal: a job deletes the object, and then the row.
pub(super) async fn doom(tx: &mut Tx<'_>, file: &File) -> Result<(), Error> {
    files::set_state(tx, file, FileState::Deleting).await?;
    let lane = format!("file:{}", file.id);
    // No channel's work: the tenant has a queue of its own for it.
    let slot = Slot { tenant: file.tenant, queue: file.tenant, lane: &lane, position: 0 };
    Ok(jobs::push(tx, &slot, &DeleteFile { file: file.id }).await?)
}
