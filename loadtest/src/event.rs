//! The few fields of feed events and messages that the checks need, borrowed from the text they came in.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    pub(crate) cursor: u64,
    pub(crate) kind: &'a str,
    #[serde(borrow, default)]
    pub(crate) message: Option<Message<'a>>,
    #[serde(borrow, default)]
    pub(crate) turn: Option<Turn<'a>>,
}

impl Event<'_> {
    /// The message, if this event created it.
    pub(crate) fn created(&self) -> Option<&Message<'_>> {
        self.message.as_ref().filter(|_| self.kind == "message.created")
    }
}

#[derive(Deserialize)]
pub(crate) struct Message<'a> {
    pub(crate) id: &'a str,
    pub(crate) conversation: &'a str,
    pub(crate) seq: u64,
    pub(crate) direction: &'a str,
    #[serde(borrow, default)]
    pub(crate) text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) author: Author<'a>,
    pub(crate) status: &'a str,
    #[serde(default)]
    pub(crate) turn: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct Author<'a> {
    pub(crate) kind: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct Turn<'a> {
    pub(crate) id: &'a str,
    pub(crate) state: &'a str,
}

/// One page of `GET /api/v1/events`.
#[derive(Deserialize)]
pub(crate) struct EventPage<'a> {
    #[serde(borrow)]
    pub(crate) events: Vec<Event<'a>>,
    pub(crate) top: u64,
}

/// One page of `GET /api/v1/conversations/{id}/messages`.
#[derive(Deserialize)]
pub(crate) struct MessagePage<'a> {
    #[serde(borrow)]
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) more: bool,
}
