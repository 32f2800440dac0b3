//! Sending an answer into its thread, and marking a mail as read. A file is fetched from its address first; until the mail
//! is handed over nothing has left.

use base64::write::EncoderWriter;
use serde_json::{Value, json};

use super::{
    api::Api,
    base64::URL_SAFE,
    compose::{self, File},
    errors::NOT_FOUND,
    wire::{id, is_id},
};
use crate::{
    Account, Acknowledge, Client, FetchError, Fetched, MediaRef, MediaState, OutMedia, Outgoing, SendError,
    SendOutcome,
    call::{Failure, Verdict},
    media::download,
    upload,
};

/// Of one file. Encoded twice it still fits into what the API takes.
pub(super) const MAX_FILE_BYTES: u64 = 25_000_000;

pub(super) async fn send(http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
    match try_send(http, account, out).await {
        Ok(outcome) => outcome,
        Err(failure) => failure.into(),
    }
}

async fn try_send(http: &Client, account: &Account, out: &Outgoing<'_>) -> Result<SendOutcome, Failure> {
    let mut api = Api::of(http, account)?;
    let mailbox = account.get("mailbox").ok_or_else(|| Failure::setting("mailbox", "is missing"))?;
    let fetched = match &out.media {
        Some(media) => Some((media, bytes_of(http, media).await?)),
        None => None,
    };
    let file = fetched.as_ref().map(|(media, (bytes, about))| File {
        name: media.name.or(about.name.as_deref()).unwrap_or("file"),
        mime: media.mime.unwrap_or(&about.mime),
        bytes,
    });
    let write = |thread: Option<&str>| request(out, mailbox, file.as_ref(), thread);
    let thread = Some(out.to.chat).filter(|thread| is_id(thread));
    let answer = match api.post_bytes("messages/send", write(thread)?.into()).await {
        // A thread that somebody deleted takes no mail. The customer's program still shows the answer in its place.
        Err(failure) if failure.code == NOT_FOUND && thread.is_some() => {
            api.post_bytes("messages/send", write(None)?.into()).await?
        }
        done => done?,
    };
    Ok(sent(&answer.json()).unwrap_or_else(|| SendOutcome::Unknown {
        reason: "the mail was accepted, but the answer does not name it".into(),
        channel_down: false,
    }))
}

fn sent(answer: &Value) -> Option<SendOutcome> {
    let id = id(answer, "id")?.to_owned();
    Some(SendOutcome::Sent { dedupe_key: id.clone(), external_id: id })
}

/// The mail is encoded while it is written, so that it is not in memory twice.
fn request(
    out: &Outgoing<'_>,
    mailbox: &str,
    file: Option<&File<'_>>,
    thread: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let mut body = match thread {
        // Letters and digits only.
        Some(thread) => format!("{{\"threadId\":\"{thread}\",\"raw\":\""),
        None => "{\"raw\":\"".to_owned(),
    }
    .into_bytes();
    body.reserve(2 * file.map_or(0, |file| file.bytes.len()));
    let mut encoder = EncoderWriter::new(&mut body, &URL_SAFE);
    compose::write(out, mailbox, file, &mut encoder)?;
    let broken = |error: std::io::Error| Failure::new(Verdict::Rejected, "cannot_write", error.to_string());
    encoder.finish().map_err(broken)?;
    drop(encoder);
    body.extend_from_slice(b"\"}");
    Ok(body)
}

async fn bytes_of(http: &Client, media: &OutMedia<'_>) -> Result<(Vec<u8>, Fetched), Failure> {
    let Some(file) = media.bytes else { return fetch(http, media).await };
    let bytes = upload::whole(file, MAX_FILE_BYTES).await?;
    let mime = upload::mime(media.mime);
    Ok((bytes, Fetched { mime, size: file.size, name: media.name.map(str::to_owned) }))
}

async fn fetch(http: &Client, media: &OutMedia<'_>) -> Result<(Vec<u8>, Fetched), Failure> {
    let reference = MediaRef {
        kind: media.kind,
        mime: media.mime.map(str::to_owned),
        name: media.name.map(str::to_owned),
        size: None,
        state: MediaState::Ready,
        reference: Value::Null,
    };
    let mut bytes = Vec::new();
    let fetched = download(http.get(media.url), &reference, MAX_FILE_BYTES, &mut bytes).await;
    fetched.map(|about| (bytes, about)).map_err(|error| match error {
        FetchError::Unavailable(reason) => Failure::new(
            Verdict::Retry { after_ms: None },
            "file_unavailable",
            format!("the file cannot be had now: {reason}"),
        ),
        other => {
            let code =
                if matches!(other, FetchError::TooLarge { .. }) { "too_large" } else { "file_refused" };
            Failure::new(Verdict::Rejected, code, format!("the file cannot be had: {other}"))
        }
    })
}

/// Our own change of a label is told as well, and is nothing new.
pub(super) async fn acknowledge(
    http: &Client,
    account: &Account,
    what: &Acknowledge<'_>,
) -> Result<(), SendError> {
    let Some(message) = what.message.filter(|id| is_id(id)) else { return Ok(()) };
    let path = format!("messages/{message}/modify");
    match Api::of(http, account)?.post(&path, &json!({ "removeLabelIds": ["UNREAD"] })).await {
        Err(failure) if failure.code != NOT_FOUND => Err(failure.into()),
        _ => Ok(()),
    }
}
