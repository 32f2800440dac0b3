//! Builds the updates of a customer's actions.

use serde_json::{Value, json};

/// The kind of a customer's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Photo,
    Voice,
    Video,
    Document,
}

impl FileKind {
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Document => "document",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Photo => "jpg",
            Self::Voice => "oga",
            Self::Video => "mp4",
            Self::Document => "bin",
        }
    }
}

/// A customer's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub kind: FileKind,
    pub name: Option<String>,
    pub mime: Option<String>,
    pub bytes: Vec<u8>,
}

impl File {
    pub fn photo(bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind: FileKind::Photo, name: None, mime: None, bytes: bytes.into() }
    }

    pub fn voice(bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind: FileKind::Voice, name: None, mime: Some("audio/ogg".into()), bytes: bytes.into() }
    }

    pub fn document(name: &str, mime: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let (name, mime) = (Some(name.into()), Some(mime.into()));
        Self { kind: FileKind::Document, name, mime, bytes: bytes.into() }
    }
}

/// The customer of a private chat: the chat's id is the person's.
fn person(chat: i64) -> Value {
    let number = chat.rem_euclid(10_000);
    json!({ "id": chat, "is_bot": false, "first_name": "Customer", "last_name": number.to_string(),
        "language_code": "en" })
}

fn place(chat: i64) -> Value {
    json!({ "id": chat, "type": "private", "first_name": "Customer" })
}

pub(super) fn message(chat: i64, message_id: i64, now_s: i64, parts: Value) -> Value {
    let mut message =
        json!({ "message_id": message_id, "from": person(chat), "chat": place(chat), "date": now_s });
    if let (Some(message), Value::Object(parts)) = (message.as_object_mut(), parts) {
        message.extend(parts);
    }
    message
}

pub(super) fn reaction(chat: i64, message_id: i64, now_s: i64, emoji: Option<&str>) -> Value {
    let list = |emoji: Option<&str>| match emoji {
        Some(emoji) => json!([{ "type": "emoji", "emoji": emoji }]),
        None => json!([]),
    };
    let old = if emoji.is_some() { None } else { Some("👍") };
    json!({ "chat": place(chat), "message_id": message_id, "user": person(chat), "date": now_s,
        "old_reaction": list(old), "new_reaction": list(emoji) })
}

pub(super) fn press(id: &str, chat: i64, message_id: i64, now_s: i64, data: &str) -> Value {
    let message = json!({ "message_id": message_id, "chat": place(chat), "date": now_s, "text": "…" });
    json!({ "id": id, "from": person(chat), "message": message, "chat_instance": "-99", "data": data })
}

pub(super) fn membership(chat: i64, now_s: i64, blocked: bool, bot: &str) -> Value {
    let (old, new) = if blocked { ("member", "kicked") } else { ("kicked", "member") };
    let member =
        |status: &str| json!({ "user": { "id": 1, "is_bot": true, "username": bot }, "status": status });
    json!({ "chat": place(chat), "from": person(chat), "date": now_s, "old_chat_member": member(old),
        "new_chat_member": member(new) })
}

pub(super) fn connection(id: &str, owner: i64, now_s: i64, enabled: bool) -> Value {
    json!({ "id": id, "user": { "id": owner, "is_bot": false, "first_name": "Owner" }, "user_chat_id": owner,
        "date": now_s, "rights": { "can_reply": true }, "is_enabled": enabled })
}
