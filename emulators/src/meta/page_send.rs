//! `POST /{page or Instagram account}/messages`: windows and tags, sender actions, and the echo and the receipts of what
//! was sent.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    asked::Asked,
    config::Shared,
    grants::HOUR_MS,
    hooks,
    notice::Item,
    page_check as check,
    refusal::Refusal,
    values::{Mark, Receipts, Sent, Service},
    whatsapp_check::{only, text},
};

const MEMBERS: [&str; 9] = [
    "recipient",
    "message",
    "messaging_type",
    "tag",
    "sender_action",
    "payload",
    "notification_type",
    "persona_id",
    "reply_to",
];
const ACTIONS: [&str; 5] = ["typing_on", "typing_off", "mark_seen", "react", "unreact"];
const ENDED_TAGS: [&str; 3] = ["CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE"];

pub(super) fn read(
    shared: &Shared,
    service: Service,
    account: &str,
    body: Map<String, Value>,
) -> Result<Asked, Refusal> {
    only(&body, &MEMBERS, "body")?;
    let body = Value::Object(body);
    let to = check::recipient(&body["recipient"])?;
    if let Some(action) = text(&body["sender_action"]) {
        return action_of(shared, service, account, &to, &action, &body);
    }
    if !body["message"].is_object() {
        return Err(Refusal::parameter("The parameter message is required"));
    }
    let tag = text(&body["tag"]);
    let limit_ms = window(service, &body, tag.as_deref())?;
    let part = check::message(service, &body["message"])?;
    reach(shared, account, &to, Some(limit_ms))?;
    let reply_to = text(&body["reply_to"]["mid"]).or_else(|| text(&body["message"]["reply_to"]["mid"]));
    let sent = Sent {
        service,
        account: account.to_owned(),
        to,
        id: String::new(),
        kind: part.kind,
        text: part.text,
        media: part.media,
        reply_to,
        reference: text(&body["message"]["metadata"]),
        tag,
        body,
        at_ms: shared.now_ms(),
    };
    Ok(Asked::Message { sent: Box::new(sent), fails: None, is_lost: false })
}

/// How long after the person's last message this one may go out.
fn window(service: Service, body: &Value, tag: Option<&str>) -> Result<i64, Refusal> {
    let kind = text(&body["messaging_type"]);
    if tag.is_some_and(|tag| ENDED_TAGS.contains(&tag)) {
        return Err(Refusal::new(100, "This message tag is no longer supported.").sub(1_893_061));
    }
    let is_tagged = match (kind.as_deref(), tag, service) {
        (Some("MESSAGE_TAG"), Some("HUMAN_AGENT"), _) | (None, Some("HUMAN_AGENT"), Service::Instagram) => {
            true
        }
        (Some("RESPONSE" | "UPDATE"), None, _) | (None, None, Service::Instagram) => false,
        (None, ..) => return Err(Refusal::parameter("The parameter messaging_type is required")),
        (Some("MESSAGE_TAG"), None, _) => return Err(Refusal::parameter("MESSAGE_TAG needs a tag")),
        (Some("RESPONSE" | "UPDATE"), Some(_), _) => {
            return Err(Refusal::parameter("tag is for messaging_type MESSAGE_TAG only"));
        }
        _ => return Err(Refusal::parameter("messaging_type or tag is unknown")),
    };
    Ok(if is_tagged { 7 * 24 * HOUR_MS } else { 24 * HOUR_MS })
}

/// Whether the person can be written to: known, not gone, and within the window.
fn reach(shared: &Shared, account: &str, to: &str, limit_ms: Option<i64>) -> Result<(), Refusal> {
    // A private reply to a comment and a checkbox have no person yet.
    if to.contains(':') {
        return Ok(());
    }
    let now_ms = shared.now_ms();
    shared.state.read(|state| {
        let Some(person) = state.known_person(account, to) else {
            return Err(Refusal::new(100, "No matching user found").sub(2_018_001));
        };
        if person.is_blocked {
            return Err(Refusal::unreachable());
        }
        let is_open = |limit_ms: i64| person.wrote_ms.is_some_and(|at| now_ms - at < limit_ms);
        if limit_ms.is_none_or(is_open) { Ok(()) } else { Err(Refusal::window()) }
    })
}

