//! The methods of the emulated Bot API and their errors.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    delivery,
    place::Place,
    refusal::Refusal,
    shared::Shared,
    state::{DEFAULT_CONNECTIONS, Sent, Webhook},
};

const MAX_TEXT_UNITS: usize = 4096;
const MAX_CAPTION_UNITS: usize = 1024;
const MAX_FILE_BYTES: usize = 20 << 20;
const PRESS_LIFETIME_S: i64 = 150;
const ACTIONS: [&str; 6] =
    ["typing", "upload_photo", "upload_video", "upload_voice", "upload_document", "record_voice"];

type Outcome = Result<Value, Refusal>;

/// The sending methods, to which injected failures apply, and the parameter that holds their file.
const SENDING: [(&str, Option<&str>); 6] = [
    ("sendMessage", None),
    ("sendPhoto", Some("photo")),
    ("sendDocument", Some("document")),
    ("sendVoice", Some("voice")),
    ("sendVideo", Some("video")),
    ("sendAudio", Some("audio")),
];

pub(super) fn is_sending(method: &str) -> bool {
    SENDING.iter().any(|(name, _)| *name == method)
}

fn text<'a>(parameters: &'a Value, name: &str) -> Option<&'a str> {
    parameters.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A number, or a string that contains one: Telegram accepts both.
fn chat_id(parameters: &Value) -> Result<i64, Refusal> {
    match parameters.get("chat_id") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) if !text.is_empty() => text.parse().ok(),
        _ => return Err(Refusal::bad("chat_id is empty")),
    }
    .ok_or_else(|| Refusal::bad("chat not found"))
}

pub(super) fn other(shared: &Arc<Shared>, method: &str, parameters: &Value) -> Outcome {
    match method {
        "getMe" => {
            let id: i64 = shared.config.token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or(1);
            Ok(
                json!({ "id": id, "is_bot": true, "first_name": "Demo Shop", "username": shared.config.username }),
            )
        }
        "setWebhook" => set_webhook(shared, parameters),
        "deleteWebhook" => {
            shared.state.change(|state| state.webhook = None);
            Ok(json!(true))
        }
        "getWebhookInfo" => Ok(webhook_info(shared)),
        "getUpdates" if shared.state.read(|state| state.webhook.is_some()) => {
            let words = "Conflict: can't use getUpdates method while webhook is active";
            Err(Refusal::new(409, words))
        }
        "getUpdates" => Ok(json!([])),
        "sendChatAction" => {
            let chat = chat_id(parameters)?;
            let action =
                text(parameters, "action").ok_or_else(|| Refusal::bad("parameter \"action\" is empty"))?;
            if !ACTIONS.contains(&action) {
                return Err(Refusal::bad("wrong parameter action in request"));
            }
            reachable(shared, chat)?;
            shared.state.read(|state| state.place(chat, parameters))?;
            Ok(json!(true))
        }
        "setMessageReaction" => react(shared, parameters),
        "answerCallbackQuery" => answer_press(shared, parameters),
        "getFile" => get_file(shared, parameters),
        _ => Err(Refusal::new(404, "Not Found")),
    }
}

/// Checks that the chat exists and that the customer has not blocked the bot.
fn reachable(shared: &Shared, chat: i64) -> Result<(), Refusal> {
    shared.state.read(|state| match state.chats.get(&chat) {
        None => Err(Refusal::bad("chat not found")),
        Some(chat) if chat.blocked => Err(Refusal::new(403, "Forbidden: bot was blocked by the user")),
        Some(_) => Ok(()),
    })
}

/// Some of the emoji that bots may react with.
const REACTIONS: [&str; 8] = ["👍", "👎", "❤", "🔥", "🎉", "😁", "🙏", "👌"];

fn react(shared: &Arc<Shared>, parameters: &Value) -> Outcome {
    let chat = chat_id(parameters)?;
    reachable(shared, chat)?;
    if parameters.get("message_id").and_then(Value::as_i64).is_none() {
        return Err(Refusal::bad("message identifier is not specified"));
    }
    let list = parameters.get("reaction").and_then(Value::as_array);
    let list = list.ok_or_else(|| Refusal::bad("can't parse reaction types"))?;
    let known = |one: &Value| {
        one["type"] == "emoji" && one["emoji"].as_str().is_some_and(|emoji| REACTIONS.contains(&emoji))
    };
    if list.len() > 1 || !list.iter().all(known) {
        return Err(Refusal::bad("REACTION_INVALID"));
    }
    Ok(json!(true))
}

