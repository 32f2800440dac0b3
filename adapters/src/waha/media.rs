//! Fetching a file from the WAHA server, which keeps it for minutes only. When it is gone or was never downloaded, the
//! server is asked to get the message with its file once more.

use reqwest::Method;
use tokio::io::AsyncWrite;

use super::{
    api::{Api, segment},
    content::file_path,
};
use crate::{Account, Client, FetchError, Fetched, MediaRef, call::Verdict, json, media::download};

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
    let api = Api::of(http, account)?;
    if let Some(path) = json::text(&media.reference, "path").and_then(|path| file_path(&path)) {
        match download(api.request(Method::GET, &path), media, limit_bytes, sink).await {
            Err(FetchError::Gone) => {}
            done => return done,
        }
    }
    let path = renewed(&api, media).await?;
    download(api.request(Method::GET, &path), media, limit_bytes, sink).await
}

/// Where the server put the file after being asked to download it again.
async fn renewed(api: &Api<'_>, media: &MediaRef) -> Result<String, FetchError> {
    let part = |name| json::text(&media.reference, name).map(|text| segment(&text)).ok_or(FetchError::Gone);
    let (chat, message) = (part("chat")?, part("message")?);
    let path = format!("/api/{}/chats/{chat}/messages/{message}?downloadMedia=true", api.session);
    let answer = match api.get(&path).await {
        Ok(answer) => answer.json(),
        // Not the session is unknown but the message.
        Err(failure) if failure.code == "session_unknown" => return Err(FetchError::Gone),
        Err(failure) if failure.verdict == Verdict::ChannelDown && failure.code == "session_down" => {
            return Err(FetchError::Unavailable(failure.reason));
        }
        Err(failure) => return Err(failure.into()),
    };
    json::object(&answer, "media")
        .and_then(|media| json::text(media, "url"))
        .and_then(|url| file_path(&url))
        .ok_or(FetchError::Gone)
}
