//! One envelope to events. Pure; the bare id is the message's identity, the envelope's id that of the delivery.

use serde_json::Value;

use super::{
    connect, content, engine, id, title,
    wire::{self, Envelope, Item, Topic},
};
use crate::{Direction, Fields, Kind, NotJson, Origin, Status, bounds, json};

pub(super) fn parse(body: &[u8]) -> Result<Vec<Fields>, NotJson> {
    let document = json::document(body)?;
    let Some(envelope) = Envelope::of(&document) else { return Ok(vec![malformed()]) };
    let mut events = match (envelope.topic, envelope.payload()) {
        (Topic::Unknown, _) => vec![Fields::ignored("unknown_event")],
        (Topic::Unhandled, _) => vec![Fields::ignored("unhandled_event")],
        (Topic::Waiting, _) => vec![Fields::ignored("waiting")],
        (_, None) => vec![malformed()],
        (Topic::Presence, Some(payload)) => presences(payload, &envelope),
        (topic, Some(payload)) => {
            let event = match topic {
                Topic::Message => message(payload, &envelope),
                Topic::Reaction => reaction(payload, &envelope),
                Topic::Ack => ack(payload, &envelope),
                Topic::Edited => edited(payload, &envelope),
                Topic::Revoked => revoked(payload, &envelope),
                Topic::PollVote => vote(payload),
                Topic::Group => title::event(payload),
                Topic::Call => call(payload, envelope.name),
                _ => session(payload),
            };
            vec![event.unwrap_or_else(malformed)]
        }
    };
    for event in &mut events {
        event.update_key = envelope.id();
        event.told_ms = envelope.timestamp_ms();
        if event.kind != Kind::Ignored {
            event.external_account_id = event.external_account_id.take().or_else(|| envelope.session());
            event.timestamp_ms = event.timestamp_ms.or_else(|| envelope.timestamp_ms());
        }
    }
    Ok(events)
}

fn malformed() -> Fields {
    Fields::ignored("malformed")
}

