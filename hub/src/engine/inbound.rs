//! What comes from other nodes, handed to the same code as what happens here.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};

use tokio::sync::Notify;

use super::{
    forward::{self, Forwarding},
    sessions::Sessions,
    streams::Streams,
    tell,
};
use crate::{
    bus::{self, EVERY_NODE, Message, Outcome},
    emulation::EmulationError,
    room::presence,
    session::SessionContext,
    stats::count,
};

/// Topics about which the others are asked at a time.
const MAX_ASKED: usize = 16;

pub(super) struct Inbound {
    pub(super) context: Weak<SessionContext>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) streams: Arc<Streams>,
    pub(super) forwarding: Arc<Forwarding>,
    /// Notified when all durable rooms are to be compared with the log.
    pub(super) look: Arc<Notify>,
}

impl bus::Inbound for Inbound {
    fn received(&self, topic: &str, from: &str, message: Message) {
        let Some(context) = self.context.upgrade() else { return };
        match message {
            Message::Publication { room, publication } => context.rooms.accept(&room, publication),
            Message::Joined { room, member } => {
                if let Some(room) = context.rooms.get(&room) {
                    presence::is_elsewhere(&room, member);
                }
            }
            Message::Left { room, member } => {
                if let Some(room) = context.rooms.get(&room) {
                    presence::left_elsewhere(&room, &member.who.client);
                }
            }
            Message::Present { members } => {
                self.forwarding.heard_of(from);
                for (room, member) in members {
                    if let Some(room) = context.rooms.get(&room) {
                        presence::is_elsewhere(&room, member);
                    }
                }
            }
            // A node that begins, or tells that it goes on.
            Message::WhoIsThere if topic == EVERY_NODE => {
                self.forwarding.heard_of(from);
                let answer = || Message::Present { members: Vec::new() };
                context.rooms.context.link.publish(&bus::topic_of_node(from), answer);
            }
            Message::WhoIsThere => tell::topics(&context.rooms, &[topic.into()]),
            Message::WhoIsIn { room } => tell::room(&context.rooms, &room, from),
            Message::Notice(notice) => {
                guarded(&context, || context.authority.noticed(topic, &notice));
            }
            Message::Frame { id, form, session, frame } => {
                let (streams, sessions) = (Arc::clone(&self.streams), Arc::clone(&self.sessions));
                let from = bus::topic_of_node(from);
                context.rooms.context.runtime.clone().spawn(async move {
                    let given = forward::give(&streams, &sessions, form, session, frame).await;
                    let outcome = match given {
                        Ok(()) => Outcome::Taken,
                        Err(EmulationError::UnknownSession) => Outcome::UnknownSession,
                        Err(EmulationError::TooMany) => Outcome::TooMany,
                        Err(EmulationError::TooSlow) => Outcome::TooSlow,
                    };
                    context.rooms.context.link.publish(&from, || Message::Taken { id, outcome });
                });
            }
            Message::Taken { id, outcome } => self.forwarding.end(id, Some(outcome)),
            Message::Probe(_) => {}
        }
    }

    fn subscribed(&self, topics: &[Arc<str>]) {
        let Some(context) = self.context.upgrade() else { return };
        self.look.notify_one();
        tell::topics(&context.rooms, topics);
        if topics.iter().any(|topic| **topic == *EVERY_NODE) {
            context.rooms.context.link.publish(EVERY_NODE, || Message::WhoIsThere);
        }
        // After a connection is opened anew the others tell in their own time.
        if topics.len() <= MAX_ASKED {
            for topic in topics.iter().filter(|topic| !bus::is_of_nodes(topic)) {
                context.rooms.context.link.publish(topic, || Message::WhoIsThere);
            }
        }
    }

    fn path_changed(&self, is_up: bool) {
        let Some(context) = self.context.upgrade() else { return };
        self.look.notify_one();
        guarded(&context, || context.authority.path_changed(is_up));
    }
}

/// A call of the application that panics ends nothing.
fn guarded(context: &SessionContext, call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        count(&context.counters.panics);
        tracing::error!("the application panicked in a call of the engine");
    }
}
