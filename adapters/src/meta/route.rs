//! Which of our accounts each part of a body concerns. One delivery may hold several numbers, pages and accounts of
//! several tenants: every one of them is given its own part, in the body's order, and nothing of the others'.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{NotJson, Routed, json as read, tree::MAX_MEMBERS};

const WHATSAPP: &str = "whatsapp-cloud";

/// Fields of WhatsApp that tell of one number, and have to name it.
const OF_A_NUMBER: &[&str] = &[
    "messages",
    "smb_message_echoes",
    "history",
    "standby",
    "messaging_handovers",
    "user_preferences",
    "calls",
    "smb_app_state_sync",
];

/// What one account is given.
struct Part {
    provider: &'static str,
    claim: Option<String>,
    entries: Vec<Value>,
}

pub(super) fn route(body: &[u8]) -> Result<Vec<Routed>, NotJson> {
    let mut document = read::document(body)?;
    let object = document.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (provider, kind) = match object.as_str() {
        "page" => ("messenger", Some("page")),
        "instagram" => ("instagram", Some("account")),
        _ => (WHATSAPP, None),
    };
    let whole = |provider, claim| Routed { provider, claim, body: Bytes::copy_from_slice(body) };
    let is_ours = kind.is_some() || object == "whatsapp_business_account";
    let Some(Value::Array(entries)) = document.get_mut("entry").filter(|_| is_ours) else {
        return Ok(vec![whole(provider, None)]);
    };
    let mut parts = Parts::default();
    parts.is_cut = entries.len() >= MAX_MEMBERS;
    for entry in std::mem::take(entries) {
        match kind {
            Some(kind) => {
                let claim = entry.get("id").and_then(id).map(|id| format!("{kind}:{id}"));
                parts.of(provider, claim).push(entry);
            }
            None => parts.split(entry),
        }
    }
    let Parts { mut found, is_cut, .. } = parts;
    Ok(match found.len() {
        0 => vec![whole(provider, None)],
        1 => vec![whole(found[0].provider, found.remove(0).claim)],
        _ => {
            let mut routed: Vec<_> = found.into_iter().map(|part| part.body(&object)).collect();
            // Of endless lists only the beginning was read: the rest is kept as it came.
            if is_cut {
                routed.push(whole(provider, None));
            }
            routed
        }
    })
}

#[derive(Default)]
struct Parts {
    found: Vec<Part>,
    /// Where each claim's part is.
    places: std::collections::HashMap<(&'static str, Option<String>), usize>,
    is_cut: bool,
}

impl Parts {
    fn of(&mut self, provider: &'static str, claim: Option<String>) -> &mut Vec<Value> {
        let next = self.found.len();
        let at = *self.places.entry((provider, claim.clone())).or_insert(next);
        if at == next {
            self.found.push(Part { provider, claim, entries: Vec::new() });
        }
        &mut self.found[at].entries
    }

    /// An entry of WhatsApp holds changes of several numbers.
    fn split(&mut self, mut entry: Value) {
        let account = entry.get("id").and_then(id);
        let Some(Value::Array(changes)) = entry.get_mut("changes") else {
            return self.of(WHATSAPP, None).push(entry);
        };
        self.is_cut |= changes.len() >= MAX_MEMBERS;
        let changes = std::mem::take(changes);
        if changes.is_empty() {
            return self.of(WHATSAPP, None).push(entry);
        }
        let mut shell = Map::new();
        for name in ["id", "time"] {
            if let Some(value) = entry.get_mut(name).filter(|value| !value.is_array() && !value.is_object()) {
                shell.insert(name.to_owned(), value.take());
            }
        }
        // Where this entry's changes of each claim are: they stay together, behind those of the entry before.
        let mut of_entry: Vec<(Option<String>, usize)> = Vec::new();
        for change in changes {
            let claim = claim(&change, account.as_deref());
            let entries = self.of(WHATSAPP, claim.clone());
            let begun = of_entry.iter().rev().find(|(known, _)| *known == claim).map(|(_, at)| *at);
            let at = begun.unwrap_or_else(|| {
                entries.push(Value::Object(shell.clone()));
                entries.len() - 1
            });
            if begun.is_none() {
                of_entry.push((claim, at));
            }
            let changes =
                entries[at].as_object_mut().map(|entry| entry.entry("changes").or_insert(json!([])));
            if let Some(changes) = changes.and_then(Value::as_array_mut) {
                changes.push(change);
            }
        }
    }
}

impl Part {
    fn body(self, object: &str) -> Routed {
        let body = json!({ "object": object, "entry": self.entries }).to_string();
        Routed { provider: self.provider, claim: self.claim, body: body.into() }
    }
}

fn claim(change: &Value, account: Option<&str>) -> Option<String> {
    let field = change.get("field").and_then(Value::as_str)?;
    let value = read::object(change, "value")?;
    if let Some(number) = value.get("metadata").and_then(|metadata| metadata.get("phone_number_id")) {
        return id(number).map(|id| format!("number:{id}"));
    }
    let is_of_account = !OF_A_NUMBER.contains(&field);
    account.filter(|_| is_of_account).map(|account| format!("waba:{account}"))
}

/// An id that names an account of Meta's. Anything else could make one claim look like another.
fn id(value: &Value) -> Option<String> {
    read::id(value).filter(|id| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric()))
}
