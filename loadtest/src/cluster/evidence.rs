//! What is known after a run: what customers wrote, what each socket got, what the log and the threads hold, what the
//! providers sent. The checks read nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::{Context, Result};
use serde_json::Value;

use super::control::ProviderSent;

#[derive(Default)]
pub(crate) struct Evidence {
    /// Text → provider and chat of the customer who wrote it. No text comes twice.
    pub(crate) said: HashMap<String, (String, String)>,
    /// Those whose webhook was answered 2xx.
    pub(crate) accepted: HashSet<String>,
    /// The log behind the cursor at which the run began.
    pub(crate) start: u64,
    pub(crate) log: Vec<Logged>,
    pub(crate) sockets: Vec<SocketLog>,
    /// Conversation → its messages as the API has them.
    pub(crate) threads: BTreeMap<String, Vec<Message>>,
    pub(crate) sends: Vec<ManagerSend>,
    pub(crate) provider: Vec<ProviderSent>,
    /// What the database itself says: a sentence for each statement that does not hold.
    pub(crate) database: Vec<String>,
    pub(crate) statements: usize,
    /// A standby took the place of the primary: its feed is another one, because it may lack the end of the old one.
    pub(crate) failover: bool,
}

/// An event of the log.
#[derive(Clone)]
pub(crate) struct Logged {
    pub(crate) cursor: u64,
    pub(crate) digest: u64,
    pub(crate) kind: String,
    pub(crate) conversation: Option<Answering>,
    pub(crate) message: Option<Message>,
    pub(crate) turn: Option<(String, String)>,
}

/// Who answers a conversation, after the event.
#[derive(Clone)]
pub(crate) struct Answering {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) epoch: i64,
    /// A turn of it is open.
    pub(crate) has_turn: bool,
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) conversation: String,
    pub(crate) seq: u64,
    pub(crate) direction: String,
    pub(crate) text: String,
    /// `customer`, `responder`, `manager`, …
    pub(crate) author: String,
    pub(crate) status: String,
    pub(crate) turn: Option<String>,
    pub(crate) client_id: Option<String>,
}

/// What one socket got over all its connections.
#[derive(Clone, Default)]
pub(crate) struct SocketLog {
    pub(crate) start: u64,
    /// Cursor and digest of each event, in the order in which they came.
    pub(crate) got: Vec<(u64, u64)>,
    pub(crate) resumed: u64,
    pub(crate) replayed: u64,
    /// Resumptions that the server did not serve from the cursor.
    pub(crate) unrecovered: u64,
    pub(crate) malformed: u64,
    /// Where the feed was another one, which a client loads anew: its last cursor, and the one it began again at.
    pub(crate) anew: Vec<(u64, u64)>,
}

#[derive(Clone)]
pub(crate) struct ManagerSend {
    pub(crate) conversation: String,
    pub(crate) client_id: String,
    pub(crate) text: String,
    /// The messages that the answers named, one for each answer.
    pub(crate) answers: Vec<String>,
}

/// Equal for equal JSON, whatever the order of its members.
pub(crate) fn digest(event: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.to_string().hash(&mut hasher);
    hasher.finish()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Logged {
    pub(crate) fn read(event: &Value) -> Result<Self> {
        let conversation = &event["conversation"];
        let turn = &event["turn"];
        Ok(Self {
            cursor: event["cursor"].as_u64().context("an event without a cursor")?,
            digest: digest(event),
            kind: text(&event["kind"]).context("an event without a kind")?,
            conversation: text(&conversation["id"]).map(|id| Answering {
                id,
                owner: text(&conversation["owner"]).unwrap_or_default(),
                epoch: conversation["epoch"].as_i64().unwrap_or_default(),
                has_turn: conversation["turn"].is_object(),
            }),
            message: event["message"].as_object().map(|_| Message::read(&event["message"])).transpose()?,
            turn: text(&turn["id"]).zip(text(&turn["state"])),
        })
    }
}

impl Message {
    pub(crate) fn read(message: &Value) -> Result<Self> {
        Ok(Self {
            id: text(&message["id"]).context("a message without an id")?,
            conversation: text(&message["conversation"]).context("a message without a conversation")?,
            seq: message["seq"].as_u64().context("a message without a seq")?,
            direction: text(&message["direction"]).unwrap_or_default(),
            text: text(&message["text"]).unwrap_or_default(),
            author: text(&message["author"]["kind"]).unwrap_or_default(),
            status: text(&message["status"]).unwrap_or_default(),
            turn: text(&message["turn"]),
            client_id: text(&message["client_id"]),
        })
    }
}