/// Refuses a message as Telegram does when messages come too fast: over all chats, or to one of them.
pub(super) fn too_fast(shared: &Shared, parameters: &Value) -> Option<Refusal> {
    let most = shared.config.most_per_second?;
    let (now, chat) = (shared.config.clock.now_ms(), chat_id(parameters).ok()?);
    shared.state.read(|state| {
        let sent = state.sent.to_vec();
        let within = |ms: i64| sent.iter().filter(move |sent| sent.at_ms > now - ms);
        let to_chat = within(5_000).filter(|sent| sent.chat == chat).count();
        (within(1_000).count() >= most || to_chat > 10).then(|| Refusal {
            code: 429,
            description: "Too Many Requests: retry after 1".to_owned(),
            parameters: Some(json!({ "retry_after": 1 })),
        })
    })
}

fn set_webhook(shared: &Arc<Shared>, parameters: &Value) -> Outcome {
    let url = parameters.get("url").and_then(Value::as_str).unwrap_or_default();
    if url.is_empty() {
        shared.state.change(|state| state.webhook = None);
        return Ok(json!(true));
    }
    check_url(url, shared.config.allow_http_loopback)?;
    let secret = text(parameters, "secret_token").map(str::to_owned);
    if let Some(secret) = &secret {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if secret.len() > 256 {
            return Err(Refusal::bad("secret token is too long"));
        }
        if !secret.bytes().all(allowed) {
            return Err(Refusal::bad("secret token contains unallowed characters"));
        }
    }
    let max_connections = match parameters.get("max_connections") {
        None => DEFAULT_CONNECTIONS,
        Some(value) => value
            .as_u64()
            .filter(|count| (1..=100).contains(count))
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| Refusal::bad("max_connections has to be from 1 to 100"))?,
    };
    let allowed = match parameters.get("allowed_updates") {
        None => Vec::new(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) => return Err(Refusal::bad("can't parse allowed_updates: an array of text is expected")),
    };
    let chats: Vec<i64> = shared.state.change(|state| {
        // An omitted or empty list keeps the previous one.
        if !allowed.is_empty() {
            state.allowed = allowed;
        }
        if parameters.get("drop_pending_updates") == Some(&json!(true)) {
            state.queues.values_mut().for_each(|queue| queue.updates.clear());
        }
        state.slots = Arc::new(Semaphore::new(max_connections));
        state.webhook = Some(Webhook { url: url.to_owned(), secret, max_connections });
        state.queues.keys().copied().collect()
    });
    for chat in chats {
        delivery::wake(shared, chat);
    }
    Ok(json!(true))
}

