//! Sending through the emulated server: validation, the engine's response, and the later events: the echo and the
//! receipts, each delivered independently.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{
    hooks, ids, refusal,
    shared::{EmulatorConfig, Shared},
    state::{Message, Sent, Writer},
};
use crate::form;
use crate::serving::{Fail, cut};

pub(super) const CALLS: [&str; 5] = ["sendText", "sendImage", "sendFile", "sendVoice", "sendVideo"];

pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    body: Bytes,
) -> Response {
    let call = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let body = without_bytes(serde_json::from_slice(&body).unwrap_or(Value::Null));
    let session = body["session"].as_str().unwrap_or("default").to_owned();
    if let Err(refusal) = refusal::require(&shared, &session, "WORKING") {
        return *refusal;
    }
    if let Err(what) = check(&call, &body) {
        return refusal::error(StatusCode::BAD_REQUEST, what);
    }
    let fail = shared.state.change(|state| state.failures.pop_front());
    match fail {
        None => {}
        Some(Fail::TooManyRequests { retry_after }) => {
            let headers = [("retry-after", retry_after.to_string())];
            return (StatusCode::TOO_MANY_REQUESTS, headers, "{}").into_response();
        }
        // WhatsApp's error for a number that may not write to strangers.
        Some(Fail::Blocked) => {
            return refusal::error(StatusCode::INTERNAL_SERVER_ERROR, "server returned error 463");
        }
        Some(Fail::Server500) => {
            return refusal::error(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error");
        }
        Some(Fail::DropConnection) => return cut(),
        Some(Fail::Slow) => {
            let message = accept(&shared, &session, &call, &body).await;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            return (StatusCode::CREATED, Json(shared.config.engine.answer(&message))).into_response();
        }
        Some(Fail::Hang) => {
            accept(&shared, &session, &call, &body).await;
            return std::future::pending().await;
        }
    }
    let message = accept(&shared, &session, &call, &body).await;
    (StatusCode::CREATED, Json(shared.config.engine.answer(&message))).into_response()
}

/// A body with a file's bytes as what was brought; bytes that cannot be read, or are of another kind than the call's, are none.
pub(super) fn without_bytes(mut body: Value) -> Value {
    let Some(data) = body["file"]["data"].as_str() else { return body };
    let bytes = STANDARD.decode(data).unwrap_or_default();
    body["file"]["data"] = if bytes.is_empty() { Value::Null } else { form::brought(&bytes).into() };
    body
}

fn check(call: &str, body: &Value) -> Result<(), &'static str> {
    if !body["chatId"].as_str().is_some_and(|chat| chat.contains('@')) {
        return Err("chatId must be a chat id");
    }
    if call == "sendText" {
        let is_text = body["text"].as_str().is_some_and(|text| !text.is_empty());
        return if is_text { Ok(()) } else { Err("text must be a string") };
    }
    let file = &body["file"];
    if !file["url"].is_string() && !file["data"].is_string() {
        return Err("file must have url or data");
    }
    if file["mimetype"].is_string() { Ok(()) } else { Err("file.mimetype must be a string") }
}

/// Sends a message whose caller gets a scripted answer.
pub(super) async fn leave(shared: &Arc<Shared>, call: &str, body: &Value, echo_after: Option<Duration>) {
    let session = body["session"].as_str().unwrap_or("default").to_owned();
    let Some(echo_after) = echo_after else {
        accept(shared, &session, call, body).await;
        return;
    };
    let (message, is_new) = take(shared, &session, call, body);
    if is_new {
        shared.state.change(|state| state.under_way += 1);
        let later = Arc::clone(shared);
        shared.tasks.spawn(async move {
            tokio::time::sleep(echo_after).await;
            tell(&later, &session, &message);
            later.state.change(|state| state.under_way -= 1);
        });
    }
}

/// Stores a message and sends its echo.
async fn accept(shared: &Arc<Shared>, session: &str, call: &str, body: &Value) -> Message {
    let (message, is_new) = take(shared, session, call, body);
    if is_new {
        tell(shared, session, &message);
        if shared.config.echo_first {
            shared.state.until(|state| (state.under_way == 0).then_some(())).await;
        }
    }
    message
}

