//! What the flat fields of an adapter mean.

use serde_json::Value;

use super::{
    AccountHealth, Author, Change, Chat, Connection, Content, ContentKind, Direction, Event, NewMessage,
    Origin, Permission, Person, REACTION_STAND_IN, Reaction, Receipt, Referred, Renamed, Title, Told, Typing,
    Watermark, What,
};
use crate::{Fields, Kind};

impl ContentKind {
    fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Text => Self::Text,
            Kind::Image => Self::Image,
            Kind::Audio => Self::Audio,
            Kind::Voice => Self::Voice,
            Kind::Video => Self::Video,
            Kind::Document => Self::Document,
            Kind::Sticker => Self::Sticker,
            Kind::Location => Self::Location,
            Kind::Contacts => Self::Contacts,
            Kind::Interactive => Self::Interactive,
            Kind::Order => Self::Order,
            Kind::Unsupported => Self::Unsupported,
            _ => return None,
        })
    }
}

/// What lacks what such an event needs is [`Event::Noted`].
impl From<Fields> for Event {
    fn from(fields: Fields) -> Self {
        match fields.kind {
            Kind::Ignored => Self::Ignored(fields.reason.unwrap_or_default()),
            Kind::Edited | Kind::Deleted | Kind::Reaction => change(fields),
            Kind::Status => receipt(fields),
            Kind::Session | Kind::AccountError => health(fields),
            Kind::Presence => typing(fields),
            Kind::MailNotify if fields.data.get("stale") != Some(&Value::Bool(true)) => Self::HasNews,
            Kind::Connection => connection(&fields),
            Kind::Membership => permission(fields),
            Kind::IdentityChange => renamed(fields),
            Kind::Title => title(fields),
            Kind::Referral => referred(fields),
            kind => match ContentKind::of(kind) {
                Some(kind) => message(fields, kind),
                None => Self::Noted,
            },
        }
    }
}

fn told(fields: &mut Fields) -> Told {
    Told { at_ms: fields.timestamp_ms, told_ms: fields.told_ms, delivery: fields.update_key.take() }
}

fn chat(fields: &mut Fields) -> Option<Chat> {
    Some(Chat {
        id: fields.external_conversation_id.take()?,
        thread: fields.thread.take(),
        is_group: fields.is_group,
        title: fields.chat_title.take(),
        thread_title: fields.thread_title.take(),
    })
}

fn person(fields: &mut Fields) -> Person {
    Person {
        id: fields.external_contact_id.take(),
        other_id: fields.alternate_contact_id.take(),
        name: fields.contact_name.take(),
        phone: fields.contact_phone.take(),
        handle: fields.contact_handle.take(),
    }
}

fn message(mut fields: Fields, kind: ContentKind) -> Event {
    let Some(key) = fields.message_key.take() else { return Event::Noted };
    let Some(chat) = chat(&mut fields) else { return Event::Noted };
    let author = match (fields.direction, fields.origin) {
        (Some(Direction::Outbound), Some(Origin::OurApi)) => Author::Us,
        (Some(Direction::Outbound), Some(Origin::HumanDevice)) => Author::Phone,
        (Some(Direction::Outbound), Some(Origin::OtherApp)) => Author::OtherApp,
        (Some(Direction::Outbound), None) => Author::Business,
        _ => Author::Customer,
    };
    Event::Message(Box::new(NewMessage {
        key,
        chat,
        sender: person(&mut fields),
        author,
        told: told(&mut fields),
        id: fields.external_message_id,
        content: Content { kind, text: fields.text, media: fields.media, data: fields.data },
        reply_key: fields.reply_key,
        is_where_reply_is: fields.is_where_reply_is,
        awaits_answer: fields.awaits_answer,
        connection: fields.connection,
        no_answer: fields.no_answer,
        our_reference: fields.our_reference,
    }))
}

