//! Events and other effects of a transaction. Before the commit they are drafts; only a commit makes them
//! publishable.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::jobs::Class;
use crate::telemetry::traces::Trace;

/// An event that a verb emits, before it has a cursor.
#[derive(Clone, Debug)]
pub struct Draft {
    pub tenant: Uuid,
    pub kind: &'static str,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
    /// Only this user's sessions may see it.
    pub user: Option<Uuid>,
    /// The text of a JSON object without `cursor`, which is prepended once it is known.
    pub body: String,
}

/// An event of the log: `cursor` is gap-free per tenant. `data` is the whole JSON object.
#[derive(Clone, Debug)]
pub struct Event {
    pub tenant: Uuid,
    pub cursor: i64,
    pub kind: Arc<str>,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
    pub user: Option<Uuid>,
    pub at: i64,
    pub data: Bytes,
}

/// Hints to in-process workers, sent after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A job of the class can run at this time (Unix milliseconds).
    Job { class: Class, at: i64 },
    /// A turn is due at this time.
    Turn { tenant: Uuid, channel: Uuid, turn: Uuid, due_at: i64 },
    /// A turn was withdrawn from the responder that holds this lease.
    Withdrawn { tenant: Uuid, turn: Uuid, lease: Uuid, reason: &'static str },
    /// A customer types in a conversation, or no longer.
    CustomerTyping { tenant: Uuid, conversation: Uuid, on: bool, at: i64 },
    /// What a customer types in the conversation is to be asked for.
    Hear { tenant: Uuid, conversation: Uuid },
    /// A channel was added or changed.
    Channel(Uuid),
    /// The rights of a user or of an API key changed: live sessions must re-check them.
    Rights { user: Uuid, at: i64 },
}

#[derive(Clone, Debug, Default)]
pub struct Effects {
    pub events: Vec<Event>,
    pub wakes: Vec<Wake>,
    /// Of what caused the transaction.
    pub trace: Option<Trace>,
}

/// The result of a committed verb. Its effects have been passed to the publisher in commit order. Only the store
/// creates it, so nothing is published that is not durable.
#[derive(Debug)]
pub struct Committed<T> {
    pub value: T,
    /// The tenant and cursor of the verb's last event; `None` if it emitted none.
    pub cursor: Option<(Uuid, i64)>,
}

/// Receives the effects of a commit. Called from the writer's thread or from a task, and must never block.
pub trait Publisher: Send + Sync + 'static {
    fn publish(&self, effects: Effects);
}
