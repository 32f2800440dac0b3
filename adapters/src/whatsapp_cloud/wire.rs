//! WhatsApp's JSON, as far as we read it: the changes of a body, what each of them holds, and the people beside its
//! messages. Whatever has another type than it should have is not there.

use serde_json::Value;

use crate::{NoAnswer, bounds::MAX_EVENTS, json};

pub(super) const OBJECT: &str = "whatsapp_business_account";

/// One change of one number.
pub(super) struct Change<'a> {
    pub(super) field: &'a str,
    pub(super) value: &'a Value,
    /// Our number's id at Meta.
    pub(super) number: Option<String>,
    /// Our number's digits.
    pub(super) phone: Option<String>,
    /// The WhatsApp Business account.
    pub(super) account: Option<String>,
    pub(super) told_ms: Option<i64>,
}

impl<'a> Change<'a> {
    fn of(entry: &'a Value, change: &'a Value) -> Option<Self> {
        let value = json::object(change, "value")?;
        let metadata = json::object(value, "metadata");
        let number = |name| metadata.and_then(|metadata| metadata.get(name)).and_then(json::id);
        Some(Self {
            field: change.get("field").and_then(Value::as_str)?,
            value,
            number: number("phone_number_id"),
            phone: number("display_phone_number").map(|text| digits(&text)),
            account: entry.get("id").and_then(json::id),
            told_ms: json::millis(entry, "time"),
        })
    }

    /// What is said of a person beside the messages, by the person's ids and never by its place.
    pub(super) fn contact(&self, phone: Option<&str>, user: Option<&str>) -> Option<&'a Value> {
        let is = |contact: &Value, name: &str, id: Option<&str>| {
            id.is_some() && contact.get(name).and_then(Value::as_str) == id
        };
        let mut contacts = json::list(self.value, "contacts").iter();
        contacts.find(|contact| is(contact, "user_id", user) || is(contact, "wa_id", phone))
    }
}

/// What an element of a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Message,
    /// What a person of the business wrote, in the app or through another one.
    Echo,
    Status,
    Error,
    Preference,
    Call,
    /// The whole change, which is about the account or the conversation.
    Whole,
    Nothing(&'static str),
}

/// One thing that a body tells.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) change: &'a Change<'a>,
    pub(super) part: Part,
    pub(super) value: &'a Value,
    pub(super) why: Option<NoAnswer>,
    /// History: whose conversation it is of.
    pub(super) thread: Option<&'a str>,
}

/// The changes of a body; nothing where one cannot be read.
pub(super) fn changes(document: &Value) -> Vec<Option<Change<'_>>> {
    let mut found = Vec::new();
    for entry in json::list(document, "entry") {
        let changes = json::list(entry, "changes");
        if changes.is_empty() {
            found.push(None);
        }
        let room = (MAX_EVENTS + 1).saturating_sub(found.len());
        found.extend(changes.iter().take(room).map(|change| Change::of(entry, change)));
        if found.len() > MAX_EVENTS {
            break;
        }
    }
    found
}

/// What a change holds, up to one more than a body's events.
pub(super) fn items<'a>(change: &'a Change<'a>, into: &mut Vec<Item<'a>>) {
    let of = |part, value, why, thread| Item { change, part, value, why, thread };
    let whole = |part| of(part, change.value, None, None);
    let before = into.len();
    match change.field {
        "messages" | "smb_message_echoes" => traffic(change, change.value, None, into),
        "standby" => {
            traffic(change, change.value, Some(NoAnswer::Standby), into);
            for inner in one_or_more(change.value, "standby") {
                traffic(change, inner, Some(NoAnswer::Standby), into);
            }
        }
        "history" => {
            traffic(change, change.value, Some(NoAnswer::History), into);
            for chunk in json::list(change.value, "history") {
                extend(into, json::list(chunk, "errors"), |value| of(Part::Error, value, None, None));
                for thread in json::list(chunk, "threads") {
                    let id = thread.get("id").and_then(Value::as_str);
                    extend(into, json::list(thread, "messages"), |value| {
                        of(Part::Message, value, Some(NoAnswer::History), id)
                    });
                }
            }
        }
        "user_preferences" => {
            extend(into, json::list(change.value, "user_preferences"), |value| {
                of(Part::Preference, value, None, None)
            });
        }
        "calls" => {
            extend(into, json::list(change.value, "calls"), |value| of(Part::Call, value, None, None));
        }
        _ => into.push(whole(Part::Whole)),
    }
    if into.len() == before {
        into.push(whole(Part::Nothing("empty")));
    }
}

/// Messages, echoes, receipts and errors, which stand side by side.
fn traffic<'a>(change: &'a Change<'a>, value: &'a Value, why: Option<NoAnswer>, into: &mut Vec<Item<'a>>) {
    const LISTS: &[(&str, Part)] = &[
        ("messages", Part::Message),
        ("message_echoes", Part::Echo),
        ("statuses", Part::Status),
        ("errors", Part::Error),
    ];
    for (name, part) in LISTS {
        extend(into, json::list(value, name), |value| Item { change, part: *part, value, why, thread: None });
    }
}

fn extend<'a>(into: &mut Vec<Item<'a>>, list: &'a [Value], item: impl Fn(&'a Value) -> Item<'a>) {
    let room = (MAX_EVENTS + 1).saturating_sub(into.len());
    into.extend(list.iter().take(room).map(item));
}

fn one_or_more<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match value.get(name) {
        Some(Value::Array(list)) => list,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    }
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The digits of an id that is a phone number, and not one of the ids that hide it.
pub(super) fn phone(id: &str) -> Option<String> {
    let plain = id.strip_prefix('+').unwrap_or(id);
    let is_phone = (5..=20).contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_digit());
    is_phone.then(|| plain.to_owned())
}

/// Whether an id is of the kind that hides a phone: `CC.` and letters and digits.
pub(super) fn is_user_id(id: &str) -> bool {
    let (country, rest) = id.split_once('.').unwrap_or_default();
    country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
}
