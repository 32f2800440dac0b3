//! Removes files without an attachment, left by a process that died between writing a file and recording it; uploads that
//! were not finished; and uploaded files that nothing uses.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::fs;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use crate::error::Error;
use crate::files::library::{Library as _, Listed};
use crate::files::pieces;
use crate::files::remove::{FindOld, RemoveOld};
use crate::rooms::id_in_name;
use crate::store::jobs::{Job, SweepFiles};
use crate::store::uploads::{self, Upload};
use crate::store::{Tx, Verb, accounts, attachments, files};

/// A younger file may not be recorded yet.
const AGE: Duration = Duration::from_hours(24);
const PAGE: usize = 200;
const UPLOADS: i64 = 1_000;
/// Of a bucket, as many as one answer of it has.
const OBJECTS: usize = 1_000;

impl Work for SweepFiles {
    const EVERY: Option<Duration> = Some(Duration::from_hours(24));

    async fn run(self, env: &Env, _: &Job) -> Result<(), Error> {
        over(env).await?;
        staged(env).await?;
        bucket(env).await?;
        let root = env.config.media_dir();
        let Ok(mut tenants) = fs::read_dir(&root).await else { return Ok(()) };
        while let Some(folder) = tenants.next_entry().await.context("the media folder")? {
            let tenant = id_in_name(&folder.file_name().to_string_lossy(), "");
            if let Some(tenant) = tenant
                && folder.file_type().await.is_ok_and(|kind| kind.is_dir())
            {
                sweep(env, tenant, &folder.path()).await?;
            }
        }
        Ok(())
    }
}

/// Removes all uploads of more than a day with their bytes, and all files that are over, page by page: a number for each run
/// would leave more every day once more come than that, and uploads that are left count as under way.
async fn over(env: &Env) -> Result<(), Error> {
    while !env.soft.is_cancelled() {
        let uploads = env.store.read(FindOldUploads).await?;
        let files = env.store.read(FindOld).await?;
        let mut removed = uploads.len();
        for upload in uploads {
            env.files.drop_upload(&env.store, &upload).await?;
        }
        for file in files {
            removed += usize::from(env.store.write(RemoveOld(file)).await?.value);
        }
        if removed == 0 {
            break;
        }
    }
    Ok(())
}

/// Staged files of no upload: what a download left that was cut off.
async fn staged(env: &Env) -> Result<(), Error> {
    old(env.files.staging.root(), AGE * 2).await?;
    // Thumbnails are made again when somebody looks.
    old(env.files.thumbnails.root(), AGE * 30).await
}

/// Removes the files in the folders of a folder that are so old.
async fn old(root: &Path, most: Duration) -> Result<(), Error> {
    let Ok(mut tenants) = fs::read_dir(root).await else { return Ok(()) };
    while let Some(folder) = tenants.next_entry().await.context("a folder for files")? {
        let Ok(mut files) = fs::read_dir(folder.path()).await else { continue };
        while let Some(file) = files.next_entry().await.context("a folder for files")? {
            let age = file.metadata().await.ok().and_then(|about| about.modified().ok()?.elapsed().ok());
            if age.is_some_and(|age| age > most) {
                remove(&file.path()).await;
            }
        }
    }
    Ok(())
}

