//! Fetching a file: `getFile` gives a path that is good for an hour, and the address made of it carries the token.

use reqwest::Client;
use serde_json::json;
use tokio::io::AsyncWrite;

use super::{
    api::{Api, FilePath},
    errors::Reply,
};
use crate::{Account, FetchError, Fetched, MediaRef, call::Failure, json as read, media::download};

pub(super) async fn fetch(
    http: &Client,
    account: &Account,
    media: &MediaRef,
    limit_bytes: u64,
    sink: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<Fetched, FetchError> {
    let id = read::text(&media.reference, "file_id").ok_or(FetchError::Gone)?;
    if media.size.is_some_and(|size| size > limit_bytes) {
        return Err(FetchError::TooLarge { limit_bytes });
    }
    let api = Api::of(http, account)?;
    let file = match api.call("getFile", &json!({ "file_id": id })).await {
        Ok(Reply::Done(file)) => file,
        Ok(_) => return Err(FetchError::Gone),
        Err(failure) => return Err(refusal(failure, limit_bytes)),
    };
    let path = read::text(&file, "file_path").ok_or(FetchError::Gone)?;
    let path = api.file_path(&path).map_err(|reason| FetchError::Refused(reason.to_owned()))?;
    let fetched = download(api.file(&path), media, limit_bytes, sink).await;
    match (fetched, path) {
        // The server has it, so it is not gone: nobody serves it.
        (Err(FetchError::Gone), FilePath::OnDisk(_)) => Err(FetchError::Refused(
            "the Bot API server keeps the file on its own disk, and nothing serves it at the address that the channel \
             has for files (files_base, else api_base)"
                .to_owned(),
        )),
        (fetched, _) => fetched,
    }
}

fn refusal(failure: Failure, limit_bytes: u64) -> FetchError {
    let reason = failure.reason.to_ascii_lowercase();
    if reason.contains("file is too big") {
        FetchError::TooLarge { limit_bytes }
    } else if reason.contains("temporarily unavailable") {
        FetchError::Unavailable(failure.reason)
    } else {
        failure.into()
    }
}