/// An event about one message or action, with its identity, place and author. Stories, channels, the accounts of machines
/// and the chat with oneself are no conversations: `Err` names them.
fn base(kind: Kind, item: &Item<'_>) -> Result<Fields, &'static str> {
    if item.chat == "status@broadcast" {
        return Err("status_broadcast");
    }
    if item.chat.ends_with("@broadcast") {
        return Err("broadcast");
    }
    if item.chat.ends_with("@newsletter") {
        return Err("channel");
    }
    // Notes of whoever has the phone, which are nobody else's to read.
    if item.to_self {
        return Err("own_chat");
    }
    if let Some(machine) = id::machine(&item.chat).or_else(|| item.person().as_deref().and_then(id::machine))
    {
        return Err(machine);
    }
    let mut event = Fields::new(kind);
    event.external_message_id = Some(item.full_id.clone());
    event.dedupe_key = Some(item.bare.clone());
    event.external_conversation_id = Some(item.chat.clone());
    event.is_group = id::is_group(&item.chat);
    event.timestamp_ms = json::millis(item.value, "timestamp");
    event.alternate_contact_id = item.alternate();
    if item.from_me {
        event.direction = Some(Direction::Outbound);
        event.origin = match item.value.get("source").and_then(Value::as_str) {
            Some("api") => Some(Origin::OurApi),
            Some(_) => Some(Origin::HumanDevice),
            None => None,
        };
    } else {
        event.direction = Some(Direction::Inbound);
        event.external_contact_id = item.person();
        event.contact_name = item.push_name();
    }
    let ids = [event.external_contact_id.as_deref(), event.alternate_contact_id.as_deref()];
    if !item.from_me {
        event.contact_phone = ids.into_iter().flatten().find_map(id::phone);
    }
    if event.external_contact_id.as_deref().is_some_and(id::is_lid) {
        event.set("contact_is_lid", true);
    }
    Ok(event)
}

fn message(payload: &Value, envelope: &Envelope<'_>) -> Option<Fields> {
    let item = Item::of(payload)?.done_by(envelope.me());
    // Earlier servers and some kinds of messages: an edit comes as a message.
    if let Some(target) = engine::edited_by(&item) {
        return Some(edit_of(&item, &target, envelope));
    }
    let mut event = match base(Kind::Text, &item) {
        Ok(event) => event,
        Err(reason) => return Some(Fields::ignored(reason)),
    };
    event.message_key = Some(item.bare.clone());
    if let Err(reason) = content::fill(&mut event, &item, envelope.me()) {
        return Some(Fields::ignored(&reason));
    }
    let quoted = json::object(payload, "replyTo").and_then(|quoted| wire::id_text(quoted, "id"));
    event.reply_to = quoted.as_deref().map(id::bare);
    event.reply_key.clone_from(&event.reply_to);
    Some(event)
}

/// An action on the message of that id.
fn action(kind: Kind, item: &Item<'_>, target: &str) -> Fields {
    let mut event = match base(kind, item) {
        Ok(event) => event,
        Err(reason) => return Fields::ignored(reason),
    };
    event.target_message_id = Some(id::bare(target));
    event.target_key.clone_from(&event.target_message_id);
    event
}

fn reaction(payload: &Value, envelope: &Envelope<'_>) -> Option<Fields> {
    let item = Item::of(payload)?.done_by(envelope.me());
    let reaction = json::object(payload, "reaction")?;
    let mut event = action(Kind::Reaction, &item, &wire::id_text(reaction, "messageId")?);
    // Only empty text takes a reaction back. No text at all says nothing.
    match reaction.get("text") {
        Some(Value::String(text)) => {
            event.removed = Some(text.is_empty());
            event.emoji = json::text(reaction, "text");
        }
        None | Some(Value::Null) => return Some(Fields::ignored("no_reaction")),
        Some(_) => return None,
    }
    Some(event)
}

/// The payload is the edit; the message it changes is named beside it. Its time is the envelope's: the payload's may
/// be that of the message, which all its edits share.
fn edited(payload: &Value, envelope: &Envelope<'_>) -> Option<Fields> {
    let item = Item::of(payload)?.done_by(envelope.me());
    let target = wire::id_text(payload, "editedMessageId")?;
    Some(edit_of(&item, &target, envelope))
}

fn edit_of(item: &Item<'_>, target: &str, envelope: &Envelope<'_>) -> Fields {
    let mut event = action(Kind::Edited, item, target);
    if event.kind == Kind::Ignored {
        return event;
    }
    if let Err(reason) = content::fill_edit(&mut event, item, envelope.me(), &item.sibling(target)) {
        return Fields::ignored(&reason);
    }
    event.content = Some(event.kind);
    event.kind = Kind::Edited;
    // The payload's time may be that of the edited message. Within one second `told_ms` orders.
    let told = envelope.timestamp_ms();
    let is_same_second = |own: i64| told.is_some_and(|told| told.div_euclid(1_000) == own.div_euclid(1_000));
    event.timestamp_ms = event.timestamp_ms.filter(|own| told.is_none() || is_same_second(*own)).or(told);
    event
}

/// `after` is the deletion, `before` the deleted message; either may be missing. On WEBJS `after` may carry the deleted
/// id and the deleted message's time, or `before` the deletion's id: then only the engine names the deleted one.
fn revoked(payload: &Value, envelope: &Envelope<'_>) -> Option<Fields> {
    let part = |name| {
        let item = json::object(payload, name).and_then(Item::of)?;
        Some(item.done_by(envelope.me()))
    };
    let (before, after) = (part("before"), part("after"));
    let target = wire::id_text(payload, "revokedMessageId")
        .or_else(|| [&after, &before].into_iter().flatten().find_map(Item::noted))
        .or_else(|| before.as_ref().map(|before| before.full_id.clone()))
        .or_else(|| after.as_ref().map(|after| after.full_id.clone()))?;
    let has_own_time = after.as_ref().is_some_and(|after| after.bare != id::bare(&target));
    let mut event = action(Kind::Deleted, &after.or(before)?, &target);
    if !has_own_time {
        event.timestamp_ms = envelope.timestamp_ms().or(event.timestamp_ms);
    }
    Some(event)
}

fn vote(payload: &Value) -> Option<Fields> {
    let vote = json::object(payload, "vote")?;
    let item = Item::of(vote)?;
    let poll = json::object(payload, "poll").and_then(|poll| wire::id_text(poll, "id"))?;
    let mut event = action(Kind::PollVote, &item, &poll);
    let selected = json::list(vote, "selectedOptions").iter().filter_map(Value::as_str);
    event.set("selected", selected.collect::<Vec<_>>());
    Some(event)
}

/// The payload has the time of the message or none; the receipt's is the envelope's.
fn ack(payload: &Value, envelope: &Envelope<'_>) -> Option<Fields> {
    // The participant is who acknowledges.
    let item = Item::of(payload)?.seen_by(envelope.me());
    if !item.from_me {
        // We read it on another device.
        return Some(Fields::ignored("ack_of_inbound"));
    }
    let Some(status) = status(payload) else { return Some(Fields::ignored("unknown_ack")) };
    let mut event = match base(Kind::Status, &item) {
        Ok(event) => event,
        Err(reason) => return Some(Fields::ignored(reason)),
    };
    let participant = item.participant().filter(|_| event.is_group || envelope.name == "message.ack.group");
    let reached_people = matches!(status, Status::Delivered | Status::Read | Status::Played);
    event.partial = participant.is_some() || (event.is_group && reached_people);
    event.external_contact_id = participant;
    event.direction = None;
    event.origin = None;
    event.timestamp_ms = None;
    event.status = Some(status);
    if status == Status::Failed {
        event.reason = refusal(payload);
    }
    event.target_key = Some(item.bare);
    Some(event)
}

/// Why WhatsApp did not take a message, where the engine says so.
fn refusal(payload: &Value) -> Option<String> {
    let code = json::id(json::object(payload, "error")?.get("code")?)?;
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    Some(match code.as_str() {
        "463" => "WhatsApp does not let this number start new chats now (463)".to_owned(),
        _ => format!("WhatsApp refused the message (error {code})"),
    })
}

fn status(payload: &Value) -> Option<Status> {
    match json::integer(payload, "ack") {
        Some(-1) => Some(Status::Failed),
        Some(0) => Some(Status::Pending),
        Some(1) => Some(Status::Sent),
        Some(2) => Some(Status::Delivered),
        Some(3) => Some(Status::Read),
        Some(4) => Some(Status::Played),
        _ => match payload.get("ackName")?.as_str()? {
            "ERROR" => Some(Status::Failed),
            "PENDING" => Some(Status::Pending),
            "SERVER" => Some(Status::Sent),
            "DEVICE" => Some(Status::Delivered),
            "READ" => Some(Status::Read),
            "PLAYED" => Some(Status::Played),
            _ => None,
        },
    }
}

fn session(payload: &Value) -> Option<Fields> {
    let state = json::text(payload, "status")?;
    let mut event = Fields::new(Kind::Session);
    if state == "SCAN_QR_CODE" {
        // Repeated for each new code.
        event.set("needs_qr_refresh", true);
    }
    event.external_account_id = json::text(payload, "name");
    event.health = Some(connect::state_of(&state));
    event.state = Some(state);
    Some(event)
}

fn presences(payload: &Value, envelope: &Envelope<'_>) -> Vec<Fields> {
    let presences = json::list(payload, "presences");
    let Some(chat) = wire::chat(payload, "id").filter(|_| !presences.is_empty()) else {
        return vec![malformed()];
    };
    let one = |presence: &Value| {
        let mut event = Fields::new(Kind::Presence);
        event.state = Some(json::key(presence, "lastKnownPresence")?);
        event.external_contact_id = Some(wire::chat(presence, "participant").unwrap_or_else(|| chat.clone()));
        event.external_conversation_id = Some(chat.clone());
        event.is_group = id::is_group(&chat);
        Some(event)
    };
    let shared = [envelope.id(), envelope.session()].into_iter().flatten().map(|id| id.len()).sum();
    bounds::events(presences, shared, |presence| one(presence).unwrap_or_else(malformed))
}

fn call(payload: &Value, name: &str) -> Option<Fields> {
    let from = wire::chat(payload, "from")?;
    let mut event = Fields::new(Kind::Call);
    event.dedupe_key = wire::id_text(payload, "id").map(|id| format!("{id}:{name}"));
    event.external_conversation_id = Some(from.clone());
    event.contact_phone = id::phone(&from);
    event.external_contact_id = Some(from);
    event.timestamp_ms = json::millis(payload, "timestamp");
    event.state = name.strip_prefix("call.").map(str::to_owned);
    event.direction = Some(Direction::Inbound);
    if let Some(is_video) = json::flag(payload, "isVideo") {
        event.set("is_video", is_video);
    }
    Some(event)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(event: &str, payload: &Value) -> Fields {
        let body = json!({
            "id": "evt_1", "timestamp": 1_794_312_000_317_i64, "event": event, "session": "s", "payload": payload,
        });
        let mut events = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    #[test]
    fn lid_and_phone_copies_are_one_message() {
        let phone = one("message", &json!({"id": "false_12025550143@c.us_AA", "body": "x"}));
        let hidden = one(
            "message.any",
            &json!({"id": "false_187654321098765@lid_AA", "body": "x",
            "_data": {"Info": {"SenderAlt": "12025550143:7@s.whatsapp.net"}}}),
        );
        assert_eq!(phone.once_key(), hidden.once_key());
        assert_eq!(hidden.alternate_contact_id, phone.external_contact_id);
        assert_eq!(hidden.contact_phone.as_deref(), Some("12025550143"));
    }

    #[test]
    fn a_number_as_from_me_is_understood() {
        let event = one(
            "message.any",
            &json!({"id": "true_12025550143@c.us_AA", "fromMe": 1, "source": "api", "body": "x"}),
        );
        assert_eq!((event.direction, event.origin), (Some(Direction::Outbound), Some(Origin::OurApi)));
    }

    #[test]
    fn acks_of_groups_are_partial_and_of_inbound_messages_no_status() {
        let id = "true_120363000000000123@g.us_AA_12025550151@c.us";
        for name in ["message.ack", "message.ack.group"] {
            let event = one(name, &json!({"id": id, "fromMe": true, "ack": 3}));
            assert!(event.partial);
            assert_eq!(event.target_key(), Some("AA"));
            assert_eq!(event.external_contact_id.as_deref(), Some("12025550151@c.us"));
        }
        let server =
            one("message.ack", &json!({"id": "true_120363000000000123@g.us_AA", "fromMe": true, "ack": 1}));
        assert!(!server.partial);
        let read = one("message.ack", &json!({"id": "false_12025550143@c.us_AA", "fromMe": false, "ack": 3}));
        assert_eq!(read.reason.as_deref(), Some("ack_of_inbound"));
        let unknown = one(
            "message.ack",
            &json!({"id": "true_1@c.us_AA", "fromMe": true, "ack": 9, "ackName": "UNKNOWN"}),
        );
        assert_eq!(unknown.reason.as_deref(), Some("unknown_ack"));
    }

    #[test]
    fn a_deletion_without_its_own_message_is_placed_by_the_deleted_one() {
        let event = one("message.revoked", &json!({"after": null, "before": {"id": "false_1@c.us_AA"}}));
        assert_eq!((event.kind, event.target_key()), (Kind::Deleted, Some("AA")));
    }

    #[test]
    fn presences_keep_their_good_neighbours() {
        let body = json!({"event": "presence.update", "session": "s", "payload": {
            "id": "120363000000000123@g.us",
            "presences": [{"participant": "1@c.us", "lastKnownPresence": "typing"}, 7],
        }});
        let events = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            events.iter().map(|event| event.kind).collect::<Vec<_>>(),
            [Kind::Presence, Kind::Ignored]
        );
    }

    #[test]
    fn a_bare_id_takes_its_chat_from_the_parties() {
        let ours = one(
            "message.any",
            &json!({"id": "AA", "fromMe": true, "from": "1@c.us", "to": "2@c.us", "body": "x"}),
        );
        assert_eq!(ours.external_conversation_id.as_deref(), Some("2@c.us"));
        let theirs = one(
            "message.any",
            &json!({"id": "AA", "fromMe": false, "from": "2@c.us", "to": "1@c.us", "body": "x"}),
        );
        assert_eq!(theirs.external_conversation_id.as_deref(), Some("2@c.us"));
    }
}
