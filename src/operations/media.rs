//! Files of messages, for callers who may read the conversation.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use tokio::io::AsyncReadExt;

use super::At;
use super::answer::Answer;
use super::schemas::{Schemas, Shape};
use crate::error::Error;
use crate::model::AttachmentState;
use crate::store::attachments::{self, Stored};
use crate::store::{Tx, Verb};

const CHUNK: usize = 64 * 1024;

/// Types that a browser may show inline; everything else is a download.
const SHOWN: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp", "audio/", "video/"];

/// The bytes of a file.
pub struct Bytes(Response);

impl Answer for Bytes {
    fn shapes(_: &mut Schemas) -> Vec<Shape> {
        vec![Shape::of(200, "application/octet-stream").says("The bytes")]
    }

    fn answer(self) -> Response {
        self.0
    }
}

pub async fn get(at: At) -> Result<Bytes, Error> {
    let stored = at
        .app
        .store
        .read(Find { tenant: at.scope.tenant(), id: at.id })
        .await?
        .ok_or(Error::NotFound("attachment"))?;
    let path = stored.path.ok_or(match stored.shown.state {
        AttachmentState::Linked => Error::NotFound("copy of the file: it is at its `url`"),
        _ => Error::NotFound("file: it is not here (yet)"),
    })?;
    let file = at.app.files.libraries.get(&path).await.map_err(|error| {
        tracing::error!(%error, attachment = %at.id, "a stored file cannot be opened");
        Error::NotFound("file")
    })?;
    let mime = stored.shown.mime.unwrap_or_default();
    let shown = SHOWN.iter().any(|allowed| mime.starts_with(allowed));
    let mime = HeaderValue::from_str(&mime).ok().filter(|_| shown);
    let mut response = Body::from_stream(chunks(file)).into_response();
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, mime.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(if shown { "inline" } else { "attachment" }),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(Bytes(response))
}

/// A small picture.
pub struct Picture(Vec<u8>);

impl Answer for Picture {
    fn shapes(_: &mut Schemas) -> Vec<Shape> {
        vec![Shape::of(200, "image/jpeg").says("At most 320 pixels wide and high")]
    }

    fn answer(self) -> Response {
        let mut response = self.0.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
        response
    }
}

pub async fn thumbnail(at: At) -> Result<Picture, Error> {
    let none = Error::NotFound("thumbnail: this file has none");
    let stored = at.app.store.read(Find { tenant: at.scope.tenant(), id: at.id }).await?;
    let Some(stored) = stored.filter(|stored| stored.shown.has_thumbnail()) else { return Err(none) };
    let Some(path) = stored.path else { return Err(none) };
    let part = at.app.store.ids().next();
    let made = at.app.files.thumbnail(at.scope.tenant(), &stored.shown, &path, part).await?;
    made.map(Picture).ok_or(none)
}

pub(super) fn chunks(
    bytes: adapters::Reader,
) -> impl futures_util::Stream<Item = std::io::Result<bytes::Bytes>> {
    futures_util::stream::try_unfold(bytes, |mut bytes| async move {
        let mut chunk = bytes::BytesMut::with_capacity(CHUNK);
        let read = bytes.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (chunk.freeze(), bytes)))
    })
}

struct Find {
    tenant: uuid::Uuid,
    id: uuid::Uuid,
}

impl Verb for Find {
    type Out = Option<Stored>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(attachments::load(tx, self.tenant, self.id).await?)
    }
}
