//! What stands before a connection becomes a session of somebody: how many connects are decided at a time, and
//! who was thrown out while his connect was being decided. Load is shed here with a temporary error, because a
//! client that gets a connect reply and is closed after it comes back at once, without backing off.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use crate::{CloseCode, ErrorReply, HubConfig, SessionInfo, lock::lock};

pub(crate) struct Gatehouse {
    turns: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
    patience: Duration,
    banished: Mutex<Vec<Banished>>,
    /// No connect takes longer: a session that is not connected by then is closed as stale.
    memory: Duration,
}

type Which = Box<dyn Fn(&SessionInfo) -> bool + Send + Sync>;

struct Banished {
    at: Instant,
    which: Which,
    code: CloseCode,
}

impl Gatehouse {
    pub(crate) fn new(config: &HubConfig) -> Self {
        Gatehouse {
            turns: Semaphore::new(config.max_connecting.max(1)),
            waiting: AtomicUsize::new(0),
            max_waiting: config.max_connect_queue,
            patience: config.connect_queue_wait,
            banished: Mutex::default(),
            memory: config.connect_wait * 2,
        }
    }

    /// Waits for a turn, but not in a long line and not for long.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, ErrorReply> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        if self.waiting.fetch_add(1, Relaxed) >= self.max_waiting {
            self.waiting.fetch_sub(1, Relaxed);
            return Err(ErrorReply::TOO_MANY_REQUESTS);
        }
        let _here = Waiting(&self.waiting);
        let turn = timeout(self.patience, self.turns.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or(ErrorReply::TOO_MANY_REQUESTS)
    }

    /// Remembers who was thrown out, for those whose connect is being decided at this moment.
    pub(crate) fn banish(
        &self,
        which: impl Fn(&SessionInfo) -> bool + Send + Sync + 'static,
        code: CloseCode,
    ) {
        let at = Instant::now();
        let mut banished = lock(&self.banished);
        banished.retain(|b| at - b.at < self.memory);
        banished.push(Banished { at, which: Box::new(which), code });
    }

    /// Whether this one, whose connect began then, was thrown out since.
    pub(crate) fn is_banished(&self, info: &SessionInfo, since: Instant) -> Option<CloseCode> {
        let banished = lock(&self.banished);
        banished.iter().find(|b| b.at >= since && (b.which)(info)).map(|b| b.code)
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