/// Removes the bucket's objects that nothing refers to, whoever wrote them there in the name of one of our tenants: other
/// objects are not ours.
async fn bucket(env: &Env) -> Result<(), Error> {
    let Some(bucket) = env.files.libraries.bucket() else { return Ok(()) };
    let age_ms = i64::try_from(AGE.as_millis()).unwrap_or(i64::MAX);
    let mut after = String::new();
    while !env.soft.is_cancelled() {
        let page = bucket.page(&after, OBJECTS).await.context("the bucket's objects")?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let before = env.store.clock().now_ms() - age_ms;
        let mut old: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        let mut of_uploads: BTreeMap<Uuid, Vec<(Uuid, String)>> = BTreeMap::new();
        for Listed { key, .. } in page.into_iter().filter(|one| one.modified_at_ms < before) {
            let ids = key.split_once('/').map(|(tenant, id)| (id_in_name(tenant, ""), id_in_name(id, "")));
            if let Some((Some(tenant), Some(id))) = ids {
                old.entry(tenant).or_default().push(id);
            } else if let Some((tenant, upload)) = pieces::owner(&key) {
                of_uploads.entry(tenant).or_default().push((upload, key));
            }
        }
        for (tenant, pieces) in of_uploads {
            // Their uploads are as old at least, and over. Those of tenants that are not ours stay.
            let files = pieces.iter().map(|(upload, _)| *upload).collect();
            let unknown = env.store.read(FindUnknown { tenant, files }).await?;
            for (_, key) in pieces.iter().filter(|(upload, _)| unknown.contains(upload)) {
                bucket.delete(key).await.context("a piece of an upload that is over")?;
                metrics::counter!("hubbub_retention_removed_total", "what" => "objects").increment(1);
            }
        }
        for (tenant, files) in old {
            for id in env.store.read(FindUnknown { tenant, files }).await? {
                bucket.delete(&format!("{tenant}/{id}")).await.context("an object without a row")?;
                metrics::counter!("hubbub_retention_removed_total", "what" => "objects").increment(1);
            }
        }
    }
    Ok(())
}

struct FindOldUploads;

impl Verb for FindOldUploads {
    type Out = Vec<Upload>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Upload>, Error> {
        let before = tx.now() - crate::files::upload::MAX_AGE_MS;
        Ok(uploads::old(tx, before, UPLOADS).await?)
    }
}

async fn sweep(env: &Env, tenant: Uuid, folder: &Path) -> Result<(), Error> {
    let mut files = fs::read_dir(folder).await.context("the media folder")?;
    let mut page = Vec::new();
    while let Some(file) = files.next_entry().await.context("the media folder")? {
        if env.soft.is_cancelled() {
            return Ok(());
        }
        let is_old = file.metadata().await.ok().and_then(|about| about.modified().ok()?.elapsed().ok());
        if is_old.is_none_or(|age| age < AGE) {
            continue;
        }
        let name = file.file_name().to_string_lossy().into_owned();
        if let Some(whole) = name.strip_suffix(".part") {
            // An unfinished download of this age is abandoned. Files with other names are not ours and stay.
            if id_in_name(whole, "").is_some() {
                remove(&file.path()).await;
            }
        } else if let Some(id) = id_in_name(&name, "") {
            page.push(id);
        }
        if page.len() == PAGE {
            remove_unknown(env, tenant, folder, &mut page).await?;
        }
    }
    remove_unknown(env, tenant, folder, &mut page).await
}

async fn remove_unknown(env: &Env, tenant: Uuid, folder: &Path, page: &mut Vec<Uuid>) -> Result<(), Error> {
    let unknown = env.store.read(FindUnknown { tenant, files: std::mem::take(page) }).await?;
    for id in unknown {
        remove(&folder.join(id.to_string())).await;
    }
    Ok(())
}

async fn remove(path: &Path) {
    match fs::remove_file(path).await {
        Ok(()) => metrics::counter!("hubbub_retention_removed_total", "what" => "files").increment(1),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "a file without an attachment cannot be removed");
        }
    }
}

/// Those of the tenant's objects that nothing refers to; none of a tenant that is not of this installation.
struct FindUnknown {
    tenant: Uuid,
    files: Vec<Uuid>,
}

impl Verb for FindUnknown {
    type Out = Vec<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Uuid>, Error> {
        let mut unknown = Vec::new();
        if accounts::tenant_name(tx, self.tenant).await?.is_none() {
            return Ok(unknown);
        }
        for id in &self.files {
            let is_file = files::load(tx, self.tenant, *id).await?.is_some();
            let stored = attachments::load(tx, self.tenant, *id).await?;
            if !is_file && stored.is_none_or(|stored| stored.path.is_none()) {
                unknown.push(*id);
            }
        }
        Ok(unknown)
    }
}
