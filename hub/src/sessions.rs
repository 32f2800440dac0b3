//! All open sessions by id. A session is taken out, and out of its rooms, whichever way it ends.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{CloseCode, Closed, SessionId, hub::Inner, lock::lock, session::Session, stats::count};

const SHARDS: usize = 64;

pub(crate) struct Sessions {
    shards: Vec<Mutex<HashMap<SessionId, Arc<Session>>>>,
    count: AtomicUsize,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), count: AtomicUsize::new(0) }
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

    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }
}

/// A session in the list, for as long as this lives.
pub(crate) struct Admitted {
    inner: Arc<Inner>,
    pub(crate) session: Arc<Session>,
}

impl Admitted {
    pub(crate) fn new(inner: Arc<Inner>, session: Arc<Session>) -> Self {
        lock(inner.sessions.shard(session.id)).insert(session.id, Arc::clone(&session));
        inner.sessions.count.fetch_add(1, Relaxed);
        Admitted { inner, session }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Admitted { inner, session } = self;
        session.queue.close(Closed::Peer);
        session.leave_all(inner);
        if session.queue.closed() == Some(CloseCode::SLOW.into()) {
            count(&inner.counters.dropped_slow);
        }
        if lock(inner.sessions.shard(session.id)).remove(&session.id).is_some() {
            inner.sessions.count.fetch_sub(1, Relaxed);
        }
        inner.changed.notify_waiters();
    }
}
