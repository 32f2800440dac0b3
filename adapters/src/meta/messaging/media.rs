//! Fetching a file from Meta's delivery network, whose addresses are signed and end. What is refused there is gone: no
//! second address can be asked for. No token is sent along.

use reqwest::Url;
use tokio::io::AsyncWrite;

use super::cdn::Link;
use crate::{
    Account, Client, FetchError, Fetched, MediaRef,
    media::{Elsewhere, download_by},
    meta::{graph, media::address},
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
    // An installation's own server gives files out too, and has to be named as one.
    graph::base(account, "graph_base", graph::BASE)?;
    let link = Link::stored(&media.reference).ok_or(FetchError::Gone)?;
    let url = address(account, &link.address())?;
    let follow = |url: &Url| Some(http.get(address(account, url.as_str()).ok()?));
    let elsewhere = Elsewhere { gone: GONE, follow: &follow };
    download_by(http.get(url), &elsewhere, media, limit_bytes, sink).await
}
