//! Differences between the engines: message ids chosen by the caller, the shape of a send's response, and the sender
//! named in our own messages.

use serde_json::{Value, json};

use super::state::{Message, Writer};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Webjs,
    Noweb,
    Gows,
}

impl Engine {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Webjs => "WEBJS",
            Self::Noweb => "NOWEB",
            Self::Gows => "GOWS",
        }
    }

    /// Whether the caller may choose a message's id.
    pub(super) fn takes_ids(self) -> bool {
        self != Self::Webjs
    }

    /// The response to a send.
    pub(super) fn answer(self, message: &Message) -> Value {
        let Message { id, bare, chat, .. } = message;
        let seconds = message.at_ms / 1000;
        match self {
            // In groups the id lacks the participant that later events have.
            Self::Webjs => json!({
                "id": { "fromMe": true, "remote": chat, "id": bare, "_serialized": format!("true_{chat}_{bare}") },
                "ack": 0, "body": message.text, "timestamp": seconds,
            }),
            Self::Noweb => json!({
                "key": { "remoteJid": chat.replace("@c.us", "@s.whatsapp.net"), "fromMe": true, "id": bare },
                "message": { "extendedTextMessage": { "text": message.text } },
                "messageTimestamp": seconds.to_string(), "status": "PENDING",
            }),
            Self::Gows => json!({
                "id": id,
                "_data": { "Info": { "ID": bare, "Chat": chat, "IsFromMe": true }, "Message": {} },
            }),
        }
    }

    /// The parties of a message as this engine names them.
    pub(super) fn parties(self, message: &Message, me: &str) -> (Value, Value) {
        match (message.writer, self) {
            (Writer::Customer, _) => (message.chat.as_str().into(), me.into()),
            (_, Self::Webjs) => (me.into(), message.chat.as_str().into()),
            // This engine names the chat, although we are the sender.
            (_, Self::Noweb | Self::Gows) => (message.chat.as_str().into(), Value::Null),
        }
    }
}