fn action_of(
    shared: &Shared,
    service: Service,
    account: &str,
    to: &str,
    action: &str,
    body: &Value,
) -> Result<Asked, Refusal> {
    if !body["message"].is_null() {
        return Err(Refusal::parameter("sender_action and message exclude each other"));
    }
    if !ACTIONS.contains(&action) {
        return Err(Refusal::parameter(
            "Param sender_action must be one of {TYPING_ON, TYPING_OFF, MARK_SEEN, REACT}",
        ));
    }
    reach(shared, account, to, None)?;
    if action.ends_with("react") {
        let target = text(&body["payload"]["message_id"]);
        let target = target.ok_or_else(|| Refusal::parameter("payload.message_id is required"))?;
        if !shared.state.read(|state| {
            state.known(&target).is_some_and(|known| known.account == account && known.person == to)
        }) {
            return Err(Refusal::parameter("payload.message_id is not a message of this thread"));
        }
        if action == "react" && text(&body["payload"]["reaction"]).is_none() {
            return Err(Refusal::parameter("payload.reaction is required"));
        }
    }
    let mark = Mark { service, account: account.to_owned(), to: to.to_owned(), action: action.to_owned() };
    Ok(Asked::Mark { mark, answer: json!({ "recipient_id": to }) })
}

pub(super) fn answer(to: &str, id: &str) -> Value {
    if to.contains(':') {
        json!({ "message_id": id })
    } else {
        json!({ "recipient_id": to, "message_id": id })
    }
}

/// The echo and the receipts of a message that was accepted.
pub(super) fn follow(shared: &Arc<Shared>, sent: &Sent, members: &Value) {
    let message = &sent.body["message"];
    let mut echo = json!({ "mid": sent.id, "is_echo": true });
    if let Some(words) = &sent.text {
        echo["text"] = words.as_str().into();
    }
    let attachments: Vec<Value> = match (&message["attachment"], &message["attachments"]) {
        (Value::Object(one), _) => vec![Value::Object(one.clone())],
        (_, Value::Array(several)) => several.clone(),
        _ => Vec::new(),
    };
    if !attachments.is_empty() {
        echo["attachments"] = attachments.into();
    }
    if let Some(mid) = &sent.reply_to {
        echo["reply_to"] = json!({ "mid": mid });
    }
    if sent.service == Service::Messenger {
        echo["app_id"] = shared.config.app_id.parse::<u64>().map_or(Value::Null, Value::from);
        if let Some(reference) = &sent.reference {
            echo["metadata"] = reference.as_str().into();
        }
    }
    if let Some(words) = members.as_str() {
        echo["text"] = words.into();
    }
    for (name, value) in members.as_object().into_iter().flatten() {
        echo[name.as_str()] = value.clone();
    }
    let item = json!({ "sender": { "id": sent.account }, "recipient": { "id": sent.to },
        "timestamp": sent.at_ms, "message": echo });
    let field = if sent.service == Service::Messenger { "message_echoes" } else { "messages" };
    hooks::emit(shared, sent.service, &sent.account, field, Item::Messaging(item));
    let receipts = shared.state.read(|state| state.receipts);
    if receipts >= Receipts::Delivered {
        delivered(shared, sent);
    }
    if receipts >= Receipts::Read {
        read_by(shared, sent);
    }
}

/// Messenger alone tells that something was delivered.
pub(super) fn delivered(shared: &Arc<Shared>, sent: &Sent) {
    if sent.service == Service::Messenger {
        let delivery = json!({ "mids": [sent.id], "watermark": sent.at_ms });
        receipt(shared, sent, "message_deliveries", "delivery", &delivery);
    }
}

pub(super) fn read_by(shared: &Arc<Shared>, sent: &Sent) {
    if sent.service == Service::Messenger {
        receipt(shared, sent, "message_reads", "read", &json!({ "watermark": sent.at_ms }));
    } else {
        receipt(shared, sent, "messaging_seen", "read", &json!({ "mid": sent.id }));
    }
}

fn receipt(shared: &Arc<Shared>, sent: &Sent, field: &str, name: &str, content: &Value) {
    let item = json!({ "sender": { "id": sent.to }, "recipient": { "id": sent.account },
        "timestamp": shared.now_ms(), name: content });
    hooks::emit(shared, sent.service, &sent.account, field, Item::Messaging(item));
}
