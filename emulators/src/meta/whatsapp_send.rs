//! `POST /{phone number id}/messages`: messages and read marks of WhatsApp Cloud, and the statuses of what was sent.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    asked::Asked,
    config::Shared,
    grants::HOUR_MS,
    hooks, ids,
    notice::Item,
    refusal::Refusal,
    values::{Mark, Receipts, Sent, Service},
    whatsapp_check::{self as check, text, within},
};

const MEMBERS: [&str; 19] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
    "ttl",
];
const MARK_MEMBERS: [&str; 4] = ["messaging_product", "status", "message_id", "typing_indicator"];

pub(super) fn read(shared: &Shared, account: &str, body: Map<String, Value>) -> Result<Asked, Refusal> {
    if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
        return Err(
            Refusal::new(100, "The parameter messaging_product is required.").details("messaging_product")
        );
    }
    if body.contains_key("status") {
        return mark(shared, account, &body);
    }
    check::only(&body, &MEMBERS, "")?;
    let to = recipient(&body)?;
    let kind = body.get("type").map_or(Some("text"), Value::as_str).unwrap_or_default().to_owned();
    let body = Value::Object(body);
    if !MEMBERS[7..18].contains(&kind.as_str()) {
        return Err(Refusal::parameter(&format!(
            "Param type must be one of the message types - got \"{kind}\""
        )));
    }
    for other in &MEMBERS[7..18] {
        if *other != kind && !body[*other].is_null() {
            return Err(Refusal::parameter(&format!(
                "Unexpected key \"{other}\" on a message of type {kind}"
            )));
        }
    }
    if !matches!(text(&body["recipient_type"]).as_deref(), None | Some("individual")) {
        return Err(Refusal::parameter("recipient_type must be individual"));
    }
    within(&body["biz_opaque_callback_data"], 512, "biz_opaque_callback_data")?;
    let reply_to = text(&body["context"]["message_id"]);
    if !body["context"].is_null() && !reply_to.as_deref().is_some_and(|id| id.starts_with("wamid.")) {
        return Err(Refusal::parameter("context.message_id has to be the id of a message"));
    }
    let part = check::part(shared, account, &kind, &body)?;
    if to.trim_start_matches('+')
        == shared.state.read(|state| state.number(account).map(|one| one.phone.clone())).unwrap_or_default()
    {
        return Err(Refusal::new(131_021, "Recipient cannot be sender"));
    }
    // A business-scoped id in place of a phone: answered as if all were well.
    let is_lost = text(&body["to"]).is_some_and(|to| ids::is_business_scoped(&to));
    let fails = fate(shared, account, &to, &kind, is_lost)?;
    let now_ms = shared.now_ms();
    let sent = Sent {
        service: Service::WhatsApp,
        account: account.to_owned(),
        to: to.trim_start_matches('+').to_owned(),
        id: String::new(),
        kind,
        text: part.text,
        media: part.media,
        reply_to: part.target.or(reply_to),
        reference: text(&body["biz_opaque_callback_data"]),
        tag: None,
        body,
        at_ms: now_ms,
    };
    Ok(Asked::Message { sent: Box::new(sent), fails, is_lost })
}

/// `to` wins over `recipient`.
fn recipient(body: &Map<String, Value>) -> Result<String, Refusal> {
    if let Some(to) = body.get("to") {
        let to = to.as_str().unwrap_or_default();
        let digits = to.trim_start_matches('+');
        let is_phone = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_phone || ids::is_business_scoped(to) {
            return Ok(to.to_owned());
        }
        return Err(Refusal::parameter("Param to is not a valid WhatsApp number"));
    }
    match body.get("recipient").map(|recipient| recipient.as_str().unwrap_or_default()) {
        Some(id) if ids::is_business_scoped(id) => Ok(id.to_owned()),
        Some(_) => Err(Refusal::parameter("Param recipient is not a business-scoped user id")),
        None => Err(Refusal::new(100, "The parameter to is required.").details("to or recipient")),
    }
}

/// The error of a message that cannot be delivered, at once or as a status.
fn fate(shared: &Shared, account: &str, to: &str, kind: &str, is_lost: bool) -> Result<Option<i64>, Refusal> {
    let now_ms = shared.now_ms();
    let (is_open, is_blocked) = shared.state.read(|state| {
        let person = state.known_person(account, to.trim_start_matches('+'));
        let wrote_ms = person.and_then(|person| person.wrote_ms);
        (
            wrote_ms.is_some_and(|at| now_ms - at < 24 * HOUR_MS),
            person.is_some_and(|person| person.is_blocked),
        )
    });
    if is_lost {
        return Ok(None);
    }
    if !is_open && kind != "template" {
        return if shared.config.window_fails_late {
            Ok(Some(131_047))
        } else {
            let details = reason(131_047).1;
            Err(Refusal::new(131_047, "Re-engagement message").details(details))
        };
    }
    Ok(is_blocked.then_some(131_026))
}

