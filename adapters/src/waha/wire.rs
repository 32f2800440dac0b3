//! WAHA's JSON, as far as we read it, and the engine's own `_data` beneath it, from which only hints are taken.

use serde_json::Value;

use super::id::{self, MessageId};
use crate::json;

/// The events that WAHA documents, by what we make of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Message,
    Reaction,
    Ack,
    Edited,
    Revoked,
    PollVote,
    Session,
    Presence,
    Call,
    /// A group that we are in, or what has changed of it.
    Group,
    /// A stand-in for a message that could not be decrypted yet; the real one follows under the same id.
    Waiting,
    Unhandled,
    Unknown,
}

impl Topic {
    fn of(name: &str) -> Self {
        match name {
            "message" | "message.any" => Self::Message,
            "message.reaction" => Self::Reaction,
            "message.ack" | "message.ack.group" => Self::Ack,
            "message.edited" => Self::Edited,
            "message.revoked" => Self::Revoked,
            "message.waiting" => Self::Waiting,
            "poll.vote" => Self::PollVote,
            "session.status" => Self::Session,
            "presence.update" => Self::Presence,
            "call.received" | "call.accepted" | "call.rejected" => Self::Call,
            "group.v2.update" | "group.v2.join" => Self::Group,
            "poll.vote.failed"
            | "event.response"
            | "event.response.failed"
            | "chat.archive"
            | "engine.event"
            | "state.change"
            | "group.join"
            | "group.leave" => Self::Unhandled,
            name if name.starts_with("group.v2.") || name.starts_with("label.") => Self::Unhandled,
            _ => Self::Unknown,
        }
    }
}

/// What the webhook is to deliver: `message.any` in place of `message`, which would double every inbound message.
pub(super) const EVENTS: &[&str] = &[
    "message.any",
    "message.reaction",
    "message.ack",
    "message.ack.group",
    "message.edited",
    "message.revoked",
    "poll.vote",
    "session.status",
    "presence.update",
    "call.received",
    "call.accepted",
    "call.rejected",
    "group.v2.join",
    "group.v2.update",
];

pub(super) struct Envelope<'a> {
    value: &'a Value,
    pub(super) name: &'a str,
    pub(super) topic: Topic,
}

impl<'a> Envelope<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let name = value.get("event")?.as_str()?;
        Some(Self { value, name, topic: Topic::of(name) })
    }

    /// The same over all repetitions of the delivery.
    pub(super) fn id(&self) -> Option<String> {
        json::key(self.value, "id")
    }

    pub(super) fn session(&self) -> Option<String> {
        json::key(self.value, "session")
    }

    pub(super) fn timestamp_ms(&self) -> Option<i64> {
        json::millis(self.value, "timestamp")
    }

    /// Our own account at that time; null when unknown.
    pub(super) fn me(&self) -> &'a Value {
        self.value.get("me").unwrap_or(&Value::Null)
    }

    pub(super) fn payload(&self) -> Option<&'a Value> {
        json::object(self.value, "payload")
    }
}

/// An id member: text, or WEBJS's object around it.
pub(super) fn id_text(value: &Value, name: &str) -> Option<String> {
    let member = value.get(name)?;
    member.get("_serialized").map_or_else(|| json::id(member), json::id)
}

/// A person or chat member in our spelling.
pub(super) fn chat(value: &Value, name: &str) -> Option<String> {
    id::chat_id(&id_text(value, name)?)
}

/// Is it our own account, by its phone or its hidden id?
fn is(me: &Value, id: &str) -> bool {
    ["id", "lid"].iter().any(|name| chat(me, name).as_deref() == Some(id))
}

/// A payload that is about one message in one chat.
pub(super) struct Item<'a> {
    pub(super) value: &'a Value,
    /// As given.
    pub(super) full_id: String,
    pub(super) bare: String,
    pub(super) chat: String,
    pub(super) from_me: bool,
    /// Written by our account into the chat with itself.
    pub(super) to_self: bool,
    participant: Option<String>,
}

