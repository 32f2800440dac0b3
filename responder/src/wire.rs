//! The fields of the socket's messages that an AI worker reads. Unknown fields and values are ignored, so that an
//! older worker works with a newer server.

use serde::Deserialize;
use serde_json::Value;

/// A turn leased to this worker.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Turn {
    pub id: String,
    pub conversation: String,
    pub lease: String,
    pub lease_ms: u64,
    #[serde(default)]
    pub attempt: u64,
    #[serde(default)]
    pub contact: Contact,
    /// The customer's messages to answer.
    #[serde(default)]
    pub messages: Vec<TurnMessage>,
    /// The messages before them.
    #[serde(default)]
    pub history: Vec<TurnMessage>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Contact {
    pub name: Option<String>,
}

/// One message of a conversation.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TurnMessage {
    /// `in` or `out`.
    pub direction: String,
    /// `text`, `image`, `voice`, …
    #[serde(default)]
    pub kind: String,
    pub text: Option<String>,
    /// Content besides the text: quotes, links, a location, a contact card.
    #[serde(default)]
    pub data: Value,
    /// Its files.
    #[serde(default)]
    pub attachments: Vec<TurnFile>,
}

/// A file of a message.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TurnFile {
    /// `pending`, `ready` or `failed`.
    #[serde(default)]
    pub state: String,
}

impl TurnMessage {
    pub fn is_ours(&self) -> bool {
        self.direction == "out"
    }

    /// The text, unless it is empty.
    pub fn words(&self) -> Option<&str> {
        self.text.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// A publication of the worker's room.
#[derive(Debug)]
pub(super) enum Notice {
    Offered(Box<Turn>),
    Withdrawn { turn: String, lease: String, reason: String },
}

impl Notice {
    /// Parses a publication of the worker's room. `None` for an unknown kind.
    pub(super) fn read(data: Value) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Offered {
            turn: Box<Turn>,
        }
        #[derive(Deserialize)]
        struct Withdrawn {
            turn: String,
            lease: String,
            #[serde(default)]
            reason: String,
        }
        match data.get("type").and_then(Value::as_str) {
            Some("turn.offered") => {
                serde_json::from_value::<Offered>(data).map(|offered| Some(Self::Offered(offered.turn)))
            }
            Some("turn.withdrawn") => serde_json::from_value::<Withdrawn>(data).map(|told| {
                let Withdrawn { turn, lease, reason } = told;
                Some(Self::Withdrawn { turn, lease, reason })
            }),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_newer_hub_is_understood() {
        let turn = json!({ "id": "t", "conversation": "c", "lease": "l", "lease_ms": 60_000, "colour": "blue",
            "contact": { "id": "p", "name": null },
            "messages": [{ "direction": "in", "kind": "hologram", "text": null, "author": { "kind": "customer" } }] });
        let read = Notice::read(json!({ "type": "turn.offered", "turn": turn })).unwrap();
        let Some(Notice::Offered(turn)) = read else { panic!("{read:?}") };
        assert_eq!((turn.messages[0].kind.as_str(), turn.messages[0].words()), ("hologram", None));
        assert!(Notice::read(json!({ "type": "turn.sung" })).unwrap().is_none());
        assert!(Notice::read(json!({ "type": "turn.offered", "turn": 5 })).is_err());
    }
}