/// `status: read`, with or without typing.
fn mark(shared: &Shared, account: &str, body: &Map<String, Value>) -> Result<Asked, Refusal> {
    check::only(body, &MARK_MEMBERS, "")?;
    let body = Value::Object(body.clone());
    if body["status"] != "read" {
        return Err(Refusal::parameter("Param status must be one of {read}"));
    }
    let id = text(&body["message_id"]).ok_or_else(|| Refusal::missing("message_id"))?;
    let is_theirs = shared
        .state
        .read(|state| state.known(&id).is_some_and(|known| !known.is_ours && known.account == account));
    if !is_theirs {
        return Err(Refusal::value("message_id is not the id of a message that was received"));
    }
    let action = match &body["typing_indicator"] {
        Value::Null => "read",
        typing if typing["type"] == "text" => "typing",
        _ => return Err(Refusal::parameter("typing_indicator.type must be text")),
    };
    let mark =
        Mark { service: Service::WhatsApp, account: account.to_owned(), to: id, action: action.to_owned() };
    Ok(Asked::Mark { mark, answer: json!({ "success": true }) })
}

pub(super) fn answer(to: &str, id: &str) -> Value {
    let contact = if ids::is_business_scoped(to) {
        json!({ "input": to, "user_id": to })
    } else {
        json!({ "input": to, "wa_id": to })
    };
    json!({ "messaging_product": "whatsapp", "contacts": [contact],
        "messages": [{ "id": id, "message_status": "accepted" }] })
}

/// The statuses of a message that was accepted.
pub(super) fn follow(shared: &Arc<Shared>, sent: &Sent, fails: Option<i64>) {
    if let Some(code) = fails {
        status(shared, sent, "failed", Some(code));
        return;
    }
    let receipts = shared.state.read(|state| state.receipts);
    // A reaction has only the first one.
    let receipts = if sent.kind == "reaction" { receipts.min(Receipts::Sent) } else { receipts };
    for (name, least) in
        [("sent", Receipts::Sent), ("delivered", Receipts::Delivered), ("read", Receipts::Read)]
    {
        if receipts >= least {
            status(shared, sent, name, None);
        }
    }
}

pub(super) fn status(shared: &Arc<Shared>, sent: &Sent, name: &str, fails: Option<i64>) {
    let now_s = shared.now_ms() / 1000;
    let mut status = json!({ "id": sent.id, "status": name, "timestamp": now_s.to_string() });
    let (phone, user_id) = shared.state.read(|state| {
        let phone =
            Some(state.name_of(&sent.to)).filter(|to| !ids::is_business_scoped(to)).map(str::to_owned);
        let is_user_id = ids::is_business_scoped(&sent.to);
        let user_id =
            if is_user_id { Some(sent.to.clone()) } else { state.user_id_of(&sent.to).map(str::to_owned) };
        (phone, user_id)
    });
    if let Some(phone) = phone {
        status["recipient_id"] = phone.into();
    }
    if let Some(user_id) = user_id {
        status["recipient_user_id"] = user_id.into();
    }
    if let Some(reference) = &sent.reference {
        status["biz_opaque_callback_data"] = reference.as_str().into();
    }
    if name == "sent" {
        status["conversation"] = json!({ "id": "059ae3a53fdef0c583d00898e37cbd51",
            "expiration_timestamp": (now_s + 86_400).to_string(), "origin": { "type": "service" } });
        status["pricing"] = json!({ "billable": false, "pricing_model": "PMP", "type": "free_customer_service",
            "category": "service" });
    }
    if let Some(code) = fails {
        let (title, details) = reason(code);
        status["errors"] = json!([{ "code": code, "title": title, "message": title,
            "error_data": { "details": details },
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/" }]);
    }
    let mut value = envelope(shared, &sent.account);
    value["statuses"] = json!([status]);
    hooks::emit(shared, Service::WhatsApp, &sent.account, "messages", Item::Change("messages", value));
}

/// A value with the number that it concerns.
pub(super) fn envelope(shared: &Shared, account: &str) -> Value {
    let phone = shared.state.read(|state| state.number(account).map(|number| number.phone.clone()));
    json!({ "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": phone, "phone_number_id": account } })
}

fn reason(code: i64) -> (&'static str, &'static str) {
    match code {
        131_026 => ("Message undeliverable", "Message Undeliverable."),
        131_047 => (
            "Re-engagement message",
            "Message failed to send because more than 24 hours have passed since the customer last replied to this \
             number.",
        ),
        131_049 => (
            "This message was not delivered to maintain healthy ecosystem engagement.",
            "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
        ),
        131_050 => ("User has stopped marketing messages", "The person opted out of marketing messages."),
        131_053 => ("Media upload error", "The file could not be fetched."),
        130_429 => ("Rate limit hit", "Cloud API message throughput has been reached."),
        130_472 => {
            ("User's number is part of an experiment", "The message was not sent as part of an experiment.")
        }
        _ => ("Something went wrong", "Message failed to send because of an unknown error."),
    }
}