fn check_url(url: &str, allow_http_loopback: bool) -> Result<(), Refusal> {
    let url = reqwest::Url::parse(url).map_err(|_| Refusal::bad("invalid webhook URL specified"))?;
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if allow_http_loopback && is_loopback {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err(Refusal::bad("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    if !matches!(url.port_or_known_default(), Some(443 | 80 | 88 | 8443)) {
        return Err(Refusal::bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"));
    }
    Ok(())
}

fn webhook_info(shared: &Shared) -> Value {
    shared.state.read(|state| {
        let mut info = json!({
            "url": state.webhook.as_ref().map_or("", |webhook| webhook.url.as_str()),
            "has_custom_certificate": false,
            "pending_update_count": state.pending(),
            "allowed_updates": state.allowed,
        });
        if let Some(webhook) = &state.webhook {
            info["max_connections"] = webhook.max_connections.into();
        }
        if let Some((at_s, words)) = &state.last_error {
            info["last_error_date"] = (*at_s).into();
            info["last_error_message"] = words.as_str().into();
        }
        info
    })
}

fn answer_press(shared: &Shared, parameters: &Value) -> Outcome {
    if text(parameters, "text").is_some_and(|text| text.encode_utf16().count() > 200) {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    let now_s = shared.config.clock.now_ms() / 1000;
    let id = text(parameters, "callback_query_id").unwrap_or_default();
    let pressed_s = shared.state.change(|state| state.presses.remove(id));
    match pressed_s {
        Some(pressed_s) if now_s.saturating_sub(pressed_s) <= PRESS_LIFETIME_S => Ok(json!(true)),
        _ => Err(Refusal::bad("query is too old and response timeout expired or query ID is invalid")),
    }
}

fn get_file(shared: &Shared, parameters: &Value) -> Outcome {
    let id = text(parameters, "file_id").unwrap_or_default();
    if let Some(path) = shared.state.change(|state| state.script.file_path(id)) {
        return Ok(json!({ "file_id": id, "file_path": path }));
    }
    shared.state.read(|state| match state.files.get(id) {
        None => Err(Refusal::bad("wrong file_id or the file is temporarily unavailable")),
        Some(file) if file.bytes.len() > MAX_FILE_BYTES => Err(Refusal::bad("file is too big")),
        Some(file) => Ok(json!({ "file_id": id, "file_size": file.bytes.len(), "file_path": file.path })),
    })
}

/// Validates a message as Telegram does, and sends it.
pub(super) async fn send(shared: &Arc<Shared>, method: &str, parameters: &Value) -> Outcome {
    let chat = chat_id(parameters)?;
    let member = SENDING.iter().find(|(name, _)| *name == method).and_then(|(_, member)| *member);
    let (words, limit) = match member {
        None => {
            let words = text(parameters, "text").filter(|words| !words.trim().is_empty());
            (Some(words.ok_or_else(|| Refusal::bad("message text is empty"))?), MAX_TEXT_UNITS)
        }
        Some(_) => (text(parameters, "caption"), MAX_CAPTION_UNITS),
    };
    if words.is_some_and(|words| words.encode_utf16().count() > limit) {
        let what = if member.is_some() { "message caption is too long" } else { "message is too long" };
        return Err(Refusal::bad(what));
    }
    check_markup(parameters, words.unwrap_or_default())?;
    reachable(shared, chat)?;
    let place = shared.state.read(|state| state.place(chat, parameters))?;
    let reply_to = reply(shared, chat, parameters)?;
    let media = match member {
        Some(member) => Some(media(shared, member, parameters).await?),
        None => None,
    };
    let at_ms = shared.config.clock.now_ms();
    let message_id = shared.state.change(|state| {
        let message_id = state.chat(chat).next_message();
        let (method, text) = (method.to_owned(), words.map(str::to_owned));
        state.sent.push(Sent {
            method,
            chat,
            message_id,
            text,
            media,
            reply_to,
            place: place.clone(),
            at_ms,
        });
        message_id
    });
    let mut message = json!({
        "message_id": message_id, "chat": { "id": chat, "type": "private" }, "date": at_ms / 1000, "text": words,
    });
    if let Some(Value::Object(parts)) = place.as_ref().map(|place| place.parts(chat))
        && let Some(message) = message.as_object_mut()
    {
        message.extend(parts.into_iter().filter(|(name, _)| name != "from"));
    }
    // Only sends through a business account come back as updates.
    if let Some(Place::Business(connection)) = &place {
        let owner = shared.state.read(|state| state.connections.get(connection).copied());
        let mut echo = message.clone();
        echo["from"] = json!({ "id": owner, "is_bot": false, "first_name": "Owner" });
        echo["sender_business_bot"] = json!({ "id": 1, "is_bot": true, "username": shared.config.username });
        delivery::enqueue(shared, chat, "business_message", &echo, None);
    }
    Ok(message)
}

fn check_markup(parameters: &Value, words: &str) -> Result<(), Refusal> {
    let Some(mode) = text(parameters, "parse_mode") else { return Ok(()) };
    match mode {
        "HTML" => {
            let opened = words.matches('<').count() - words.matches("</").count();
            if opened == words.matches("</").count() {
                Ok(())
            } else {
                Err(Refusal::bad("can't parse entities: can't find the end of a tag"))
            }
        }
        "Markdown" | "MarkdownV2" => Ok(()),
        _ => Err(Refusal::bad("unsupported parse_mode")),
    }
}

fn reply(shared: &Shared, chat: i64, parameters: &Value) -> Result<Option<i64>, Refusal> {
    let Some(reply) = parameters.get("reply_parameters") else { return Ok(None) };
    let quoted = reply.get("message_id").and_then(Value::as_i64);
    let quoted = quoted.ok_or_else(|| Refusal::bad("reply message id is not specified"))?;
    let is_there = shared.state.read(|state| state.chats.get(&chat).is_some_and(|chat| chat.has(quoted)));
    match (is_there, reply.get("allow_sending_without_reply") == Some(&json!(true))) {
        (true, _) => Ok(Some(quoted)),
        (false, true) => Ok(None),
        (false, false) => Err(Refusal::bad("message to be replied not found")),
    }
}

/// The file by its address, fetched as Telegram does, or by its id.
async fn media(shared: &Shared, member: &str, parameters: &Value) -> Result<String, Refusal> {
    let given = text(parameters, member);
    let given = given.ok_or_else(|| Refusal::bad(&format!("there is no {member} in the request")))?;
    if shared.state.read(|state| state.files.contains_key(given)) {
        return Ok(given.to_owned());
    }
    if given.starts_with("upload:") {
        return Ok(given.to_owned());
    }
    if !given.starts_with("http://") && !given.starts_with("https://") {
        return Err(Refusal::bad("wrong file identifier/HTTP URL specified"));
    }
    if shared.config.fetch_media {
        let failed = || Refusal::bad("failed to get HTTP URL content");
        let response = shared.http.get(given).send().await.map_err(|_| failed())?;
        if !response.status().is_success() {
            return Err(failed());
        }
        let bytes = response.bytes().await.map_err(|_| failed())?;
        let limit = if member == "photo" { 5 << 20 } else { MAX_FILE_BYTES };
        if bytes.is_empty() || bytes.len() > limit {
            return Err(Refusal::bad("wrong file size"));
        }
    }
    Ok(given.to_owned())
}
