//! Fetching a file in two steps: its id gives an address that lives for minutes and wants the token as well.

use serde_json::Value;
use tokio::io::AsyncWrite;

use super::send::Number;
use crate::{
    Account, Client, FetchError, Fetched, MediaRef,
    call::Failure,
    json as read,
    media::{Elsewhere, download_by},
    meta::media::{Hashed, address, sha256},
};

/// What an address answers that has run out. Whether the file is still there, only its id tells.
const RUN_OUT: &[u16] = &[400, 401, 403, 404, 410];

pub(super) async fn fetch(
    http: &Client,
    account: &Account,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    let id = read::text(&media.reference, "id").ok_or(FetchError::Gone)?;
    let number = Number::of(http, account)?;
    let fetched = attempt(&number, account, (&id, media), limit_bytes, sink).await?;
    match fetched {
        Some(fetched) => Ok(fetched),
        None => attempt(&number, account, (&id, media), limit_bytes, sink)
            .await?
            .ok_or_else(|| FetchError::Unavailable("WhatsApp refuses the address that it gives".into())),
    }
}

/// Nothing: the address had run out, and nothing of the file came.
async fn attempt(
    number: &Number<'_>,
    account: &Account,
    (id, media): (&str, &MediaRef),
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Option<Fetched>, FetchError> {
    let about = number.graph.get(&[id], &[]).await.map_err(refusal)?;
    if read::unsigned(&about, "file_size").or(media.size).is_some_and(|size| size > limit_bytes) {
        return Err(FetchError::TooLarge { limit_bytes });
    }
    let url = read::text(&about, "url").ok_or(FetchError::Gone)?;
    let request = number.graph.file(address(account, &url)?);
    let mut hashed = Hashed::new(sink);
    let elsewhere = Elsewhere { gone: RUN_OUT, follow: &|_| None };
    let file = claimed(media, &about);
    let fetched = match download_by(request, &elsewhere, &file, limit_bytes, &mut hashed).await {
        Err(FetchError::Gone) => return Ok(None),
        fetched => fetched?,
    };
    let digest = |value: &Value| read::key(value, "sha256").and_then(|text| sha256(&text));
    match digest(&about).or_else(|| digest(&media.reference)) {
        Some(promised) if promised != hashed.finish().as_ref() => {
            Err(FetchError::Unavailable("the file came damaged".into()))
        }
        _ => Ok(Some(fetched)),
    }
}

/// The type that the answer names, where the message did not.
fn claimed(media: &MediaRef, about: &Value) -> MediaRef {
    let mime = media.mime.clone().or_else(|| read::text(about, "mime_type"));
    MediaRef { mime, ..media.clone() }
}

/// WhatsApp keeps a customer's file for a week.
fn refusal(failure: Failure) -> FetchError {
    match failure.code.as_str() {
        "404" | "parameter" => FetchError::Gone,
        _ => failure.into(),
    }
}
