//! A body of Google's into events. Three kinds of body are told apart by their shape: a push, an answer of `history.list` or
//! an error, and an answer of `messages.get`.

use mail_parser::DateTime;
use serde_json::Value;

use super::{
    errors, mail,
    wire::{ApiError, History, Push, Shape, history_id},
};
use crate::{Context, Fields, Kind, NotJson, json};

pub(super) fn parse(body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
    let document = json::document(body)?;
    let event = match Shape::of(&document) {
        Shape::Push(message) => push(message, context),
        Shape::Mail(message) => mail::read(message, context),
        Shape::Error(error) => failure(error),
        Shape::History(page) => history(page, context),
        Shape::Unknown if document.is_object() => Fields::ignored("unknown_body"),
        Shape::Unknown => Fields::ignored("malformed"),
    };
    Ok(vec![event])
}

/// The claim of the mailbox that a push is about.
pub(super) fn mailbox_of_push(body: &[u8]) -> Result<Option<String>, NotJson> {
    let document = json::document(body)?;
    let push = document.get("message").and_then(Push::read);
    Ok(push.map(|push| push.mailbox))
}

fn push(message: &Value, context: &Context) -> Fields {
    let id = json::key(message, "messageId").or_else(|| json::key(message, "message_id"));
    let mut event = match Push::read(message) {
        Some(push) => {
            let mut event = Fields::new(Kind::MailNotify);
            let stored = context.stored_history_id.as_ref().and_then(history_id);
            // Pushes overtake each other. The cursor never goes back.
            if stored.is_some_and(|stored| push.history_id < stored) {
                event.set("stale", true);
            }
            event.set("history_id", push.history_id.to_string());
            event.set("mailbox", push.mailbox.as_str());
            event.external_account_id = Some(push.mailbox);
            event
        }
        None => Fields::ignored("malformed"),
    };
    let published = json::text(message, "publishTime").or_else(|| json::text(message, "publish_time"));
    event.timestamp_ms = published.filter(|time| time.len() < 64).and_then(|time| {
        let seconds = DateTime::parse_rfc3339(&time).filter(DateTime::is_valid)?.to_timestamp();
        json::millis(&serde_json::json!({ "t": seconds }), "t")
    });
    event.update_key.clone_from(&id);
    event.dedupe_key = id;
    event
}

fn history(page: &Value, context: &Context) -> Fields {
    let page = History::read(page);
    let mut event = Fields::new(Kind::MailHistory);
    event.external_account_id = context.mailbox.as_deref().map(str::to_lowercase);
    event.set("fetch_message_ids", page.added);
    event.set("deleted_message_ids", page.deleted);
    event.set("new_cursor", page.cursor);
    event.set("next_page_token", page.page);
    event
}

fn failure(error: &Value) -> Fields {
    let error = ApiError::read(error);
    let mut event = Fields::new(Kind::MailError);
    event.set("action", errors::action(&error));
    event.set("code", error.code);
    event.reason = error.reason.or(error.message).map(|words| crate::Words::from(words).into());
    event
}
