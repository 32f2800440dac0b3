//! Fetching a file from Meta's delivery network, whose addresses are signed and end. What is refused there is gone: no
//! second address can be asked for.

use reqwest::Url;
use tokio::io::AsyncWrite;

use super::cdn::Link;
use crate::{
    Account, Client, FetchError, Fetched, MediaRef, Words,
    media::{Elsewhere, download_by},
    outward::RequestBuilder,
};

/// What the network answers once an address has ended, or a story has.
const GONE: &[u16] = &[403, 404, 410];

pub(crate) async fn fetch(
    http: &Client,
    account: &Account,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    let link = Link::stored(&media.reference).ok_or(FetchError::Gone)?;
    let hosts = account.get("media_hosts").unwrap_or_default();
    if !link.is_allowed(hosts) {
        return Err(FetchError::Refused(Words::from(format!(
            "it lies at {}, which is no host of Meta's files",
            link.host.chars().take(100).collect::<String>()
        ))));
    }
    let follow = |url: &Url| -> Option<RequestBuilder> {
        let link = Link::of(url.as_str()).filter(|link| link.is_allowed(hosts))?;
        Some(http.get(link.address()))
    };
    let elsewhere = Elsewhere { gone: GONE, follow: &follow };
    download_by(http.get(link.address()), &elsewhere, media, limit_bytes, sink).await
}
