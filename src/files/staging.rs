//! Where the bytes of an upload lie until they are whole: a file for each, whose length is how far the upload has come, unless
//! its pieces go to a bucket (`pieces.rs`). One
//! request at a time writes to an upload; a newer one takes its place, because the older's connection is often dead already.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::fs::{self, File, OpenOptions};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::inspect::beside;
use crate::private;

pub struct Staging {
    root: PathBuf,
    writers: Mutex<HashMap<Uuid, Writer>>,
}

struct Writer {
    lock: Arc<tokio::sync::Mutex<()>>,
    newer: CancellationToken,
    waiting: usize,
}

/// The right to write to one upload.
pub struct Turn {
    staging: Arc<Staging>,
    id: Uuid,
    _lock: OwnedMutexGuard<()>,
    /// Cancelled when a newer request wants to write.
    pub newer: CancellationToken,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut writers = self.staging.lock();
        if let Some(writer) = writers.get_mut(&self.id) {
            writer.waiting -= 1;
            if writer.waiting == 0 {
                writers.remove(&self.id);
            }
        }
    }
}

impl Staging {
    pub fn new(root: PathBuf) -> Self {
        Self { root, writers: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Writer>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an older writer of the upload away and waits until it has gone.
    pub async fn turn(self: &Arc<Self>, id: Uuid) -> Turn {
        let newer = CancellationToken::new();
        let lock = {
            let mut writers = self.lock();
            let writer = writers.entry(id).or_insert_with(|| Writer {
                lock: Arc::default(),
                newer: CancellationToken::new(),
                waiting: 0,
            });
            writer.waiting += 1;
            std::mem::replace(&mut writer.newer, newer.clone()).cancel();
            Arc::clone(&writer.lock)
        };
        Turn { staging: Arc::clone(self), id, _lock: lock.lock_owned().await, newer }
    }

    pub fn place(&self, tenant: Uuid, id: Uuid) -> PathBuf {
        self.root.join(tenant.to_string()).join(id.to_string())
    }

    /// How many bytes have come.
    pub async fn length(&self, tenant: Uuid, id: Uuid) -> io::Result<u64> {
        match fs::metadata(self.place(tenant, id)).await {
            Ok(about) => Ok(about.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    pub async fn append(&self, tenant: Uuid, id: Uuid) -> io::Result<File> {
        let place = self.place(tenant, id);
        if let Some(folder) = place.parent() {
            private::create_dir(folder)?;
        }
        OpenOptions::from(private::create_options()).append(true).open(place).await
    }

    pub async fn remove(&self, tenant: Uuid, id: Uuid) -> io::Result<()> {
        let place = self.place(tenant, id);
        absent(fs::remove_file(beside(&place)).await)?;
        absent(fs::remove_file(place).await)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// A file that is gone already is no error.
pub fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
