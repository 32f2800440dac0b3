//! Frames for sessions on streams: given to the session if this node has it, sent to the node that has it otherwise.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{
    sessions::Sessions,
    streams::{StreamEntry, Streams},
};
use crate::{
    bus::{self, Message, Outcome},
    emulation::EmulationError,
    lock::lock,
    protocol::{Form, codes::CloseCode},
    session::SessionContext,
    stream::{self, PutError},
};

/// Frames under way to other nodes.
const MAX_FORWARDED: usize = 10_000;
/// Nodes that are remembered.
const MAX_NODES: usize = 1_000;

/// Frames that other nodes have not answered for yet.
#[derive(Default)]
pub(super) struct Forwarding {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Outcome>>>,
    /// The other nodes, and when each was last heard of.
    nodes: Mutex<HashMap<String, Instant>>,
}

impl Forwarding {
    /// A node is there.
    pub(super) fn heard_of(&self, node: &str) {
        let mut nodes = lock(&self.nodes);
        if let Some(at) = nodes.get_mut(node) {
            *at = Instant::now();
        } else if nodes.len() < MAX_NODES {
            nodes.insert(node.to_owned(), Instant::now());
        }
    }

    /// Clients can name any node: nothing is sent to, or waited for, one that is not there.
    pub(super) fn knows(&self, node: &str, keep: Duration) -> bool {
        let mut nodes = lock(&self.nodes);
        nodes.retain(|_, at| at.elapsed() <= keep);
        nodes.contains_key(node)
    }

    fn begin(&self) -> Option<(u64, oneshot::Receiver<Outcome>)> {
        let id = self.next.fetch_add(1, Relaxed);
        let (answer, answered) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= MAX_FORWARDED {
            return None;
        }
        waiting.insert(id, answer);
        Some((id, answered))
    }

    /// Another node has answered; or nobody waits any more.
    pub(super) fn end(&self, id: u64, outcome: Option<Outcome>) {
        let answer = lock(&self.waiting).remove(&id);
        if let (Some(answer), Some(outcome)) = (answer, outcome) {
            let _ = answer.send(outcome);
        }
    }
}

/// Gives a frame to a session of this node.
pub(super) async fn give(
    streams: &Streams,
    sessions: &Sessions,
    form: Form,
    secret: Uuid,
    frame: Bytes,
) -> Result<(), EmulationError> {
    let StreamEntry { session, pipe } = streams.get(secret).ok_or(EmulationError::UnknownSession)?;
    let ids = form.ids(&frame);
    pipe.put(stream::incoming(form, frame), ids).await.map_err(|error| match error {
        PutError::Gone => EmulationError::UnknownSession,
        PutError::TooSlow => EmulationError::TooSlow,
        PutError::TooMany => {
            if let Some(session) = sessions.get(session) {
                session.queue().close(CloseCode::TOO_MANY_REQUESTS.into());
            }
            EmulationError::TooMany
        }
    })
}

/// Sends a frame to the node that has the session, and waits for what becomes of it.
pub(super) async fn forward(
    forwarding: &Forwarding,
    context: &SessionContext,
    node: &str,
    form: Form,
    session: Uuid,
    frame: Bytes,
) -> Result<(), EmulationError> {
    let link = &context.rooms.context.link;
    if link.is_alone() || !forwarding.knows(node, context.config.presence_keep) {
        return Err(EmulationError::UnknownSession);
    }
    let (id, answered) = forwarding.begin().ok_or(EmulationError::TooSlow)?;
    let ending = Ending(forwarding, id);
    link.publish(&bus::topic_of_node(node), || Message::Frame { id, form, session, frame });
    let answer = timeout(context.config.forward_wait, answered).await;
    drop(ending);
    match answer {
        Ok(Ok(Outcome::Taken)) => Ok(()),
        Ok(Ok(Outcome::TooMany)) => Err(EmulationError::TooMany),
        Ok(Ok(Outcome::TooSlow)) => Err(EmulationError::TooSlow),
        // A node that does not answer is gone, and its sessions with it: clients connect again.
        Ok(Ok(Outcome::UnknownSession) | Err(_)) | Err(_) => Err(EmulationError::UnknownSession),
    }
}

struct Ending<'a>(&'a Forwarding, u64);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end(self.1, None);
    }
}