impl<'a> Item<'a> {
    /// The chat comes from the id: `from` means us, the chat or a person, depending on engine and direction. Only
    /// beside a bare id are `from` and `to` all there is.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let full_id = id_text(value, "id")?;
        let flag = json::flag(value, "fromMe");
        let given = chat(value, "participant");
        if let Some(id) = MessageId::read(&full_id) {
            return Some(Self {
                value,
                bare: id.bare,
                chat: id.chat,
                from_me: flag.unwrap_or(id.from_me),
                to_self: false,
                participant: given.or(id.participant),
                full_id,
            });
        }
        let from_me = flag.unwrap_or(false);
        let to = chat(value, "to").filter(|_| from_me);
        let chat = to.or_else(|| chat(value, "from"))?;
        Some(Self {
            value,
            bare: full_id.clone(),
            full_id,
            chat,
            from_me,
            to_self: false,
            participant: given,
        })
    }

    /// For what is done by its participant: NOWEB has been seen to tell what our own account wrote in a group as if
    /// another had.
    pub(super) fn done_by(mut self, me: &Value) -> Self {
        self.from_me |= id::is_group(&self.chat) && self.participant.as_deref().is_some_and(|id| is(me, id));
        self.seen_by(me)
    }

    pub(super) fn seen_by(mut self, me: &Value) -> Self {
        self.to_self = self.from_me && is(me, &self.chat);
        self
    }

    /// The full id of another message of the chat's same writer.
    pub(super) fn sibling(&self, id: &str) -> String {
        let bare = id::bare(id);
        if bare != id {
            return id.to_owned();
        }
        // As the engine writes it, whoever we know to be the writer.
        let from_me = MessageId::read(&self.full_id).map_or(self.from_me, |id| id.from_me);
        match self.participant.as_deref().filter(|_| id::is_group(&self.chat)) {
            Some(participant) => format!("{from_me}_{}_{bare}_{participant}", self.chat),
            None => format!("{from_me}_{}_{bare}", self.chat),
        }
    }

    /// The person who wrote or acted: a group's participant, else the chat itself. `None` for ourselves.
    pub(super) fn person(&self) -> Option<String> {
        if self.from_me {
            None
        } else if id::is_group(&self.chat) {
            self.participant.clone()
        } else {
            Some(self.chat.clone())
        }
    }

    /// The participant that an acknowledgement is from.
    pub(super) fn participant(&self) -> Option<String> {
        self.participant.clone()
    }

    fn engine(&self, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(self.value.get("_data")?, |value, name| value.get(*name))
    }

    fn engine_text(&self, paths: &[&[&str]]) -> Option<String> {
        let texts = paths.iter().filter_map(|path| self.engine(path)?.as_str());
        texts.map(|text| text.replace('\0', "")).find(|text| !text.trim().is_empty())
    }

    pub(super) fn push_name(&self) -> Option<String> {
        self.engine_text(&[&["Info", "PushName"], &["pushName"], &["notifyName"], &["PushName"]])
    }

    /// The customer's other id: the phone beside a hidden id or the reverse.
    pub(super) fn alternate(&self) -> Option<String> {
        let paths: &[&[&str]] = if self.from_me {
            &[&["Info", "RecipientAlt"], &["key", "remoteJidAlt"]]
        } else if id::is_group(&self.chat) {
            &[&["Info", "SenderAlt"], &["key", "participantAlt"], &["key", "participantPn"]]
        } else {
            &[&["Info", "SenderAlt"], &["key", "remoteJidAlt"], &["key", "senderPn"]]
        };
        id::chat_id(&self.engine_text(paths)?)
    }

    /// The engine's own word for the content: `ptt`, `image`, `sticker`, …
    pub(super) fn engine_type(&self) -> Option<String> {
        self.engine_text(&[&["type"], &["Info", "MediaType"]])
    }

    pub(super) fn engine_mime(&self) -> Option<String> {
        self.engine_text(&[&["mimetype"]])
    }

    /// The message that a note of the engine is about.
    pub(super) fn noted(&self) -> Option<String> {
        id_text(self.engine(&["protocolMessageKey"])?, "id").map(|id| id::bare(&id))
    }

    pub(super) fn engine_size(&self) -> Option<u64> {
        self.engine(&["size"])?.as_u64()
    }
}

/// The bare id that a send's answer names, whatever the engine: a serialised `id`, `id._serialized`, `key.id`, or the
/// engine's data. Also the long form, where it is given.
pub(super) fn sent_id(answer: &Value) -> Option<String> {
    let at = |path: &[&str]| {
        let member = path.iter().try_fold(answer, |value, name| value.get(*name))?;
        json::id(member)
    };
    at(&["id"])
        .or_else(|| at(&["id", "_serialized"]))
        .or_else(|| at(&["id", "id"]))
        .or_else(|| at(&["key", "id"]))
        .or_else(|| at(&["_data", "id", "_serialized"]))
        .or_else(|| at(&["_data", "key", "id"]))
        .or_else(|| at(&["_data", "Info", "ID"]))
}
