//! Events and the other effects of a transaction. They exist before the commit as drafts, and only a
//! commit turns them into something that can be published.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::jobs::Class;

/// An event that a verb wants to happen. `body` is the object without `cursor`.
#[derive(Clone, Debug)]
pub struct Draft {
    pub tenant: Uuid,
    pub kind: &'static str,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
    /// Only this user's sessions may see it.
    pub user: Option<Uuid>,
    /// JSON object text, without `cursor`: it is put in front when the cursor is known.
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
    /// A turn was taken away from the responder that holds this lease.
    Withdrawn { turn: Uuid, lease: Uuid, reason: &'static str },
    /// A channel was added or changed.
    Channel(Uuid),
    /// The rights of a user or of an API key changed: live sessions must be checked again.
    Rights { user: Uuid, at: i64 },
}

#[derive(Clone, Debug, Default)]
pub struct Effects {
    pub events: Vec<Event>,
    pub wakes: Vec<Wake>,
}

/// What a commit gave: the verb's result. Its effects have been handed to the publisher, in commit order.
/// There is no other way to make one, so nothing can be published that is not durable.
#[derive(Debug)]
pub struct Committed<T> {
    pub value: T,
    /// The cursor after the last event of this transaction, per tenant that it touched.
    pub cursor: Option<(Uuid, i64)>,
}

/// Takes the effects of a commit. Called from the writer's thread or from a task, and must never block.
pub trait Publisher: Send + Sync + 'static {
    fn publish(&self, effects: Effects);
}
