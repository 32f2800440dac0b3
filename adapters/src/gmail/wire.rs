//! Google's JSON, as far as we read it: a Pub/Sub push, a page of the history, an error.

use serde_json::Value;

use super::{base64, header};
use crate::json;

/// Which kind of body it is, by its shape.
pub(super) enum Shape<'a> {
    Push(&'a Value),
    Mail(&'a Value),
    Error(&'a Value),
    History(&'a Value),
    Unknown,
}

impl<'a> Shape<'a> {
    pub(super) fn of(document: &'a Value) -> Self {
        let has = |name| document.get(name).is_some();
        if let Some(message) = document.get("message") {
            Self::Push(message)
        } else if has("payload") || has("threadId") {
            Self::Mail(document)
        } else if let Some(error) = document.get("error") {
            Self::Error(error)
        } else if has("historyId") || has("history") {
            Self::History(document)
        } else {
            Self::Unknown
        }
    }
}

/// The news that a mailbox has changed.
pub(super) struct Push {
    /// In small letters.
    pub(super) mailbox: String,
    pub(super) history_id: u64,
}

impl Push {
    pub(super) fn read(message: &Value) -> Option<Self> {
        let data = base64::decode(message.get("data")?.as_str()?)?;
        let data = json::document(&data).ok()?;
        let mailbox = header::address(data.get("emailAddress")?.as_str()?)?;
        Some(Self { mailbox, history_id: history_id(data.get("historyId")?)? })
    }
}

/// A place in the history of a mailbox: a number, or text that holds one.
pub(super) fn history_id(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// An id of a message or a thread, which becomes part of addresses.
pub(super) fn id<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|id| is_id(id))
}

pub(super) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

pub(super) fn has_label(message: &Value, label: &str) -> bool {
    json::list(message, "labelIds").iter().any(|one| one.as_str() == Some(label))
}

/// Our own member of a mail that was too large to be fetched as a whole.
pub(super) const TOO_LARGE: &str = "hubbubTooLarge";

/// Labels of what was never mail to us or from us.
pub(super) const UNWANTED: &[(&str, &str)] =
    &[("DRAFT", "draft"), ("SPAM", "spam"), ("TRASH", "trash"), ("CHAT", "chat")];

/// A page of the history. Without records it is an empty page, and not the end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) added: Vec<String>,
    pub(super) deleted: Vec<String>,
    pub(super) page: Option<String>,
    /// Of the last page only: before that, what the page did not show would be lost.
    pub(super) cursor: Option<String>,
}

impl History {
    pub(super) fn read(document: &Value) -> Self {
        let records = json::list(document, "history");
        let of = |name: &str| {
            let mut ids: Vec<String> = Vec::new();
            for entry in records.iter().flat_map(|record| json::list(record, name)) {
                let Some(message) = json::object(entry, "message") else { continue };
                let is_unwanted = UNWANTED.iter().any(|(label, _)| has_label(message, label));
                if let Some(id) = id(message, "id").filter(|_| name != ADDED || !is_unwanted) {
                    ids.push(id.to_owned());
                }
            }
            without_repetitions(ids)
        };
        let page = page_token(document);
        let cursor = document.get("historyId").and_then(history_id).filter(|_| page.is_none());
        Self {
            added: of(ADDED),
            deleted: of("messagesDeleted"),
            page,
            cursor: cursor.map(|id| id.to_string()),
        }
    }
}

const ADDED: &str = "messagesAdded";

pub(super) fn page_token(document: &Value) -> Option<String> {
    json::text(document, "nextPageToken").filter(|token| token.len() <= 512)
}

fn without_repetitions(mut ids: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids
}

/// What went wrong, as an answer of the API or of the token endpoint says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ApiError {
    pub(super) code: Option<u16>,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
}

impl ApiError {
    pub(super) fn read(error: &Value) -> Self {
        // RFC 6749: the word itself.
        if let Some(word) = error.as_str() {
            return Self { reason: Some(word.to_owned()), ..Self::default() };
        }
        let reason = |list: &str| json::list(error, list).iter().find_map(|one| json::text(one, "reason"));
        Self {
            code: json::unsigned(error, "code").and_then(|code| u16::try_from(code).ok()),
            reason: reason("errors").or_else(|| reason("details")).or_else(|| json::text(error, "status")),
            message: json::text(error, "message"),
        }
    }
}
