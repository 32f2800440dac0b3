//! Downloading a provider's file into a sink, within a size and a time, with the type taken from the bytes. Which
//! address may be asked is decided by the provider that builds the request.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{FetchError, Fetched, MediaRef, call, outward::RequestBuilder, sniff};

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

pub(crate) async fn download(
    request: RequestBuilder,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    let broken = |error| FetchError::Unavailable(call::lost(error).reason);
    let mut response = request.timeout(MAX_TIME).send().await?;
    match response.status().as_u16() {
        200 => {}
        404 | 410 => return Err(FetchError::Gone),
        // The address is ours and has no business elsewhere; following could lead into our own network.
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
    sink.flush().await.map_err(|error| FetchError::Unavailable(error.to_string().into()))?;
    Ok(Fetched { mime: sniff::settle(&head, media.mime.as_deref()), size, name: media.name.clone() })
}
