//! Where a publisher sends to, and when each publication of a run is due.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::clock::unix_us;

/// Time for all lanes to read the new end.
const END_MARGIN_S: f64 = 0.05;

/// The transport and address of publications.
#[derive(Clone)]
pub(crate) enum Transport {
    /// `POST {channel, data}` with this value of X-API-Key.
    Http {
        url: String,
        key: String,
    },
    Socket {
        url: String,
        token: String,
    },
}

/// The schedule of one run: publication `k` is due at `begin_us + (k - first) / rate`.
pub(crate) struct Schedule {
    pub(super) first: u64,
    pub(super) rate: f64,
    pub(super) begin_us: u64,
    pub(super) end: AtomicU64,
}

impl Schedule {
    pub(super) fn due_us(&self, k: u64) -> u64 {
        self.begin_us + ((k - self.first) as f64 * 1e6 / self.rate) as u64
    }

    /// Ends the run at a number that no lane has passed.
    pub(crate) fn stop(&self) {
        let seconds = unix_us().saturating_sub(self.begin_us) as f64 / 1e6 + END_MARGIN_S;
        self.end.fetch_min(self.first + (seconds * self.rate) as u64 + 1, Relaxed);
    }
}