fn referred(mut fields: Fields) -> Event {
    let Some(chat) = chat(&mut fields) else { return Event::Noted };
    let told = told(&mut fields);
    Event::Referred(Box::new(Referred { chat, told, data: fields.data }))
}

fn change(mut fields: Fields) -> Event {
    let Some(target_key) = fields.target_key.take().or_else(|| fields.reply_key.take()) else {
        return Event::Noted;
    };
    let (chat, by, told) = (chat(&mut fields), person(&mut fields), told(&mut fields));
    let by_us = fields.direction == Some(Direction::Outbound);
    let what = match fields.kind {
        Kind::Edited => What::Edited {
            kind: fields.content.and_then(ContentKind::of),
            text: fields.text,
            media: fields.media,
            data: fields.data,
        },
        Kind::Deleted => What::Deleted,
        _ if fields.removed == Some(true) => What::Reacted(None),
        // A reaction that is no text is one all the same.
        _ => What::Reacted(Some(Reaction {
            emoji: fields.emoji.unwrap_or_else(|| REACTION_STAND_IN.to_owned()),
            custom: fields.data.get("custom_emoji_id").and_then(Value::as_str).map(str::to_owned),
        })),
    };
    Event::Change(Box::new(Change { target_key, chat, by, by_us, told, what, connection: fields.connection }))
}

fn receipt(mut fields: Fields) -> Event {
    let Some(status) = fields.status else { return Event::Noted };
    let target = fields.target_key.take().or_else(|| fields.reply_key.take());
    let told = told(&mut fields);
    match (target, fields.external_conversation_id, fields.watermark_ms) {
        (Some(target_key), _, _) => {
            let Fields { partial, reason, our_reference, .. } = fields;
            let code = match fields.data.remove("failure") {
                Some(Value::String(code)) => Some(code),
                _ => None,
            };
            Event::Receipt(Box::new(Receipt {
                target_key,
                status,
                partial,
                code,
                reason,
                our_reference,
                told,
            }))
        }
        (None, Some(chat), Some(until_ms)) => {
            let named = match fields.data.remove("external_message_ids") {
                Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            Event::Watermark(Watermark { chat, status, until_ms, named, told })
        }
        _ => Event::Noted,
    }
}

/// Online and away say nothing of what a person is about to write.
fn typing(mut fields: Fields) -> Event {
    let on = match fields.state.as_deref() {
        Some("typing" | "recording") => true,
        Some("paused") => false,
        _ => return Event::Noted,
    };
    match chat(&mut fields) {
        Some(chat) => Event::Typing(Typing { chat, on }),
        None => Event::Noted,
    }
}

fn health(mut fields: Fields) -> Event {
    let Some(state) = fields.health else { return Event::Noted };
    Event::Health(AccountHealth { state, told: told(&mut fields), detail: fields.state })
}

fn connection(fields: &Fields) -> Event {
    let said = |name: &str| match fields.data.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let Some(id) = said("connection_id") else { return Event::Noted };
    Event::Connection(Connection {
        id,
        owner: said("owner_id"),
        enabled: fields.data.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        at_ms: fields.timestamp_ms,
    })
}

fn permission(fields: Fields) -> Event {
    let may_write = match fields.state.as_deref() {
        Some("unblocked" | "added") => true,
        Some("blocked" | "removed") => false,
        _ => return Event::Noted,
    };
    let Some(chat) = fields.external_conversation_id else { return Event::Noted };
    Event::Permission(Permission { chat, may_write })
}

fn title(mut fields: Fields) -> Event {
    let Some(chat) = chat(&mut fields) else { return Event::Noted };
    Event::Title(Box::new(Title { chat, told: told(&mut fields) }))
}

fn renamed(fields: Fields) -> Event {
    let to = fields.data.get("new_external_conversation_id").and_then(Value::as_str).map(str::to_owned);
    match (fields.external_conversation_id, to) {
        (Some(from), Some(to)) => Event::Renamed(Renamed { from, to }),
        _ => Event::Noted,
    }
}
