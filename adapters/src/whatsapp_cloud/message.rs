//! A message, or what is done to one: whose it is, where it stands, what it points at. What it says is in
//! [`content`](super::content).

use serde_json::Value;

use super::{
    content,
    wire::{Item, digits, phone},
};
use crate::{Direction, Fields, Kind, MediaState, NoAnswer, Origin, json};

/// What came in. Of the history, and of what another app has, that may be ours.
pub(super) fn read(item: &Item<'_>) -> Option<Fields> {
    any(item, is_by_us(item))
}

pub(super) fn echo(item: &Item<'_>) -> Option<Fields> {
    any(item, true)
}

/// Only a thread of the history holds both sides.
fn is_by_us(item: &Item<'_>) -> bool {
    let from = item.value.get("from").and_then(json::id);
    let Some(from) = from.filter(|_| item.why.is_some()) else { return false };
    match (&item.change.phone, item.thread) {
        (Some(ours), _) if digits(&from) == *ours => true,
        (_, Some(thread)) => from != thread && item.value.get("to").and_then(json::id).is_some(),
        _ => false,
    }
}

fn any(item: &Item<'_>, by_us: bool) -> Option<Fields> {
    let value = item.value;
    match value.get("type").and_then(Value::as_str) {
        Some("system") => return identity(item),
        Some("reaction") if value.get("reaction").is_some() => return reaction(item, by_us),
        Some("edit") => return edited(item, by_us),
        Some("revoke") => return revoked(item, by_us),
        _ => {}
    }
    let mut event = base(Kind::Text, item, by_us)?;
    content::fill(&mut event, value);
    event.message_key.clone_from(&event.external_message_id);
    event.no_answer = item.why;
    match item.why {
        Some(NoAnswer::Standby) => event.set("standby", true),
        Some(NoAnswer::History) => event.set("history", true),
        _ => {}
    }
    Some(event)
}

/// An event of a conversation, with its identity, place and author.
fn base(kind: Kind, item: &Item<'_>, by_us: bool) -> Option<Fields> {
    let value = item.value;
    let mut event = Fields::new(kind);
    event.external_message_id = Some(json::key(value, "id")?);
    event.timestamp_ms = json::millis(value, "timestamp");
    let (phone_name, user_name) = if by_us { ("to", "to_user_id") } else { ("from", "from_user_id") };
    let number = value.get(phone_name).and_then(json::id);
    let user = json::key(value, user_name);
    let group = json::key(value, "group_id");
    let contact = item.change.contact(number.as_deref(), user.as_deref());
    let said = |name| contact.and_then(|contact| json::key(contact, name));
    let user = user.or_else(|| said("user_id"));
    let person = number.clone().or_else(|| user.clone());
    event.is_group = group.is_some();
    event.external_conversation_id =
        Some(group.or_else(|| person.clone()).or_else(|| item.thread.map(str::to_owned))?);
    if let Some(user) = &user {
        event.set("external_user_id", user.as_str());
    }
    if by_us {
        event.direction = Some(Direction::Outbound);
        event.origin = Some(match item.why {
            Some(NoAnswer::Standby) => Origin::OtherApp,
            _ => Origin::HumanDevice,
        });
        return Some(event);
    }
    event.direction = Some(Direction::Inbound);
    let other = number.clone().or_else(|| said("wa_id"));
    event.contact_phone = other.as_deref().and_then(phone);
    event.alternate_contact_id = if number.is_some() { user } else { other };
    event.external_contact_id = person;
    let profile = contact.and_then(|contact| json::object(contact, "profile"));
    event.contact_name = profile.and_then(|profile| json::text(profile, "name"));
    let handle = profile.and_then(|profile| json::text(profile, "username"));
    event.contact_handle = handle.map(|handle| handle.trim_start_matches('@').to_owned());
    Some(event)
}

/// What is done to the message of that id.
fn action(kind: Kind, item: &Item<'_>, by_us: bool, target: String) -> Option<Fields> {
    let mut event = base(kind, item, by_us)?;
    event.target_key = Some(target.clone());
    event.target_message_id = Some(target);
    event.update_key.clone_from(&event.external_message_id);
    Some(event)
}

fn reaction(item: &Item<'_>, by_us: bool) -> Option<Fields> {
    let reaction = json::object(item.value, "reaction")?;
    let mut event = action(Kind::Reaction, item, by_us, json::key(reaction, "message_id")?)?;
    event.emoji = json::text(reaction, "emoji");
    event.removed = Some(event.emoji.is_none());
    Some(event)
}

fn target(value: &Value) -> Option<String> {
    ["original_message_id", "message_id"].iter().find_map(|name| json::key(value, name))
}

fn edited(item: &Item<'_>, by_us: bool) -> Option<Fields> {
    let edit = json::object(item.value, "edit")?;
    let mut event = action(Kind::Edited, item, by_us, target(edit)?)?;
    let said = json::object(edit, "message").unwrap_or(edit);
    content::fill(&mut event, said);
    if event.kind == Kind::Unsupported {
        return Some(Fields::ignored("unreadable_edit"));
    }
    // WhatsApp changes captions and not files: what is not given anew is as it was.
    event.media.retain(|media| media.state == MediaState::Ready);
    event.attachments = event.media.len();
    if event.media.is_empty() {
        event.data.retain(|name, _| !matches!(name.as_str(), "media_unavailable" | "filename"));
    }
    event.content = Some(event.kind);
    event.kind = Kind::Edited;
    Some(event)
}

fn revoked(item: &Item<'_>, by_us: bool) -> Option<Fields> {
    action(Kind::Deleted, item, by_us, target(json::object(item.value, "revoke")?)?)
}

/// A person has other ids from now on. The chat moves with the id that it is known by: the number where that is told,
/// else the id that hides it.
fn identity(item: &Item<'_>) -> Option<Fields> {
    let system = json::object(item.value, "system")?;
    let word = system.get("type").and_then(Value::as_str).unwrap_or_default();
    let id = |name| system.get(name).and_then(json::id);
    let (number, old_user, new_user) =
        (id("wa_id").or_else(|| id("new_wa_id")), id("previous_user_id"), id("user_id"));
    let from = item.value.get("from").and_then(json::id);
    let user = json::key(item.value, "from_user_id");
    let is_number = word.ends_with("changed_number");
    if !is_number && !word.ends_with("changed_user_id") && !word.ends_with("identity_changed") {
        return Some(Fields::ignored("system_message"));
    }
    let mut event = Fields::new(Kind::IdentityChange);
    event.external_message_id = Some(json::key(item.value, "id")?);
    event.update_key.clone_from(&event.external_message_id);
    event.timestamp_ms = json::millis(item.value, "timestamp");
    event.state = Some(word.to_owned()).filter(|word| word.len() <= 64);
    let new = match &from {
        Some(_) if is_number => number.or_else(|| new_user.clone()),
        Some(_) => number,
        None => new_user.clone().or(number),
    };
    let old = from.or_else(|| old_user.clone()).or(user)?;
    if let Some(new) = new {
        if new != old {
            event.set("new_external_conversation_id", new.as_str());
        }
        event.set("new_external_contact_id", new);
    }
    for (name, value) in [("old_user_id", old_user), ("new_user_id", new_user)] {
        if let Some(value) = value {
            event.set(name, value);
        }
    }
    event.external_conversation_id = Some(old.clone());
    event.external_contact_id = Some(old);
    Some(event)
}
