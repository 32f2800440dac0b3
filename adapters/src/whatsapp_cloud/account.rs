//! What is told about the account, the number or a conversation and is no message: errors, bans, reviews, preferences,
//! calls.

use serde_json::Value;

use super::{
    errors,
    wire::{self, Change},
};
use crate::{
    Fields, HealthState, Kind, json,
    meta::fault::{Fault, Meaning},
};

/// A failure that belongs to no message. Some say that nothing leaves any more.
pub(super) fn error(value: &Value) -> Option<Fields> {
    let fault = Fault::of(value)?;
    let known = fault.known(errors::table);
    let reason = String::from(fault.reason(known.and_then(|known| known.words)));
    let mut event = trouble(&format!("error:{}", fault.code), &reason);
    event.set("error_code", fault.code);
    if known.is_some_and(|known| known.meaning == Meaning::Down) {
        event.health = Some(HealthState::Down);
    }
    Some(event)
}

fn trouble(key: &str, words: &str) -> Fields {
    let mut event = Fields::new(Kind::AccountError);
    event.update_key = Some(key.to_owned());
    event.state = Some(words.to_owned());
    event
}

/// A change that is about the account as a whole.
pub(super) fn whole(change: &Change<'_>) -> Fields {
    let value = change.value;
    let word = |name| value.get(name).and_then(Value::as_str).filter(|word| word.len() <= 64);
    let other = || Fields::ignored("other_field");
    let (word, health) = match change.field {
        "account_update" => {
            let ban = json::object(value, "ban_info").and_then(|ban| ban.get("waba_ban_state"));
            match (word("event"), ban.and_then(Value::as_str)) {
                (Some("DISABLED_UPDATE"), Some("DISABLE")) => {
                    ("the account is disabled", Some(HealthState::Down))
                }
                (Some("DISABLED_UPDATE"), Some("REINSTATE")) => {
                    ("the account works again", Some(HealthState::Up))
                }
                (Some("DISABLED_UPDATE"), _) => ("the account is going to be disabled", None),
                (Some("ACCOUNT_DELETED"), _) => ("the account was deleted", Some(HealthState::Down)),
                (Some("PARTNER_REMOVED" | "PARTNER_APP_UNINSTALLED" | "ACCOUNT_OFFBOARDED"), _) => {
                    ("the account is not connected to the app any more", Some(HealthState::Down))
                }
                (Some("ACCOUNT_RESTRICTION"), _) => ("the account is restricted", None),
                (Some("ACCOUNT_VIOLATION"), _) => ("the account broke a rule of WhatsApp's", None),
                _ => return other(),
            }
        }
        "account_review_update" if word("decision") == Some("REJECTED") => {
            ("WhatsApp rejected the account", Some(HealthState::Down))
        }
        "account_alerts" if word("alert_severity") == Some("CRITICAL") => ("WhatsApp raises an alert", None),
        "phone_number_quality_update" if word("event") == Some("FLAGGED") => {
            ("customers complain about the number", None)
        }
        "messaging_handovers" => return handover(change),
        // The contacts of the phone beside: nobody wrote.
        "smb_app_state_sync" => return Fields::ignored("app_state_sync"),
        _ => return other(),
    };
    let mut event = trouble(change.field, word);
    event.health = health;
    event.set("field", change.field);
    for name in ["event", "decision", "alert_type", "alert_description"] {
        if let Some(said) = json::text(value, name) {
            event.set(name, said);
        }
    }
    event
}

/// Who has the conversation from now on.
fn handover(change: &Change<'_>) -> Fields {
    let mut event = Fields::new(Kind::Handover);
    event.update_key = Some(change.field.to_owned());
    event.timestamp_ms = json::millis(change.value, "timestamp");
    let person = ["wa_id", "user_id", "from", "from_user_id"];
    event.external_contact_id = person.iter().find_map(|name| change.value.get(*name).and_then(json::id));
    event.external_conversation_id.clone_from(&event.external_contact_id);
    event
}

/// Whether a person wants marketing messages: WhatsApp itself refuses them, and everything else may be sent.
pub(super) fn preference(value: &Value) -> Option<Fields> {
    let id = |name: &str| value.get(name).and_then(json::id);
    let (number, user) = (id("wa_id"), id("user_id"));
    let word = match value.get("value").and_then(Value::as_str)? {
        "stop" => "marketing_stopped",
        "resume" => "marketing_resumed",
        _ => return Some(Fields::ignored("unknown_preference")),
    };
    let mut event = Fields::new(Kind::Membership);
    event.state = Some(word.to_owned());
    event.timestamp_ms = json::millis(value, "timestamp");
    event.contact_phone = number.as_deref().and_then(wire::phone);
    event.external_contact_id = Some(number.clone().or_else(|| user.clone())?);
    event.alternate_contact_id = user.filter(|_| number.is_some());
    event.external_conversation_id.clone_from(&event.external_contact_id);
    event.update_key = Some(format!("{word}:{}", event.timestamp_ms.unwrap_or_default()));
    for name in ["category", "detail"] {
        if let Some(said) = json::text(value, name) {
            event.set(name, said);
        }
    }
    Some(event)
}

pub(super) fn call(value: &Value) -> Option<Fields> {
    let mut event = Fields::new(Kind::Call);
    event.external_message_id = Some(json::key(value, "id")?);
    event.timestamp_ms = json::millis(value, "timestamp");
    let from_us = value.get("direction").and_then(Value::as_str) == Some("BUSINESS_INITIATED");
    let names = if from_us { ["to", "to_user_id"] } else { ["from", "from_user_id"] };
    event.external_contact_id = names.iter().find_map(|name| value.get(*name).and_then(json::id));
    event.external_conversation_id.clone_from(&event.external_contact_id);
    event.state = json::key(value, "event");
    Some(event)
}
