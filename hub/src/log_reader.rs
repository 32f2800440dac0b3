//! The application's log as the engine uses it: reads are counted, a panic is an error, errors are logged once, here.

use std::sync::Arc;

use crate::{
    guard::guarded,
    log::{Log, LogError, LogPage, Publication, Top},
    stats::{Counters, count},
};

/// Cheap to clone; all clones use the same log.
#[derive(Clone)]
pub(crate) struct LogReader {
    log: Arc<dyn Log>,
    counters: Arc<Counters>,
}

impl LogReader {
    pub(crate) fn new(log: Arc<dyn Log>, counters: Arc<Counters>) -> Self {
        LogReader { log, counters }
    }

    /// See [`Log::since`].
    pub(crate) async fn since(&self, room: &str, after: u64, limit: usize) -> Result<LogPage, LogError> {
        count(&self.counters.log_reads);
        let read = guarded(&self.counters, self.log.since(room, after, limit)).await;
        self.checked(room, read)
    }

    /// See [`Log::tops`]. Not counted as a read for each room.
    pub(crate) async fn tops(&self, rooms: &[Arc<str>]) -> Result<Vec<Option<Top>>, LogError> {
        let read = guarded(&self.counters, self.log.tops(rooms)).await;
        let read = read.unwrap_or_else(|| Err(LogError("reading panicked".to_owned())));
        read.inspect_err(|error| self.failed("the positions of rooms", error))
    }

    /// See [`Log::before`].
    pub(crate) async fn before(
        &self,
        room: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<LogPage, LogError> {
        count(&self.counters.log_reads);
        let read = guarded(&self.counters, self.log.before(room, before, limit)).await;
        self.checked(room, read)
    }

    /// See [`Log::append`]. The caller guards this call, because it belongs to a longer one of the application.
    pub(crate) async fn append(&self, room: &str, draft: Publication) -> Result<Publication, LogError> {
        self.log.append(room, draft).await.inspect_err(|error| self.failed(room, error))
    }

    fn checked(&self, room: &str, read: Option<Result<LogPage, LogError>>) -> Result<LogPage, LogError> {
        let read = read.unwrap_or_else(|| Err(LogError("reading panicked".to_owned())));
        read.inspect_err(|error| self.failed(room, error))
    }

    fn failed(&self, room: &str, error: &LogError) {
        count(&self.counters.log_errors);
        tracing::warn!(room, %error, "log cannot be used");
    }
}
