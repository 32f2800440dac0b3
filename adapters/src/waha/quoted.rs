//! The context of a WAHA message: what it quotes, whether it was passed on, and the name of its group.

use serde_json::{Map, Value};

use super::{content, engine, id, title, wire, wire::Item};
use crate::{Fields, json};

/// Puts the context into the event. `me` is the envelope's own account.
pub(super) fn fill(event: &mut Fields, item: &Item<'_>, me: &Value) {
    let context = context(item);
    if let Some(mut quoted) = of_payload(item, me).or_else(|| of_engine(item, context, me)) {
        // A story, or a message of another chat.
        let place = context.and_then(|context| {
            wire::chat(context, "remoteJid").or_else(|| wire::chat(context, "remoteJID"))
        });
        if place.is_some_and(|place| place != item.chat) {
            quoted["elsewhere"] = true.into();
        }
        event.set("quoted", quoted);
    }
    let is_passed_on =
        item.value.get("_data").is_some_and(|data| json::flag(data, "isForwarded") == Some(true))
            || json::flag(item.value, "isForwarded") == Some(true)
            || context.is_some_and(|context| json::flag(context, "isForwarded") == Some(true));
    if is_passed_on {
        event.set("forwarded", true);
    }
    let channel = context.and_then(|context| json::object(context, "forwardedNewsletterMessageInfo"));
    if let Some(name) = channel.and_then(|channel| json::text(channel, "newsletterName")) {
        event.set("forwarded_from", name);
    }
    if event.is_group {
        event.chat_title = title_of(item);
    }
}

fn title_of(item: &Item<'_>) -> Option<String> {
    let data = item.value.get("_data")?;
    ["chat", "groupMetadata", "group"].iter().find_map(|name| title::title(json::object(data, name)?))
}

/// `replyTo`, which all engines give.
fn of_payload(item: &Item<'_>, me: &Value) -> Option<Value> {
    let reply = json::object(item.value, "replyTo")?;
    let mut quoted = Map::new();
    if let Some(text) = json::text(reply, "body") {
        quoted.insert("text".into(), text.into());
    }
    let author = wire::chat(reply, "participant").and_then(|person| author(&person, me));
    if let Some(author) = author {
        quoted.insert("author".into(), author.into());
    }
    let mime = json::object(reply, "media").and_then(|media| json::text(media, "mimetype"));
    let kind = match mime.as_deref().and_then(|mime| mime.split('/').next()) {
        Some("image") => Some("image"),
        Some("video") => Some("video"),
        Some("audio") => Some("audio"),
        Some(_) => Some("document"),
        None => json::object(reply, "_data").and_then(kind_of).or(quoted.get("text").map(|_| "text")),
    };
    if let Some(kind) = kind {
        quoted.insert("kind".into(), kind.into());
    }
    (!quoted.is_empty()).then(|| quoted.into())
}

/// The engine's own quote, where `replyTo` is missing.
fn of_engine(item: &Item<'_>, context: Option<&Value>, me: &Value) -> Option<Value> {
    let data = item.value.get("_data")?;
    let mut quoted = Map::new();
    let (message, person) = match context.and_then(|context| json::object(context, "quotedMessage")) {
        Some(message) => (message, context.and_then(|context| wire::chat(context, "participant"))),
        None => (json::object(data, "quotedMsg")?, wire::chat(data, "quotedParticipant")),
    };
    let words = json::text(message, "conversation")
        .or_else(|| json::text(message, "body").or_else(|| json::text(message, "caption")))
        .or_else(|| message.as_object()?.values().filter(|value| value.is_object()).find_map(content::words));
    if let Some(words) = words {
        quoted.insert("text".into(), words.into());
    }
    if let Some(author) = person.and_then(|person| author(&person, me)) {
        quoted.insert("author".into(), author.into());
    }
    if let Some(kind) = kind_of(message) {
        quoted.insert("kind".into(), kind.into());
    }
    (!quoted.is_empty()).then(|| quoted.into())
}

fn context<'a>(item: &Item<'a>) -> Option<&'a Value> {
    let message = engine::message(item)?;
    let mut members = message.as_object()?.values();
    members.find_map(|member| json::object(member, "contextInfo"))
}

/// A person as people know one: by the phone, or by our own name.
fn author(person: &str, me: &Value) -> Option<String> {
    if wire::chat(me, "id").as_deref() == Some(person) || wire::chat(me, "lid").as_deref() == Some(person) {
        return json::text(me, "pushName").or_else(|| id::phone(person).map(|phone| format!("+{phone}")));
    }
    id::phone(person).map(|phone| format!("+{phone}"))
}

/// What a quoted message was, in the engine's words.
fn kind_of(message: &Value) -> Option<&'static str> {
    const MEMBERS: &[(&str, &str)] = &[
        ("conversation", "text"),
        ("extendedTextMessage", "text"),
        ("imageMessage", "image"),
        ("videoMessage", "video"),
        ("audioMessage", "audio"),
        ("documentMessage", "document"),
        ("documentWithCaptionMessage", "document"),
        ("stickerMessage", "sticker"),
        ("locationMessage", "location"),
        ("liveLocationMessage", "location"),
        ("contactMessage", "contacts"),
        ("productMessage", "order"),
        ("orderMessage", "order"),
    ];
    const TYPES: &[(&str, &str)] = &[
        ("chat", "text"),
        ("image", "image"),
        ("video", "video"),
        ("ptt", "voice"),
        ("audio", "audio"),
        ("document", "document"),
        ("sticker", "sticker"),
        ("location", "location"),
        ("vcard", "contacts"),
        ("product", "order"),
        ("order", "order"),
    ];
    let member = MEMBERS.iter().find(|(name, _)| message.get(*name).is_some_and(|value| !value.is_null()));
    let name = message.get("type").and_then(Value::as_str);
    member.or_else(|| TYPES.iter().find(|(known, _)| Some(*known) == name)).map(|(_, kind)| *kind)
}