/// Stores a message; returns whether it is new. The same chosen id twice is one message, as in WhatsApp itself.
fn take(shared: &Arc<Shared>, session: &str, call: &str, body: &Value) -> (Message, bool) {
    let chat = body["chatId"].as_str().unwrap_or_default().replace("@s.whatsapp.net", "@c.us");
    let chosen = body["id"].as_str().filter(|id| shared.config.engine.takes_ids() && !id.is_empty());
    if let Some(known) = chosen.and_then(|id| shared.state.read(|state| state.message(session, id).cloned()))
    {
        return (known, false);
    }
    let bare = chosen.map_or_else(ids::new_bare_id, str::to_owned);
    let participant = chat.ends_with("@g.us").then(|| shared.config.me.clone());
    let words = body["text"].as_str().or_else(|| body["caption"].as_str()).map(str::to_owned);
    let at_ms = shared.config.clock.now_ms();
    let message = Message {
        id: ids::message_id(true, &chat, &bare, participant.as_deref()),
        bare,
        chat,
        participant,
        writer: Writer::Api,
        text: words.clone(),
        file: None,
        at_ms,
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let sent = Sent {
        session: session.to_owned(),
        call: call.to_owned(),
        chat: message.chat.clone(),
        id: message.id.clone(),
        text: words,
        media: text(&body["file"]["url"]).or_else(|| text(&body["file"]["data"])),
        reply_to: text(&body["reply_to"]),
        at_ms,
    };
    shared.state.change(|state| {
        state.sent.push(sent);
        state.remember(session, &message);
    });
    (message, true)
}

/// Delivers the events of a message. Each goes independently, the receipts of our own messages included, so that any
/// of them may arrive first.
pub(super) fn tell(shared: &Arc<Shared>, session: &str, message: &Message) {
    let payload = shared.state.read(|state| payload(&shared.config, session, message, &state.lids));
    hooks::emit(shared, session, "message.any", &payload);
    if message.writer == Writer::Customer {
        hooks::emit(shared, session, "message", &payload);
        return;
    }
    for (ack, name) in [(1, "SERVER"), (2, "DEVICE"), (3, "READ")] {
        let payload = json!({
            "id": message.id, "from": message.chat, "to": null, "participant": message.participant,
            "fromMe": true, "ack": ack, "ackName": name,
        });
        hooks::emit(shared, session, "message.ack", &payload);
    }
}

/// The message's object in an event.
pub(super) fn payload(
    config: &EmulatorConfig,
    session: &str,
    message: &Message,
    lids: &BTreeMap<String, String>,
) -> Value {
    let (from, to) = config.engine.parties(message, &config.me);
    let media = message.file.as_ref().map(|stored| {
        let extension = match stored.file.mime.split(';').next() {
            Some("image/jpeg") => "jpg",
            Some("audio/ogg") => "oga",
            Some("application/pdf") => "pdf",
            _ => "bin",
        };
        // The server's own address, which is not reachable from outside.
        let url = format!("http://localhost:3000/api/files/{session}/{}.{extension}", message.id);
        json!({ "url": url, "mimetype": stored.file.mime, "filename": stored.file.name, "error": null })
    });
    let from_me = message.writer != Writer::Customer;
    let sender = message.participant.as_ref().unwrap_or(&message.chat);
    let alternate = lids.get(sender).map(|phone| phone.replace("@c.us", "@s.whatsapp.net"));
    let info = if from_me {
        json!({ "RecipientAlt": alternate })
    } else {
        json!({ "PushName": format!("Customer {}", sender.chars().take(6).collect::<String>()), "SenderAlt": alternate })
    };
    json!({
        "id": message.id, "timestamp": message.at_ms / 1000, "from": from, "fromMe": from_me,
        "source": if message.writer == Writer::Api { "api" } else { "app" }, "to": to,
        "participant": message.participant, "body": message.text, "hasMedia": media.is_some(), "media": media,
        "ack": i32::from(from_me), "ackName": if from_me { "SERVER" } else { "DEVICE" }, "location": null,
        "vCards": [], "replyTo": null, "_data": { "Info": info },
    })
}
