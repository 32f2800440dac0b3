//! Sending to a WhatsApp chat, and the small courtesies around it.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    api::{Api, segment},
    id, wire,
};
use crate::{
    Account, Acknowledge, Address, Client, MediaKind, OutMedia, Outgoing, SendError, SendOutcome,
    call::{Failure, NOT_PUBLIC, Verdict},
    json as read,
    provider::Upload,
    upload::{Around, Encoding},
};

/// In base64 a larger file is more than a server's usual bound for a body.
const LARGE: u64 = 30 << 20;

/// Failures of a reservation that say nothing about whether the engine has such a thing. Asking again costs nothing.
const RETRIED: &[&str] =
    &["unreachable", "no_answer", "key_refused", NOT_PUBLIC, "408", "429", "502", "503", "504"];

/// NOWEB and GOWS since 2026.4.3 let the caller choose the id. Whatever else a server answers, the message goes
/// without one.
pub(super) async fn reserve_id(http: &Client, account: &Account) -> Result<Option<String>, SendError> {
    let api = Api::of(http, account)?;
    match api.get(&format!("/api/{}/new-message-id", api.session)).await {
        Ok(answer) => Ok(answer.json().get("id").and_then(read::id).filter(|id| !id.contains('_'))),
        Err(failure) if RETRIED.contains(&failure.code.as_str()) => Err(failure.into()),
        Err(_) => Ok(None),
    }
}

pub(super) async fn send(http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
    match try_send(http, account, out).await {
        Ok(outcome) => outcome,
        Err(failure) => failure.into(),
    }
}

async fn try_send(http: &Client, account: &Account, out: &Outgoing<'_>) -> Result<SendOutcome, Failure> {
    let api = Api::of(http, account)?;
    let chat = id::chat_id(out.to.chat).ok_or_else(|| {
        Failure::new(Verdict::Rejected, "bad_chat", "the conversation is no WhatsApp chat id")
    })?;
    let (path, body) = request(api.session, &chat, out)
        .ok_or_else(|| Failure::new(Verdict::Rejected, "empty", "there is nothing to send"))?;
    let answer = match out.media.as_ref().and_then(given) {
        Some(file) => api.upload(path, around(body), file).await?,
        None => api.post(path, &body).await?,
    };
    // WEBJS has been seen to answer a sent message with nothing at all. A page in place of an answer is not the server's.
    let named = wire::sent_id(&answer.json())
        .or_else(|| out.reserved_id.filter(|_| answer.body.is_empty()).map(str::to_owned));
    Ok(match named {
        Some(named) => {
            let bare = id::bare(&named);
            let external_id = if bare == named { format!("true_{chat}_{bare}") } else { named };
            SendOutcome::Sent { external_id, dedupe_key: bare }
        }
        None => SendOutcome::Unknown {
            reason: "the message was accepted, but the answer does not name it".into(),
            channel_down: false,
        },
    })
}

/// The bytes that go in the body; a large file goes by its address, if it has one.
fn given<'a>(media: &OutMedia<'a>) -> Option<&'a Upload> {
    media.bytes.filter(|file| media.url.is_empty() || file.size <= LARGE)
}

/// The body with room for the file's bytes as the last member of `file`, which comes last.
fn around(mut body: Value) -> Around {
    let file = body.as_object_mut().and_then(|body| body.remove("file")).unwrap_or_default();
    let (body, file) = (body.to_string(), file.to_string());
    let open = |text: &str| text.strip_suffix("}").unwrap_or(text).to_owned();
    let (body, file) = (open(&body), open(&file));
    Around {
        content_type: "application/json".to_owned(),
        before: format!("{body},\"file\":{file},\"data\":\"").into(),
        after: "\"}}".into(),
        encoding: Encoding::Base64,
    }
}

/// Path and body of the call; `None` when there is nothing to send.
fn request(session: &str, chat: &str, out: &Outgoing<'_>) -> Option<(&'static str, Value)> {
    let mut body = Map::new();
    body.insert("session".into(), session.into());
    body.insert("chatId".into(), chat.into());
    if let Some(quoted) = out.reply_to {
        body.insert("reply_to".into(), quoted.into());
    }
    if let Some(reserved) = out.reserved_id {
        body.insert("id".into(), reserved.into());
    }
    let text = out.text.filter(|text| !text.trim().is_empty());
    let path = if let Some(media) = &out.media {
        body.insert("file".into(), file(media));
        if let Some(caption) = media.caption.filter(|caption| !caption.is_empty()).or(text) {
            body.insert("caption".into(), caption.into());
        }
        match media.kind {
            MediaKind::Image => "/api/sendImage",
            MediaKind::Voice => {
                body.insert("convert".into(), true.into());
                "/api/sendVoice"
            }
            MediaKind::Video => {
                body.insert("convert".into(), true.into());
                body.insert("asNote".into(), false.into());
                "/api/sendVideo"
            }
            MediaKind::Audio | MediaKind::Document | MediaKind::Sticker => "/api/sendFile",
        }
    } else {
        body.insert("text".into(), text?.into());
        "/api/sendText"
    };
    Some((path, Value::Object(body)))
}

fn file(media: &OutMedia<'_>) -> Value {
    let mime = media.mime.unwrap_or(match media.kind {
        MediaKind::Image => "image/jpeg",
        MediaKind::Voice => "audio/ogg; codecs=opus",
        MediaKind::Video => "video/mp4",
        MediaKind::Audio => "audio/mpeg",
        MediaKind::Document | MediaKind::Sticker => "application/octet-stream",
    });
    let mut file = match given(media) {
        Some(_) => json!({ "mimetype": mime }),
        None => json!({ "url": media.url, "mimetype": mime }),
    };
    if let Some(name) = media.name {
        file["filename"] = name.into();
    }
    file
}

/// Sets or removes the account's reaction. The server wants the message's long id.
pub(super) async fn react(
    http: &Client,
    account: &Account,
    message: &str,
    emoji: Option<&str>,
) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let body = json!({ "session": api.session, "messageId": message, "reaction": emoji.unwrap_or_default() });
    api.send(Method::PUT, "/api/reaction", &body).await?;
    Ok(())
}

pub(super) async fn seen(http: &Client, account: &Account, what: &Acknowledge<'_>) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let mut body = json!({ "session": api.session, "chatId": what.to.chat });
    if let Some(message) = what.message {
        body["messageIds"] = json!([message]);
    }
    if let Some(participant) = what.participant {
        body["participant"] = participant.into();
    }
    api.post("/api/sendSeen", &body).await?;
    Ok(())
}

/// Presence comes only for chats that were subscribed to, and until the session's next start.
pub(super) async fn hear_typing(http: &Client, account: &Account, to: Address<'_>) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let path = format!("/api/{}/presence/{}/subscribe", api.session, segment(to.chat));
    api.post(&path, &json!({})).await?;
    Ok(())
}

pub(super) async fn typing(
    http: &Client,
    account: &Account,
    to: Address<'_>,
    on: bool,
) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let path = if on { "/api/startTyping" } else { "/api/stopTyping" };
    api.post(path, &json!({ "session": api.session, "chatId": to.chat })).await?;
    Ok(())
}
