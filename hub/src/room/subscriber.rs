//! A session as its rooms see it: where pushes go, in which form, and how a subscription is taken away.

use std::sync::Weak;

use crate::{protocol::Form, queue::Queue};

pub(crate) struct Subscriber {
    pub(crate) form: Form,
    pub(crate) queue: Queue,
    /// The session itself. It owns the queue, so this is weak.
    revoke: Weak<dyn Revoke>,
}

pub(crate) trait Revoke: Send + Sync {
    /// Takes the subscription to a room away. Must not be called with a lock of the room held.
    fn revoke(&self, room: &str, code: u32, reason: &str);
}

impl Subscriber {
    pub(crate) fn new(form: Form, max_push_bytes: usize, revoke: Weak<dyn Revoke>) -> Self {
        Subscriber { form, queue: Queue::new(max_push_bytes), revoke }
    }

    /// Does nothing for a session that is gone: it has left its rooms.
    pub(crate) fn revoke(&self, room: &str, code: u32, reason: &str) {
        if let Some(session) = self.revoke.upgrade() {
            session.revoke(room, code, reason);
        }
    }
}
