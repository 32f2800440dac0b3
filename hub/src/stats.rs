//! Counters for the operator, as atomics. Sizes that can be read from sessions and rooms have no counter.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The figures of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open sockets, connected or not.
    pub sessions: u64,
    pub rooms: u64,
    pub subscriptions: u64,
    /// Calls still running, those of ended sessions included.
    pub rpcs_running: u64,
    /// Bytes waiting in the queues of all sessions.
    pub queue_bytes: u64,
    /// Recent publications in memory.
    pub memory_bytes: u64,
    /// The following only grow.
    pub connected: u64,
    pub published: u64,
    pub delivered: u64,
    /// Sessions closed because they read too slowly.
    pub dropped_slow: u64,
    pub recovered: u64,
    pub unrecovered: u64,
    pub log_reads: u64,
    pub log_errors: u64,
    /// Publications that were read from the log because they were not announced.
    pub gap_filled: u64,
    /// Times that a log began anew or lost publications that subscribers had yet to get.
    pub streams_lost: u64,
    /// Joins that were not announced, because a large room had too many.
    pub announcements_dropped: u64,
    /// Messages to and from other nodes, and those that could not be sent.
    pub bus_sent: u64,
    pub bus_received: u64,
    pub bus_lost: u64,
    /// Messages from nobody who has the key of this node.
    pub bus_refused: u64,
    /// Calls of the application that panicked.
    pub panics: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) rpcs_running: AtomicU64,
    pub(crate) connected: AtomicU64,
    pub(crate) published: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) dropped_slow: AtomicU64,
    pub(crate) recovered: AtomicU64,
    pub(crate) unrecovered: AtomicU64,
    pub(crate) log_reads: AtomicU64,
    pub(crate) log_errors: AtomicU64,
    pub(crate) gap_filled: AtomicU64,
    pub(crate) streams_lost: AtomicU64,
    pub(crate) announcements_dropped: AtomicU64,
    pub(crate) panics: AtomicU64,
}

impl Counters {
    /// The counters; the caller adds the sizes.
    pub(crate) fn read(&self) -> Stats {
        Stats {
            rpcs_running: self.rpcs_running.load(Relaxed),
            connected: self.connected.load(Relaxed),
            published: self.published.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            dropped_slow: self.dropped_slow.load(Relaxed),
            recovered: self.recovered.load(Relaxed),
            unrecovered: self.unrecovered.load(Relaxed),
            log_reads: self.log_reads.load(Relaxed),
            log_errors: self.log_errors.load(Relaxed),
            gap_filled: self.gap_filled.load(Relaxed),
            streams_lost: self.streams_lost.load(Relaxed),
            announcements_dropped: self.announcements_dropped.load(Relaxed),
            panics: self.panics.load(Relaxed),
            ..Stats::default()
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
