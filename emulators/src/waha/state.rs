//! The state of the emulated server: sessions, messages with their files, and pending webhook deliveries.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::ids;
use crate::{
    script::Script,
    serving::{Fail, Recent},
};

/// A customer's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub mime: String,
    pub name: Option<String>,
    pub bytes: Vec<u8>,
}

impl File {
    pub fn image(bytes: impl Into<Vec<u8>>) -> Self {
        Self { mime: "image/jpeg".into(), name: None, bytes: bytes.into() }
    }

    pub fn voice(bytes: impl Into<Vec<u8>>) -> Self {
        Self { mime: "audio/ogg; codecs=opus".into(), name: None, bytes: bytes.into() }
    }

    pub fn document(name: &str, mime: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { mime: mime.into(), name: Some(name.into()), bytes: bytes.into() }
    }
}

/// A file that can be fetched until it expires.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) file: File,
    pub(super) until_ms: i64,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Customer,
    /// The account's owner, on the phone.
    Owner,
    /// The API's client.
    Api,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) bare: String,
    pub(super) chat: String,
    pub(super) participant: Option<String>,
    pub(super) writer: Writer,
    pub(super) text: Option<String>,
    pub(super) file: Option<Stored>,
    pub(super) at_ms: i64,
}

/// A message that was sent through the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub session: String,
    /// `sendText`, `sendImage`, …
    pub call: String,
    pub chat: String,
    /// The full id.
    pub id: String,
    /// Text or caption.
    pub text: Option<String>,
    /// The address of the file.
    pub media: Option<String>,
    pub reply_to: Option<String>,
    pub at_ms: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub at_ms: i64,
}

/// One attempt to deliver an event. `status` is 0 without a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub event: String,
    /// The event's message, if it has one.
    pub message: Option<String>,
    pub attempt: u64,
    pub status: u16,
}

pub(super) struct Session {
    pub(super) status: String,
    pub(super) config: Value,
    /// The phone number that scanned the session's QR code, in WhatsApp's form.
    pub(super) me: String,
    /// The codes that were shown since the session was started.
    pub(super) codes: u8,
    /// The latest states with their times, as in `session.status` events.
    pub(super) history: Vec<Value>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) sessions: BTreeMap<String, Session>,
    /// Sessions that were made so far: another phone links each.
    pub(super) made: usize,
    /// By session.
    pub(super) messages: BTreeMap<String, Recent<Message>>,
    /// Hidden id (`@lid`) → phone.
    pub(super) lids: BTreeMap<String, String>,
    /// Group → title.
    pub(super) groups: BTreeMap<String, String>,
    /// Session and chat whose presence is told, until the session starts anew.
    pub(super) heard: BTreeSet<(String, String)>,
    pub(super) sent: Recent<Sent>,
    pub(super) calls: Recent<Call>,
    pub(super) deliveries: Recent<Delivery>,
    pub(super) failures: VecDeque<Fail>,
    pub(super) script: Script,
    /// Events whose delivery is neither done nor given up.
    pub(super) under_way: usize,
    pub(super) lost: usize,
    /// Events are given up before they are tried, as by a process that restarts.
    pub(super) loses_events: bool,
}

/// The phone number of the next session: the first one's, incremented.
pub(super) fn next_me(first: &str, sessions: usize) -> String {
    let (number, server) = first.split_once('@').unwrap_or((first, "c.us"));
    let counted = number.parse::<u64>().map(|number| number + sessions as u64);
    counted.map_or_else(|_| first.to_owned(), |number| format!("{number}@{server}"))
}

impl State {
    pub(super) fn remember(&mut self, session: &str, message: &Message) {
        self.messages.entry(session.to_owned()).or_default().push(message.clone());
    }

    /// The account of a session.
    pub(super) fn me(&self, session: &str) -> Option<&str> {
        self.sessions.get(session).map(|session| session.me.as_str())
    }

    /// The message of that bare or full id.
    pub(super) fn message(&self, session: &str, id: &str) -> Option<&Message> {
        let bare = ids::bare(id);
        self.messages.get(session)?.iter().rev().find(|message| message.bare == bare)
    }

    /// Makes a message's file available again.
    pub(super) fn renew_file(&mut self, session: &str, id: &str, until_ms: i64) {
        let bare = ids::bare(id).to_owned();
        let messages = self.messages.entry(session.to_owned()).or_default();
        let message = messages.iter_mut().find(|message| message.bare == bare);
        if let Some(stored) = message.and_then(|message| message.file.as_mut()) {
            stored.until_ms = until_ms;
        }
    }
}
