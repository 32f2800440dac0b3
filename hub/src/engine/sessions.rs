//! All open sessions by id. A session is taken out, and out of its rooms, whichever way it ends.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex},
};

use crate::{
    authority::SessionId,
    lock::lock,
    protocol::codes::CloseCode,
    session::{Session, SessionContext},
    stats::count,
    transport::Closed,
};

const SHARDS: usize = 64;

pub(crate) struct Sessions {
    shards: Vec<Mutex<HashMap<SessionId, Arc<Session>>>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Sessions {
    fn shard(&self, id: SessionId) -> &Mutex<HashMap<SessionId, Arc<Session>>> {
        &self.shards[id.0.as_u128() as usize % SHARDS]
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Session>> {
        lock(self.shard(id)).get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.shards.iter().flat_map(|shard| lock(shard).values().cloned().collect::<Vec<_>>()).collect()
    }
}

/// A session in the list, for as long as this lives.
pub(super) struct RegisteredSession {
    context: Arc<SessionContext>,
    sessions: Arc<Sessions>,
    session: Arc<Session>,
}

impl RegisteredSession {
    pub(super) fn new(context: Arc<SessionContext>, sessions: Arc<Sessions>, session: Arc<Session>) -> Self {
        lock(sessions.shard(session.id)).insert(session.id, Arc::clone(&session));
        context.admission.opened();
        RegisteredSession { context, sessions, session }
    }
}

impl Deref for RegisteredSession {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for RegisteredSession {
    fn drop(&mut self) {
        let RegisteredSession { context, sessions, session } = self;
        session.queue().close(Closed::Peer);
        session.leave_all();
        if session.queue().closed() == Some(CloseCode::SLOW.into()) {
            count(&context.counters.dropped_slow);
        }
        if lock(sessions.shard(session.id)).remove(&session.id).is_some() {
            context.admission.ended();
        }
        context.changed.notify_waiters();
    }
}
