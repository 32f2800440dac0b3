//! Where files are kept: the folder, or a bucket in which one object is written, read, listed and deleted.

use std::path::Path;
use std::time::Duration;

use super::{Judged, Patient};
use crate::clock::Ids;
use crate::files::library::{Library as _, S3, S3Settings};
use crate::store::Engine;

/// The bucket's client tries again by itself for minutes.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn library(patient: &Patient<'_>) -> Judged {
    let (config, settings) = (patient.config, &patient.config.files);
    if settings.s3_bucket.is_empty() {
        let folder = config.media_dir();
        if Engine::of(&config.store.database_url) == Engine::Postgres {
            return Judged::warn(
                format!("files are in the folder {}", folder.display()),
                "with several nodes all of them must see the same folder; a bucket needs none (file_library = \"s3\")",
            );
        }
        // It is made with the first file.
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        return match tempfile::tempfile_in(there) {
            Ok(_) => Judged::ok(format!("{} can be written", folder.display())),
            Err(error) => Judged::fail(
                format!("{} cannot be written: {error}", folder.display()),
                "let the server's user write there",
            ),
        };
    }
    let advice = "check s3_endpoint, s3_region, s3_bucket and the keys, which need the rights to read, write, delete and list";
    match tokio::time::timeout(PATIENCE, try_bucket(patient)).await {
        Ok(Ok(())) => {
            Judged::ok(format!("the bucket {} can be written, read and listed", settings.s3_bucket))
        }
        Ok(Err(error)) => Judged::fail(format!("the bucket {}: {error:#}", settings.s3_bucket), advice),
        Err(_) => Judged::fail(format!("the bucket {} does not answer", settings.s3_bucket), advice),
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
