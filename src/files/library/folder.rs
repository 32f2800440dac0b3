//! A folder of this machine, which several nodes may share. A key is a path of two names below it.

use std::io;
use std::path::{Path, PathBuf};

use adapters::Reader;
use async_trait::async_trait;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::Library;
use crate::private;

pub struct Folder(PathBuf);

impl Folder {
    pub fn new(root: PathBuf) -> Self {
        Self(root)
    }

    /// Keys are ours (ids), so one that climbs is damage.
    fn place(&self, key: &str) -> io::Result<PathBuf> {
        if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a key that leads out of the folder"));
        }
        Ok(self.0.join(key))
    }
}

#[async_trait]
impl Library for Folder {
    /// By a rename where it is the same file system, else by a copy under another name first.
    async fn put(&self, key: &str, from: &Path) -> io::Result<()> {
        let place = self.place(key)?;
        if let Some(parent) = place.parent() {
            private::create_dir(parent)?;
        }
        fs::File::open(from).await?.sync_all().await?;
        match fs::rename(from, &place).await {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let part = place.with_extension("part");
                let mut to =
                    fs::OpenOptions::from(private::create_options()).truncate(true).open(&part).await?;
                tokio::io::copy(&mut fs::File::open(from).await?, &mut to).await?;
                to.sync_all().await?;
                fs::rename(&part, &place).await?;
                let _ = fs::remove_file(from).await;
                Ok(())
            }
            done => done,
        }
    }

    async fn put_new(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        let place = self.place(key)?;
        if let Some(parent) = place.parent() {
            private::create_dir(parent)?;
        }
        let mut file =
            match fs::OpenOptions::from(private::create_options()).create_new(true).open(&place).await {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                file => file?,
            };
        file.write_all(bytes).await?;
        file.sync_all().await?;
        Ok(true)
    }

    async fn open(&self, key: &str) -> io::Result<Reader> {
        Ok(Box::pin(fs::File::open(self.place(key)?).await?))
    }

    async fn delete(&self, key: &str) -> io::Result<()> {
        match fs::remove_file(self.place(key)?).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn keys(&self, prefix: &str) -> io::Result<Vec<String>> {
        let Some((folder, start)) = prefix.rsplit_once('/') else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "name a tenant's folder"));
        };
        let mut found = Vec::new();
        let mut entries = match fs::read_dir(self.0.join(folder)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(start) {
                found.push(format!("{folder}/{name}"));
            }
        }
        Ok(found)
    }
}
