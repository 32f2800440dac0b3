//! Fetching a file of a mail. The id by which the API gives it is good for a moment only, so the mail is asked for each time
//! and the part is found by its place in it.

use serde::Deserialize;
use std::borrow::Cow;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{api::Api, base64, errors::NOT_FOUND, news::MAX_MAIL_BYTES, part::Part, wire::is_id};
use crate::{Account, Client, FetchError, Fetched, MediaRef, call::Failure, json, media::segment, sniff};

/// A multiple of four, so that each piece is decoded alone.
const PIECE: usize = 64 * 1024;

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

pub(super) async fn fetch(
    http: &Client,
    account: &Account,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    if media.size.is_some_and(|size| size > limit_bytes) {
        return Err(FetchError::TooLarge { limit_bytes });
    }
    let member = |name| json::text(&media.reference, name).ok_or(FetchError::Gone);
    let message = member("message").ok().filter(|id| is_id(id)).ok_or(FetchError::Gone)?;
    // The part of a mail that is nothing but a file has an empty place.
    let place = json::text(&media.reference, "part").unwrap_or_default();
    let mut api = Api::of(http, account)?;
    let mail = api
        .get_up_to(&format!("messages/{message}?format=full"), MAX_MAIL_BYTES)
        .await
        .map_err(refusal)?
        .json();
    let part = json::object(&mail, "payload")
        .and_then(|root| Part::of(root).find(&place))
        .ok_or(FetchError::Gone)?;
    let mut output = Output { sink, media, limit_bytes, size: 0, head: Vec::new() };
    let Some(id) = part.attachment_id() else {
        output.write(&part.bytes().unwrap_or_default()).await?;
        return output.end().await;
    };
    let path = format!("messages/{message}/attachments/{}", segment(id.as_bytes()));
    let most = limit_bytes.saturating_mul(4).div_ceil(3).saturating_add(64 * 1024);
    let most = usize::try_from(most).unwrap_or(usize::MAX).min(96 << 20);
    let answer = api.get_up_to(&path, most).await.map_err(refusal)?;
    if answer.body.len() >= most {
        return Err(FetchError::TooLarge { limit_bytes });
    }
    let attachment: Attachment<'_> = serde_json::from_slice(&answer.body)
        .map_err(|_| FetchError::Unavailable("the answer with the file cannot be read".into()))?;
    let data = attachment.data.trim_end_matches('=');
    for piece in data.as_bytes().chunks(PIECE) {
        let bytes = std::str::from_utf8(piece).ok().and_then(base64::decode);
        let bytes = bytes.ok_or_else(|| FetchError::Refused("the file is not base64".into()))?;
        output.write(&bytes).await?;
    }
    output.end().await
}

fn refusal(failure: Failure) -> FetchError {
    if failure.code == NOT_FOUND { FetchError::Gone } else { failure.into() }
}

struct Output<'a> {
    sink: &'a mut (dyn AsyncWrite + Send + Unpin),
    media: &'a MediaRef,
    limit_bytes: u64,
    size: u64,
    head: Vec<u8>,
}

impl Output<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.size += bytes.len() as u64;
        if self.size > self.limit_bytes {
            return Err(FetchError::TooLarge { limit_bytes: self.limit_bytes });
        }
        let wanted = (sniff::HEAD_BYTES - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        self.sink.write_all(bytes).await.map_err(|error| FetchError::Unavailable(error.to_string().into()))
    }

    async fn end(self) -> Result<Fetched, FetchError> {
        self.sink.flush().await.map_err(|error| FetchError::Unavailable(error.to_string().into()))?;
        Ok(Fetched {
            mime: sniff::settle(&self.head, self.media.mime.as_deref()),
            size: self.size,
            name: self.media.name.clone(),
        })
    }
}
