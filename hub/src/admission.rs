//! Admission of connections: how many sessions there may be, how many connects are decided at a time, and which of
//! these were revoked meanwhile. Load is shed here with a temporary error, before the connect reply: a client that is
//! closed after it reconnects at once, without backing off.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Duration, Instant, timeout},
};

use crate::{
    authority::SessionInfo,
    config::HubConfig,
    lock::lock,
    protocol::codes::{CloseCode, ErrorReply},
};

const SHUTTING_DOWN: ErrorReply = ErrorReply::temporary(100, "server is shutting down");

pub(crate) struct Admission {
    slots: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
    max_wait: Duration,
    sessions: AtomicUsize,
    max_sessions: usize,
    draining: AtomicBool,
    revoked: Mutex<Vec<Revocation>>,
    /// No connect takes longer: a session that is not connected by then is closed as stale.
    remember: Duration,
}

type Predicate = Box<dyn Fn(&SessionInfo) -> bool + Send + Sync>;

struct Revocation {
    at: Instant,
    which: Predicate,
    code: CloseCode,
}

impl Admission {
    pub(crate) fn new(config: &HubConfig) -> Self {
        Admission {
            slots: Semaphore::new(config.max_connecting.max(1)),
            waiting: AtomicUsize::new(0),
            max_waiting: config.max_connect_queue,
            max_wait: config.connect_queue_wait,
            sessions: AtomicUsize::new(0),
            max_sessions: config.max_sessions,
            draining: AtomicBool::new(false),
            revoked: Mutex::default(),
            remember: config.connect_wait * 2,
        }
    }

    /// Counts a socket, connected or not, that was opened.
    pub(crate) fn opened(&self) {
        self.sessions.fetch_add(1, Relaxed);
    }

    /// Counts one that ended.
    pub(crate) fn ended(&self) {
        self.sessions.fetch_sub(1, Relaxed);
    }

    /// Sockets open now.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Relaxed)
    }

    /// From now on every connect is refused.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Waits for a slot in which a connect is decided. Refuses if the server shuts down, is full, or too many wait or
    /// have waited for too long.
    pub(crate) async fn slot(&self) -> Result<SemaphorePermit<'_>, ErrorReply> {
        if self.is_draining() {
            return Err(SHUTTING_DOWN);
        }
        if self.sessions() > self.max_sessions {
            return Err(ErrorReply::TOO_MANY_REQUESTS);
        }
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        if self.waiting.fetch_add(1, Relaxed) >= self.max_waiting {
            self.waiting.fetch_sub(1, Relaxed);
            return Err(ErrorReply::TOO_MANY_REQUESTS);
        }
        let _waiting = QueuedConnect(&self.waiting);
        let slot = timeout(self.max_wait, self.slots.acquire()).await;
        slot.ok().and_then(Result::ok).ok_or(ErrorReply::TOO_MANY_REQUESTS)
    }

    /// Remembers whose sessions were revoked, for those whose connect is being decided at this moment.
    pub(crate) fn revoke(
        &self,
        which: impl Fn(&SessionInfo) -> bool + Send + Sync + 'static,
        code: CloseCode,
    ) {
        let at = Instant::now();
        let mut revoked = lock(&self.revoked);
        revoked.retain(|revoked| at - revoked.at < self.remember);
        revoked.push(Revocation { at, which: Box::new(which), code });
    }

    /// Whether a session whose connect began at `since` was revoked after that.
    pub(crate) fn revoked_since(&self, info: &SessionInfo, since: Instant) -> Option<CloseCode> {
        let revoked = lock(&self.revoked);
        revoked
            .iter()
            .find(|revoked| revoked.at >= since && (revoked.which)(info))
            .map(|revoked| revoked.code)
    }
}

struct QueuedConnect<'a>(&'a AtomicUsize);

impl Drop for QueuedConnect<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
