//! The port to where the bytes of files are, and its two implementations: a folder, and a bucket of the S3 API. An object has
//! a key and is written once; what is not there is deleted already.
//!
//! To add one: an `impl Library` in a file of its own, a mark for its paths in [`Libraries`], and a line in the conformance
//! suite below (`library/tests.rs`).

mod folder;
mod mark;
mod s3;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::time::Duration;

use adapters::Reader;
use async_trait::async_trait;
use uuid::Uuid;

pub use folder::Folder;
pub use s3::{Listed, S3, S3Settings};

use crate::config::Config;

#[async_trait]
pub trait Library: Send + Sync {
    /// Keeps a complete local file under a key. The local file may be gone afterwards; if this fails, it is still there.
    async fn put(&self, key: &str, from: &Path) -> io::Result<()>;

    /// Keeps a few bytes under a key that has no object yet. `false`: it has one, which stays.
    async fn put_new(&self, key: &str, bytes: &[u8]) -> io::Result<bool>;

    /// [`io::ErrorKind::NotFound`]: there is no such object.
    async fn open(&self, key: &str) -> io::Result<Reader>;

    /// An object that is not there is no error.
    async fn delete(&self, key: &str) -> io::Result<()>;

    /// The keys that begin so, for tests and for the operator.
    async fn keys(&self, prefix: &str) -> io::Result<Vec<String>>;
}

/// The libraries of an installation: one for new files; the others keep what they have.
pub struct Libraries {
    folder: Folder,
    s3: Option<S3>,
    writes_to_s3: bool,
}

/// By which nodes know whether they see each other's files.
#[derive(Debug)]
pub struct Marks {
    /// Of the library that new files go to.
    pub written: io::Result<String>,
    /// Of all that can be read, that one included.
    pub readable: Vec<String>,
}

/// How long a bucket has to tell its mark, or what is in it: its client tries again by itself for minutes.
pub(super) const BUCKET_PATIENCE: Duration = Duration::from_secs(10);

/// Begins the paths of objects in the bucket; paths without it are the folder's.
const S3_MARK: &str = "s3:";

impl Libraries {
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = &config.files;
        let s3 = if settings.s3_bucket.is_empty() {
            None
        } else {
            Some(S3::open(&S3Settings {
                endpoint: &settings.s3_endpoint,
                region: &settings.s3_region,
                bucket: &settings.s3_bucket,
                prefix: &settings.s3_prefix,
                access_key: &settings.s3_access_key,
                secret_key: &settings.s3_secret_key,
            })?)
        };
        Ok(Self { folder: Folder::new(config.media_dir()), s3, writes_to_s3: settings.file_library == "s3" })
    }

    /// Where a new object is to be: `key` in the library that is written to.
    pub fn path(&self, key: &str) -> String {
        if self.writes_to_s3 { format!("{S3_MARK}{key}") } else { key.to_owned() }
    }

    /// The marks of the libraries. The one that is written to gets one, and so does the bucket; a folder that is only read
    /// keeps what it has.
    pub async fn marks(&self, id: Uuid) -> Marks {
        self.look(id, true).await
    }

    /// The same without making one: where there is none, it is this one that a start would make.
    pub async fn marks_at_start(&self, id: Uuid) -> Marks {
        self.look(id, false).await
    }

    async fn look(&self, id: Uuid, makes: bool) -> Marks {
        let folder = if self.writes_to_s3 {
            mark::read(&self.folder).await
        } else {
            mark_of(&self.folder, id, makes).await.map(Some)
        };
        let s3 = match &self.s3 {
            Some(s3) => match tokio::time::timeout(BUCKET_PATIENCE, mark_of(s3, id, makes)).await {
                Ok(mark) => mark.map(Some),
                Err(_) => Err(io::Error::other("the bucket does not answer")),
            },
            None => Ok(None),
        };
        let folder = folder.map(|mark| mark.map(|mark| format!("folder:{mark}")));
        let s3 = s3.map(|mark| mark.map(|mark| format!("{S3_MARK}{mark}")));
        let marks = [&folder, &s3].into_iter().filter_map(|mark| mark.as_ref().ok()?.clone());
        let readable = marks.collect();
        let written = if self.writes_to_s3 { s3 } else { folder };
        let named = |mark: Option<String>| mark.ok_or_else(|| io::Error::other("s3_bucket names no bucket"));
        Marks { written: written.and_then(named), readable }
    }

    /// The bucket, if there is one.
    pub fn bucket(&self) -> Option<&S3> {
        self.s3.as_ref()
    }

    /// The bucket, if new files go there: pieces of uploads lie there too, where all nodes see them.
    pub fn for_pieces(&self) -> Option<&S3> {
        self.s3.as_ref().filter(|_| self.writes_to_s3)
    }

    fn of<'a>(&self, path: &'a str) -> io::Result<(&dyn Library, &'a str)> {
        match (path.strip_prefix(S3_MARK), &self.s3) {
            (None, _) => Ok((&self.folder, path)),
            (Some(key), Some(s3)) => Ok((s3, key)),
            (Some(_), None) => {
                Err(io::Error::other("the file is in a bucket, and the configuration names none (s3_bucket)"))
            }
        }
    }

    pub async fn put(&self, path: &str, from: &Path) -> io::Result<()> {
        let (library, key) = self.of(path)?;
        library.put(key, from).await
    }

    pub async fn get(&self, path: &str) -> io::Result<Reader> {
        let (library, key) = self.of(path)?;
        library.open(key).await
    }

    pub async fn delete(&self, path: &str) -> io::Result<()> {
        let (library, key) = self.of(path)?;
        library.delete(key).await
    }
}

/// The mark of a library; of one that has none, this one, which it then gets if it `makes` it.
async fn mark_of(library: &dyn Library, id: Uuid, makes: bool) -> io::Result<String> {
    if makes {
        return mark::read_or_make(library, id).await;
    }
    Ok(mark::read(library).await?.unwrap_or_else(|| id.simple().to_string()))
}

/// An object as a source of a send.
pub struct Stored {
    pub libraries: std::sync::Arc<Libraries>,
    pub path: String,
}

#[async_trait]
impl adapters::Source for Stored {
    async fn open(&self) -> io::Result<Reader> {
        self.libraries.get(&self.path).await
    }
}
