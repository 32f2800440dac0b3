//! Downloading a provider's file into a sink, within a size and a time, with the type taken from the bytes. Which
//! address may be asked is decided by the provider that builds the request.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use reqwest::Url;

use crate::{FetchError, Fetched, MediaKind, MediaRef, call, outward::RequestBuilder, sniff};

/// What a host means by its answers, where hosts differ.
pub(crate) struct Elsewhere<'a> {
    /// Statuses that say that the file is not there any more.
    pub gone: &'a [u16],
    /// The request for an address that the host points to; nothing: it is none of the provider's.
    pub follow: &'a (dyn Fn(&Url) -> Option<RequestBuilder> + Sync),
}

/// Addresses that a host may point to before it gives the file out.
const MAX_HOPS: usize = 3;

/// A whole file, however slowly it trickles.
const MAX_TIME: Duration = Duration::from_mins(2);

/// One segment of a path, everything but plain letters, digits and `-_.~` escaped. `.` and `..` stay what they are: who
/// may meet them refuses them, or escapes with [`escape`].
pub(crate) fn segment(text: &[u8]) -> String {
    escape(text, b"-_.~")
}

/// Everything but plain letters, digits and those bytes.
pub(crate) fn escape(text: &[u8], but: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_alphanumeric() || but.contains(byte) {
            escaped.push(char::from(*byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hex::encode_upper([*byte]));
        }
    }
    escaped
}

/// From an address that has no business elsewhere: following could lead into our own network.
pub(crate) async fn download(
    request: RequestBuilder,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    let elsewhere = Elsewhere { gone: &[404, 410], follow: &|_| None };
    download_by(request, &elsewhere, media, limit_bytes, sink).await
}

pub(crate) async fn download_by(
    request: RequestBuilder,
    elsewhere: &Elsewhere<'_>,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    let broken = |error| FetchError::Unavailable(call::lost(error).reason);
    let mut response = request.timeout(MAX_TIME).send().await?;
    for _ in 0..MAX_HOPS {
        let Some(next) = pointed_to(&response).and_then(|url| (elsewhere.follow)(&url)) else { break };
        response = next.timeout(MAX_TIME).send().await?;
    }
    match response.status().as_u16() {
        200 => {}
        status if elsewhere.gone.contains(&status) => return Err(FetchError::Gone),
        300..=399 => return Err(FetchError::Refused("the provider pointed to another address".into())),
        status @ (429 | 500..=599) => {
            return Err(FetchError::Unavailable(format!("the provider answered {status}").into()));
        }
        status => return Err(FetchError::Refused(format!("the provider answered {status}").into())),
    }
    let too_large = FetchError::TooLarge { limit_bytes };
    if response.content_length().is_some_and(|length| length > limit_bytes) {
        return Err(too_large);
    }
    let mut size = 0;
    let mut head = Vec::with_capacity(sniff::HEAD_BYTES);
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        size += chunk.len() as u64;
        if size > limit_bytes {
            return Err(too_large);
        }
        let wanted = (sniff::HEAD_BYTES - head.len()).min(chunk.len());
        head.extend_from_slice(&chunk[..wanted]);
        sink.write_all(&chunk).await.map_err(|error| FetchError::Unavailable(error.to_string().into()))?;
    }
    if media.kind != MediaKind::Document && (size == 0 || sniff::is_page(&head)) {
        return Err(FetchError::Unavailable("the provider answered without the file".into()));
    }
    sink.flush().await.map_err(|error| FetchError::Unavailable(error.to_string().into()))?;
    Ok(Fetched { mime: sniff::settle(&head, media.mime.as_deref()), size, name: media.name.clone() })
}

fn pointed_to(response: &reqwest::Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get("location")?.to_str().ok()?;
    response.url().join(location).ok()
}
