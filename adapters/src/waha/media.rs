//! Fetching a file from the WAHA server, which keeps it for minutes only. When it is gone or was never downloaded, the
//! server is asked to get the message with its file once more.

use reqwest::{Client, Method, RequestBuilder};
use tokio::io::AsyncWrite;

use super::{
    api::{Api, segment},
    files::Place,
};
use crate::{Account, FetchError, Fetched, MediaRef, call::Verdict, json, media::download};

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
    if let Some(place) = Place::stored(&media.reference) {
        let is_store = matches!(place, Place::Store(_));
        match download(request(http, &api, account, &place)?, media, limit_bytes, sink).await {
            Err(FetchError::Gone) => {}
            // A store answers 400 or 403 to a signature that has run out.
            Err(FetchError::Refused(_)) if is_store => {}
            done => return done,
        }
    }
    let place = renewed(&api, media).await?;
    download(request(http, &api, account, &place)?, media, limit_bytes, sink).await
}

/// A store is asked without the key, which is the server's alone.
fn request(
    http: &Client,
    api: &Api<'_>,
    account: &Account,
    place: &Place,
) -> Result<RequestBuilder, FetchError> {
    match place {
        Place::Api(path) => Ok(api.request(Method::GET, path)),
        Place::Store(store) if store.is_one_of(account.get("media_host").unwrap_or_default()) => {
            Ok(http.get(store.address()))
        }
        Place::Store(store) => Err(FetchError::Refused(format!(
            "it lies at {}, which is not an address of this channel; if the WAHA server keeps its files there, the \
             channel's media_host has to name it",
            store.host.chars().take(100).collect::<String>()
        ))),
    }
}

/// Where the server put the file after being asked to download it again.
async fn renewed(api: &Api<'_>, media: &MediaRef) -> Result<Place, FetchError> {
    let part = |name| json::text(&media.reference, name).map(|text| segment(&text)).ok_or(FetchError::Gone);
    let (chat, message) = (part("chat")?, part("message")?);
    let path = format!("/api/{}/chats/{chat}/messages/{message}?downloadMedia=true", api.session);
    let answer = match api.get(&path).await {
        Ok(answer) => answer.json(),
        // Not the session is unknown but the message.
        Err(failure) if matches!(failure.code.as_str(), "session_unknown" | "chat_not_found") => {
            return Err(FetchError::Gone);
        }
        Err(failure) if failure.verdict == Verdict::ChannelDown && failure.code == "session_down" => {
            return Err(FetchError::Unavailable(failure.reason));
        }
        Err(failure) => return Err(failure.into()),
    };
    json::object(&answer, "media")
        .and_then(|media| json::text(media, "url"))
        .ok_or(FetchError::Gone)
        .and_then(|url| {
            let elsewhere =
                || FetchError::Refused("the server names an address that leads out of its files".into());
            Place::of(&url).ok_or_else(elsewhere)
        })
}
