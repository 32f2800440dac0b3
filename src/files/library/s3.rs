//! A bucket of the S3 API. A large file goes in parts, of which one is in memory at a time; what a process that died left
//! of them is the bucket's own rule to remove (docs/files.md).

use std::io;
use std::path::Path;

use adapters::Reader;
use anyhow::Context as _;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::Library;

/// The smallest that the API takes but for the last one.
const PART: usize = 5 << 20;

pub struct S3Settings<'a> {
    /// Empty: Amazon's own.
    pub endpoint: &'a str,
    pub region: &'a str,
    pub bucket: &'a str,
    /// Before every key.
    pub prefix: &'a str,
    pub access_key: &'a str,
    pub secret_key: &'a str,
}

pub struct S3 {
    bucket: AmazonS3,
    prefix: String,
}

impl S3 {
    pub fn open(settings: &S3Settings<'_>) -> anyhow::Result<Self> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(settings.bucket)
            .with_region(if settings.region.is_empty() { "us-east-1" } else { settings.region })
            .with_access_key_id(settings.access_key)
            .with_secret_access_key(settings.secret_key);
        if !settings.endpoint.is_empty() {
            builder = builder
                .with_endpoint(settings.endpoint)
                // A server of one's own beside this one; the operator named it.
                .with_allow_http(settings.endpoint.starts_with("http://"));
        }
        let prefix = settings.prefix.trim_matches('/').to_owned();
        Ok(Self { bucket: builder.build().context("the bucket for files")?, prefix })
    }

    fn key(&self, key: &str) -> Key {
        if self.prefix.is_empty() { Key::from(key) } else { Key::from(format!("{}/{key}", self.prefix)) }
    }

    async fn put_in_parts(&self, key: &Key, file: &mut File, first: Bytes) -> io::Result<()> {
        let mut parts = self.bucket.put_multipart(key).await.map_err(other)?;
        let mut part = first;
        let written = async {
            while !part.is_empty() {
                parts.put_part(PutPayload::from_bytes(std::mem::take(&mut part))).await.map_err(other)?;
                part = next_part(file).await?;
            }
            parts.complete().await.map_err(other)
        };
        match written.await {
            Ok(_) => Ok(()),
            Err(error) => {
                let _ = parts.abort().await;
                Err(error)
            }
        }
    }
}

async fn next_part(file: &mut File) -> io::Result<Bytes> {
    let mut part = BytesMut::with_capacity(PART);
    while part.len() < PART {
        let room = (PART - part.len()) as u64;
        if (&mut *file).take(room).read_buf(&mut part).await? == 0 {
            break;
        }
    }
    Ok(part.freeze())
}

fn other(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => io::Error::from(io::ErrorKind::NotFound),
        error => io::Error::other(error.to_string()),
    }
}

/// An object of a listing.
pub struct Listed {
    pub key: String,
    pub modified_at_ms: i64,
}

impl S3 {
    /// The next objects after a key, in the order of their keys; none at the end.
    pub async fn page(&self, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        let prefix = (!self.prefix.is_empty()).then(|| Key::from(self.prefix.as_str()));
        let listed = self.bucket.list_with_offset(prefix.as_ref(), &self.key(after)).take(limit);
        let listed = listed.map_ok(|about| Listed {
            key: self.ours(&about.location),
            modified_at_ms: about.last_modified.timestamp_millis(),
        });
        listed.try_collect().await.map_err(other)
    }

    fn ours(&self, key: &Key) -> String {
        let key = key.as_ref();
        key.strip_prefix(&self.prefix).unwrap_or(key).trim_start_matches('/').to_owned()
    }
}

#[async_trait]
impl Library for S3 {
    async fn put(&self, key: &str, from: &Path) -> io::Result<()> {
        let (key, mut file) = (self.key(key), File::open(from).await?);
        let first = next_part(&mut file).await?;
        if first.len() < PART {
            return self.bucket.put(&key, PutPayload::from_bytes(first)).await.map(drop).map_err(other);
        }
        self.put_in_parts(&key, &mut file, first).await
    }

    /// A server that has no such condition ignores it or refuses the call: then the last one who writes is the first.
    async fn put_new(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        let (key, payload) = (self.key(key), PutPayload::from(bytes.to_vec()));
        match self.bucket.put_opts(&key, payload.clone(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(_) => self.bucket.put(&key, payload).await.map(|_| true).map_err(other),
        }
    }

    async fn open(&self, key: &str) -> io::Result<Reader> {
        let found = self.bucket.get(&self.key(key)).await.map_err(other)?;
        let stream = found.into_stream().map_err(other).boxed();
        Ok(Box::pin(Pieces { stream, piece: Bytes::new() }))
    }

    async fn delete(&self, key: &str) -> io::Result<()> {
        match self.bucket.delete(&self.key(key)).await.map_err(other) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn keys(&self, prefix: &str) -> io::Result<Vec<String>> {
        let listed = self.bucket.list(Some(&self.key(prefix.trim_end_matches('/'))));
        listed.map_ok(|about| self.ours(&about.location)).try_collect().await.map_err(other)
    }
}

/// A stream of pieces as a reader.
struct Pieces {
    stream: futures_util::stream::BoxStream<'static, io::Result<Bytes>>,
    piece: Bytes,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        use std::task::{Poll, ready};
        while self.piece.is_empty() {
            match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
        let most = self.piece.len().min(into.remaining());
        into.put_slice(&self.piece.split_to(most));
        Poll::Ready(Ok(()))
    }
}
