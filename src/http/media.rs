//! Files of messages, to those who may read the conversation.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tokio::io::AsyncReadExt;

use super::extract::{At, Attachment as OfAttachment, Read};
use super::problem::{Problem, Result};
use crate::app::AppState;
use crate::error::Error;
use crate::model::AttachmentState;
use crate::store::attachments::{self, Stored};
use crate::store::{Tx, Verb};

const CHUNK: usize = 64 * 1024;

/// What a browser may show inside the page; everything else is downloaded.
const SHOWN: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp", "audio/", "video/"];

/// The bytes of an attachment.
#[utoipa::path(get, path = "/api/v1/media/{id}", tag = "inbox", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 404, body = Problem)))]
pub async fn get(State(app): State<AppState>, at: At<OfAttachment, Read>) -> Result<Response> {
    let stored = app
        .store
        .read(Find { tenant: at.scope.tenant(), id: at.id })
        .await?
        .ok_or_else(|| Problem::not_found("attachment"))?;
    let path = stored.path.ok_or_else(|| match stored.shown.state {
        AttachmentState::Linked => Problem::not_found("copy of the file: it is at its `url`"),
        _ => Problem::not_found("file: it is not here (yet)"),
    })?;
    let file = tokio::fs::File::open(app.config.media_dir().join(path)).await.map_err(|error| {
        tracing::error!(%error, attachment = %at.id, "a stored file cannot be opened");
        Problem::not_found("file")
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
    Ok(response)
}

fn chunks(file: tokio::fs::File) -> impl futures_util::Stream<Item = std::io::Result<bytes::Bytes>> {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let mut chunk = bytes::BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (chunk.freeze(), file)))
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
