//! The JSON of a webhook, as far as we read it: entries, and in them what happened, each element by itself.

use serde_json::Value;

use super::USER_REF;
use crate::{bounds::MAX_EVENTS, json};

/// Where an element stands in its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Messaging,
    /// Another app has the conversation.
    Standby,
    Change,
    /// Nothing that can be read.
    Malformed,
    /// An entry in which nothing happened.
    Empty,
}

/// One element of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    entry: &'a Value,
    pub(super) value: &'a Value,
    pub(super) form: Form,
    /// Of a delivery that tells no time: the message, by its place.
    pub(super) mid: Option<usize>,
}

impl<'a> Element<'a> {
    fn new(entry: &'a Value, value: &'a Value, form: Form) -> Self {
        Self { entry, value, form, mid: None }
    }

    /// Our account, as the entry names it.
    pub(super) fn account(&self) -> Option<String> {
        self.entry.get("id").and_then(json::id)
    }

    /// When it was delivered, Unix milliseconds.
    pub(super) fn told_ms(&self) -> Option<i64> {
        json::millis(self.entry, "time")
    }
}

/// The elements of a body, in its order.
pub(super) fn elements(document: &Value) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    match document.get("entry") {
        Some(Value::Array(entries)) => {
            for entry in entries {
                if found.len() > MAX_EVENTS {
                    break;
                }
                entry_elements(entry, &mut found);
            }
        }
        // Tests of the app's dashboard have been seen to bring the change alone.
        None | Some(Value::Null) if is_change(document) => {
            found.push(Element::new(document, document, Form::Change));
        }
        _ => {}
    }
    if found.is_empty() {
        found.push(Element::new(document, document, Form::Malformed));
    }
    found
}

fn entry_elements<'a>(entry: &'a Value, found: &mut Vec<Element<'a>>) {
    let before = found.len();
    for (name, form) in
        [("messaging", Form::Messaging), ("standby", Form::Standby), ("changes", Form::Change)]
    {
        match entry.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for value in list {
                    if found.len() > MAX_EVENTS {
                        return;
                    }
                    push(Element::new(entry, value, form), found);
                }
            }
            Some(_) => found.push(Element::new(entry, entry, Form::Malformed)),
        }
    }
    // Instagram Login puts a comment into the entry itself.
    if found.len() == before && is_change(entry) {
        found.push(Element::new(entry, entry, Form::Change));
    }
    if found.len() == before {
        let form = if entry.is_object() { Form::Empty } else { Form::Malformed };
        found.push(Element::new(entry, entry, form));
    }
}

/// A delivery without a time is one event for each message.
fn push<'a>(element: Element<'a>, found: &mut Vec<Element<'a>>) {
    let delivery = json::object(element.value, "delivery").filter(|_| element.form != Form::Change);
    let mids = delivery.filter(|delivery| json::millis(delivery, "watermark").is_none());
    let mids = mids.map_or(&[][..], |delivery| json::list(delivery, "mids"));
    if mids.len() < 2 {
        found.push(element);
        return;
    }
    let room = (MAX_EVENTS + 1).saturating_sub(found.len());
    found.extend((0..mids.len().min(room)).map(|mid| Element { mid: Some(mid), ..element }));
}

fn is_change(value: &Value) -> bool {
    value.get("field").is_some_and(Value::is_string) && value.get("value").is_some()
}

/// An id member of whichever type.
pub(super) fn id(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(json::id)
}

/// The id of a `sender` or `recipient`.
pub(super) fn party(value: &Value, name: &str) -> Option<String> {
    let party = json::object(value, name)?;
    id(party, "id").or_else(|| id(party, "user_ref").map(|reference| format!("{USER_REF}{reference}")))
}

/// A flag, which comes as a word as well.
pub(super) fn flag(value: &Value, name: &str) -> bool {
    json::flag(value, name).unwrap_or_else(|| {
        let word = value.get(name).and_then(Value::as_str).map(str::trim);
        word.is_some_and(|word| word.eq_ignore_ascii_case("true") || word == "1")
    })
}

/// An address that a browser opens.
pub(super) fn address(value: &Value, name: &str) -> Option<String> {
    const MAX_BYTES: usize = 4096;
    let url = json::text(value, name)?;
    let scheme = url.split_once("://")?.0.to_ascii_lowercase();
    let is_plain = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    (matches!(scheme.as_str(), "http" | "https") && is_plain && url.len() <= MAX_BYTES).then_some(url)
}
