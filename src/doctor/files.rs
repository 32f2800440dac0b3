//! Where files are kept: the folder, or a bucket in which one object is written, read, listed and deleted; and whether the
//! nodes that run see the same.

use std::path::Path;
use std::time::Duration;

use super::database::look;
use super::{Judged, Patient};
use crate::clock::Ids;
use crate::files::Libraries;
use crate::files::library::{Library as _, S3, S3Settings};
use crate::files::shared::{apart, is_in_bucket, kind, place, remedy};
use crate::store::Engine;
use crate::store::inspect::{Inspection, Schema};

/// The bucket's client tries again by itself for minutes.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn library(patient: &Patient<'_>) -> Judged {
    let (config, mut judged) = (patient.config, Judged::default());
    let has_bucket = !config.files.s3_bucket.is_empty();
    if has_bucket {
        judged = bucket(judged, patient).await;
    }
    if !is_in_bucket(config) {
        judged = folder(judged, &config.media_dir());
    } else if !has_bucket {
        judged = judged
            .and_fail("file_library is s3, and no bucket is named", "set s3_bucket and what goes with it");
    }
    if Engine::of(&config.store.database_url) == Engine::Postgres {
        judged = seen_by_others(judged, patient).await;
    }
    judged
}

fn folder(judged: Judged, folder: &Path) -> Judged {
    // It is made with the first file.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    match tempfile::tempfile_in(there) {
        Ok(_) => judged.and_ok(format!("{} can be written", folder.display())),
        Err(error) => judged.and_fail(
            format!("{} cannot be written: {error}", folder.display()),
            "let the server's user write there",
        ),
    }
}

async fn bucket(judged: Judged, patient: &Patient<'_>) -> Judged {
    let name = &patient.config.files.s3_bucket;
    let advice = "check s3_endpoint, s3_region, s3_bucket and the keys, which need the rights to read, write, delete and list";
    match tokio::time::timeout(PATIENCE, try_bucket(patient)).await {
        Ok(Ok(())) => judged.and_ok(format!("the bucket {name} can be written, read and listed")),
        Ok(Err(error)) => judged.and_fail(format!("the bucket {name}: {error:#}"), advice),
        Err(_) => judged.and_fail(format!("the bucket {name} does not answer"), advice),
    }
}

/// Whether a server that started here would join the nodes that run, as `start/join.rs` decides it. Nothing is marked.
async fn seen_by_others(judged: Judged, patient: &Patient<'_>) -> Judged {
    let config = patient.config;
    let found = match look(patient).await {
        // There can be no other nodes.
        Ok(Inspection { schema: Schema::None, .. }) => return judged,
        Ok(Inspection { nodes: Some(listed), library, .. }) => Ok((listed, library)),
        Ok(_) => Err("of an older schema"),
        Err(_) => Err("without the database"),
    };
    let (listed, before) = match found {
        Ok(found) => found,
        Err(why) => {
            return judged.and_warn(format!("whether other nodes see the same files is not known {why}"), "");
        }
    };
    let libraries = match Libraries::open(config) {
        Ok(libraries) => libraries,
        Err(error) => return judged.and_fail(format!("{error:#}"), "mend the settings of [files]"),
    };
    let marks = libraries.marks_at_start(Ids::new(patient.clock.clone()).next()).await;
    let library = match &marks.written {
        Ok(mark) => mark,
        Err(error) => {
            let what = format!("{} does not tell its mark: {error}", place(config));
            let advice = "by the mark nodes know whether they see the same files: let the server's user read and write there";
            // A start is refused for a folder only.
            return if is_in_bucket(config) {
                judged.and_warn(what, advice)
            } else {
                judged.and_fail(what, advice)
            };
        }
    };
    if let Some(other) = listed.live().find(|node| node.is_apart_from(Some(library), &marks.readable)) {
        return judged.and_fail(apart(config, &marks.readable, other), remedy());
    }
    match (listed.live().count(), before) {
        (0, Some(before)) if before != *library && !marks.readable.contains(&before) => judged.and_warn(
            format!("{} is not the {} that files were kept in until now", place(config), kind(&before)),
            "if that is only not mounted, or named wrongly, mend it before the start; if its files were moved here, all is well",
        ),
        (0, _) => judged.and_ok("no node runs that would have to see the same files"),
        (count, _) => judged.and_ok(format!("{count} running, with the same files")),
    }
}

async fn try_bucket(patient: &Patient<'_>) -> anyhow::Result<()> {
    use tokio::io::AsyncReadExt as _;
    let settings = &patient.config.files;
    let bucket = S3::open(&S3Settings {
        endpoint: &settings.s3_endpoint,
        region: &settings.s3_region,
        bucket: &settings.s3_bucket,
        prefix: &settings.s3_prefix,
        access_key: &settings.s3_access_key,
        secret_key: &settings.s3_secret_key,
    })?;
    let key = format!("doctor/{}", Ids::new(patient.clock.clone()).next().simple());
    let file = tempfile::NamedTempFile::new()?;
    tokio::fs::write(file.path(), b"hubbub doctor").await?;
    bucket.put(&key, file.path()).await?;
    let mut read = Vec::new();
    bucket.open(&key).await?.read_to_end(&mut read).await?;
    anyhow::ensure!(read == b"hubbub doctor", "what was read is not what was written");
    anyhow::ensure!(bucket.keys("doctor/").await?.contains(&key), "what was written is not listed");
    bucket.delete(&key).await?;
    Ok(())
}
