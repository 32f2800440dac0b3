//! What a provider takes of files by their kind, and the bytes that it is given. Which way they go (uploaded, or by an
//! address) is each provider's own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::AsyncRead;

use crate::MediaKind;

/// The bytes of a file, read as they are sent.
pub type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// Where the bytes of a file come from. Each try opens it anew.
#[async_trait]
pub trait Source: Send + Sync {
    /// [`io::ErrorKind::NotFound`]: it is gone for good.
    async fn open(&self) -> io::Result<Reader>;
}

/// A file to be uploaded to a provider.
#[derive(Clone)]
pub struct Upload {
    /// Bytes.
    pub size: u64,
    source: Arc<dyn Source>,
}

impl Upload {
    pub fn new(size: u64, source: Arc<dyn Source>) -> Self {
        Self { size, source }
    }

    pub(crate) async fn open(&self) -> io::Result<Reader> {
        self.source.open().await
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("size", &self.size).finish_non_exhaustive()
    }
}

impl PartialEq for Upload {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && Arc::ptr_eq(&self.source, &other.source)
    }
}

/// What is taken of one kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindLimit {
    pub max_bytes: u64,
    /// Empty: any.
    pub types: &'static [&'static str],
}

/// What a provider takes of files. What it does not take as what it is goes as a document, and a voice note that cannot be
/// one as a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    pub image: KindLimit,
    pub audio: KindLimit,
    pub voice: KindLimit,
    pub video: KindLimit,
    pub document: KindLimit,
    /// It takes no bytes, only addresses that it can reach.
    pub by_address_only: bool,
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    Type { types: &'static [&'static str] },
    Size { kind: MediaKind, max_bytes: u64, as_document: Option<u64> },
}

impl FileLimits {
    /// The same for every kind.
    pub const fn any(max_bytes: u64) -> Self {
        let all = KindLimit { max_bytes, types: &[] };
        Self { image: all, audio: all, voice: all, video: all, document: all, by_address_only: false }
    }

    const fn of(&self, kind: MediaKind) -> KindLimit {
        match kind {
            MediaKind::Image => self.image,
            MediaKind::Audio => self.audio,
            MediaKind::Voice => self.voice,
            MediaKind::Video => self.video,
            MediaKind::Document | MediaKind::Sticker => self.document,
        }
    }

    /// As what such a file goes, by what it is asked to be and by its type.
    pub fn kind(&self, asked: MediaKind, mime: &str, size: u64) -> Result<MediaKind, NotTaken> {
        let fits = |kind| self.of(kind).types.is_empty() || self.of(kind).types.contains(&mime);
        let is_one = |word: &str| mime.starts_with(word);
        let kind = match asked {
            MediaKind::Image if is_one("image/") && fits(MediaKind::Image) => MediaKind::Image,
            MediaKind::Video if is_one("video/") && fits(MediaKind::Video) => MediaKind::Video,
            MediaKind::Voice if is_one("audio/") && fits(MediaKind::Voice) => MediaKind::Voice,
            MediaKind::Voice | MediaKind::Audio if is_one("audio/") && fits(MediaKind::Audio) => {
                MediaKind::Audio
            }
            _ if fits(MediaKind::Document) => MediaKind::Document,
            // What it was asked to be is the nearest: a picture is not turned into a document.
            _ => {
                let nearest = self.of(asked).types;
                let types = if nearest.is_empty() { self.document.types } else { nearest };
                return Err(NotTaken::Type { types });
            }
        };
        let max_bytes = self.of(kind).max_bytes;
        if size <= max_bytes {
            return Ok(kind);
        }
        let as_document = Some(self.document.max_bytes)
            .filter(|most| kind != MediaKind::Document && *most > max_bytes && fits(MediaKind::Document));
        Err(NotTaken::Size { kind, max_bytes, as_document })
    }

    /// The largest file of any kind.
    pub fn max_bytes(&self) -> u64 {
        [self.image, self.audio, self.voice, self.video, self.document]
            .iter()
            .map(|limit| limit.max_bytes)
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_as_what_the_provider_takes() {
        let limits = crate::provider("whatsapp-cloud").unwrap().files();
        let kind = |asked, mime, size| limits.kind(asked, mime, size);
        assert_eq!(kind(MediaKind::Image, "image/png", 1), Ok(MediaKind::Image));
        assert_eq!(kind(MediaKind::Image, "image/webp", 1), Ok(MediaKind::Document));
        assert_eq!(kind(MediaKind::Image, "text/plain", 1), Ok(MediaKind::Document), "a type that lies");
        assert_eq!(kind(MediaKind::Voice, "audio/ogg", 1), Ok(MediaKind::Voice));
        assert_eq!(kind(MediaKind::Voice, "audio/mpeg", 1), Ok(MediaKind::Audio));
        assert_eq!(kind(MediaKind::Voice, "audio/webm", 1), Ok(MediaKind::Document));
        let large = kind(MediaKind::Image, "image/png", 6_000_000);
        let as_document = Some(limits.document.max_bytes);
        assert_eq!(
            large,
            Err(NotTaken::Size { kind: MediaKind::Image, max_bytes: limits.image.max_bytes, as_document })
        );
        let instagram = crate::provider("instagram").unwrap().files();
        assert!(matches!(
            instagram.kind(MediaKind::Document, "application/zip", 1),
            Err(NotTaken::Type { .. })
        ));
        assert_eq!(instagram.kind(MediaKind::Document, "application/pdf", 1), Ok(MediaKind::Document));
        assert!(
            matches!(instagram.kind(MediaKind::Image, "image/heic", 1), Err(NotTaken::Type { types }) if types.contains(&"image/jpeg"))
        );
    }
}
