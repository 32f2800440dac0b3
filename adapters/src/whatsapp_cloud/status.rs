//! How far a message of ours has come: for all of a group, or for one participant of it.

use serde_json::Value;

use super::errors;
use crate::{
    Fields, Kind, Status, json,
    meta::fault::{Fault, Meaning},
};

pub(super) fn read(value: &Value) -> Option<Fields> {
    let id = json::key(value, "id")?;
    let status = match value.get("status").and_then(Value::as_str)? {
        "sent" => Status::Sent,
        "delivered" => Status::Delivered,
        "read" => Status::Read,
        "played" => Status::Played,
        "failed" => Status::Failed,
        _ => return Some(Fields::ignored("unknown_status")),
    };
    // Calls and payments have states of their own under the same words.
    if let Some(kind) = value.get("type").and_then(Value::as_str).filter(|kind| *kind != "message") {
        return Some(Fields::ignored(if kind == "call" { "call_status" } else { "other_status" }));
    }
    let mut event = Fields::new(Kind::Status);
    event.status = Some(status);
    event.target_key = Some(id.clone());
    event.external_message_id = Some(id);
    event.timestamp_ms = json::millis(value, "timestamp");
    let either = |names: [&str; 2]| names.iter().find_map(|name| value.get(*name).and_then(json::id));
    event.external_conversation_id = either(["recipient_id", "recipient_user_id"]);
    event.is_group = value.get("recipient_type").and_then(Value::as_str) == Some("group");
    let participant = either(["recipient_participant_id", "recipient_participant_user_id"]);
    if let Some(participant) = participant {
        event.partial = true;
        event.external_contact_id = Some(participant);
    }
    if let Some(ours) = json::key(value, "biz_opaque_callback_data") {
        event.set("callback_data", ours.as_str());
        event.our_reference = Some(ours);
    }
    if status == Status::Failed {
        let fault = json::list(value, "errors").iter().find_map(Fault::of);
        let known = fault.as_ref().and_then(|fault| fault.known(errors::table));
        let retry = matches!(known.map(|known| known.meaning), Some(Meaning::Later(_) | Meaning::Failed));
        event.retryable = Some(retry);
        if let Some(fault) = fault {
            event.set("error_code", fault.code);
            if let Some(name) = known.and_then(|known| known.name) {
                event.set("failure", name);
            }
            event.reason = Some(fault.reason(known.and_then(|known| known.words)).into());
        }
    }
    Some(event)
}
