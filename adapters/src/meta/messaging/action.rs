//! What happened to a message, or beside one: reactions, edits, receipts, referrals, threads handed over.

use serde_json::Value;

use super::{
    message::refer,
    parse::{Scope, ignored, unread},
    wire,
};
use crate::{Direction, Fields, HealthState, Kind, Status, json};

/// The reactions that Meta names, for a body without the emoji.
const NAMED: &[(&str, &str)] = &[
    ("love", "❤️"),
    ("like", "👍"),
    ("dislike", "👎"),
    ("smile", "😆"),
    ("haha", "😆"),
    ("wow", "😮"),
    ("sad", "😢"),
    ("angry", "😠"),
];

/// Identity of what happened, the same over its repetitions, which carry no identity of their own.
fn identify(event: &mut Fields, what: &str) {
    let who = event.external_contact_id.as_deref().unwrap_or("us");
    event.update_key = Some(format!("{what}:{who}:{}", event.timestamp_ms.unwrap_or_default()))
        .filter(|key| key.len() <= 256);
}

fn aim(event: &mut Fields, mid: String) {
    event.target_key = Some(mid.clone());
    event.target_message_id = Some(mid);
}

pub(super) fn reaction(scope: &Scope<'_>, value: &Value, reaction: &Value) -> Option<Fields> {
    let mid = wire::id(reaction, "mid")?;
    let mut event = match scope.between(Kind::Reaction, value, false) {
        Ok(event) => event,
        Err(reason) => return unread(reason),
    };
    let name = json::text(reaction, "reaction");
    let emoji = json::text(reaction, "emoji");
    match json::text(reaction, "action").as_deref() {
        Some("unreact") => event.removed = Some(true),
        Some("react") => event.removed = Some(false),
        // Only the word takes a reaction back.
        _ if emoji.is_some() || name.is_some() => event.removed = Some(false),
        _ => return ignored("no_reaction"),
    }
    if event.removed == Some(false) {
        let named = || {
            NAMED
                .iter()
                .find(|(word, _)| Some(*word) == name.as_deref())
                .map(|(_, emoji)| (*emoji).to_owned())
        };
        event.emoji = emoji.or_else(named);
    }
    identify(&mut event, &mid);
    aim(&mut event, mid);
    Some(event)
}

/// The first delivery of a message has been seen to tell an edit of it that changes nothing.
pub(super) fn edited(scope: &Scope<'_>, value: &Value, edit: &Value) -> Option<Fields> {
    let mid = wire::id(edit, "mid")?;
    let text = json::text(edit, "text");
    if json::number(edit, "num_edit") == Some(0.0) || text.is_none() {
        return ignored("nothing_edited");
    }
    let mut event = match scope.between(Kind::Edited, value, wire::flag(edit, "is_echo")) {
        Ok(event) => event,
        // The message says where it is.
        Err(None) => {
            let mut event = Fields::new(Kind::Edited);
            event.timestamp_ms = json::millis(value, "timestamp");
            event
        }
        Err(reason) => return unread(reason),
    };
    event.text = text;
    let count = json::number(edit, "num_edit").unwrap_or_default();
    identify(&mut event, &format!("{mid}:{count}"));
    aim(&mut event, mid);
    Some(event)
}

/// Everything that we sent until the watermark has come, and so have the messages that are named.
pub(super) fn delivery(
    scope: &Scope<'_>,
    value: &Value,
    delivery: &Value,
    mid: Option<usize>,
) -> Option<Fields> {
    let mids = json::list(delivery, "mids");
    let mids = match mid {
        Some(at) => mids.get(at..=at)?,
        None => mids,
    };
    receipt(scope, value, Status::Delivered, mids, json::millis(delivery, "watermark"))
}

/// Messenger tells a time, Instagram one message.
pub(super) fn read(scope: &Scope<'_>, value: &Value, read: &Value) -> Option<Fields> {
    let mid = read.get("mid").filter(|mid| !mid.is_null());
    let mids = mid.map_or(&[][..], std::slice::from_ref);
    receipt(scope, value, Status::Read, mids, json::millis(read, "watermark"))
}

fn receipt(
    scope: &Scope<'_>,
    value: &Value,
    status: Status,
    mids: &[Value],
    watermark_ms: Option<i64>,
) -> Option<Fields> {
    let mut event = match scope.between(Kind::Status, value, false) {
        Ok(event) => event,
        Err(reason) => return unread(reason),
    };
    if event.direction == Some(Direction::Outbound) {
        // We read it on another device.
        return ignored("receipt_of_inbound");
    }
    let mids: Vec<String> = mids.iter().filter_map(json::id).collect();
    let what = match (&*mids, watermark_ms) {
        (_, Some(until_ms)) => until_ms.to_string(),
        ([mid], None) => mid.clone(),
        _ => return None,
    };
    event.direction = None;
    event.status = Some(status);
    event.watermark_ms = watermark_ms;
    if watermark_ms.is_none() {
        event.target_key = mids.first().cloned();
    }
    identify(&mut event, &what);
    event.set("external_message_ids", mids);
    Some(event)
}

/// It led a customer into a conversation that there was before. Nobody wrote anything.
pub(super) fn referral(scope: &Scope<'_>, value: &Value, referral: &Value) -> Option<Fields> {
    let mut event = match scope.between(Kind::Referral, value, false) {
        Ok(event) => event,
        Err(reason) => return unread(reason),
    };
    refer(&mut event, referral);
    identify(&mut event, "referral");
    Some(event)
}

/// Another app has the conversation from now on, or gives it back.
pub(super) fn handover(scope: &Scope<'_>, value: &Value, _: &Value) -> Option<Fields> {
    const ACTIONS: &[&str] =
        &["pass_thread_control", "take_thread_control", "request_thread_control", "app_roles"];
    let (action, content) = ACTIONS.iter().find_map(|name| Some((*name, json::object(value, name)?)))?;
    let mut event = match scope.between(Kind::Handover, value, false) {
        Ok(event) => event,
        // Roles are of the page, and no customer is part of it.
        Err(None) if action == "app_roles" => Fields::new(Kind::Handover),
        Err(reason) => return unread(reason),
    };
    event.direction = None;
    event.state = Some(action.to_owned());
    for name in ["new_owner_app_id", "previous_owner_app_id", "requested_owner_app_id"] {
        if let Some(app) = wire::id(content, name) {
            event.set(name, app);
        }
    }
    if let Some(metadata) = json::text(content, "metadata") {
        event.set("metadata", metadata);
    }
    identify(&mut event, action);
    Some(event)
}

/// Meta closes the page for what it did, or opens it again.
#[expect(clippy::unnecessary_wraps, reason = "one of the readers of a table")]
pub(super) fn policy(_: &Scope<'_>, value: &Value, policy: &Value) -> Option<Fields> {
    let mut event = Fields::new(Kind::AccountError);
    event.timestamp_ms = json::millis(value, "timestamp");
    let action = json::text(policy, "action");
    event.health = match action.as_deref() {
        Some("block") => Some(HealthState::Down),
        Some("unblock") => Some(HealthState::Up),
        _ => None,
    };
    event.reason = json::text(policy, "reason");
    event.state = match (&action, &event.reason) {
        (Some(action), Some(reason)) => Some(crate::Words::from(format!("{action}: {reason}")).into()),
        (Some(action), None) => Some(crate::Words::from(action.as_str()).into()),
        (None, _) => Some("policy_enforcement".to_owned()),
    };
    identify(&mut event, "policy");
    Some(event)
}
