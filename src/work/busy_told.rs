//! How often other nodes are told that the workers of a class are all busy here: one that takes a job of it looks for more
//! by itself.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::store::jobs::Class;

const EVERY_MS: u64 = 50;

pub struct BusyTold {
    since: Instant,
    /// Milliseconds since then, by class.
    told_at: Vec<AtomicU64>,
}

impl Default for BusyTold {
    fn default() -> Self {
        let never = Class::ALL.iter().map(|_| AtomicU64::new(0)).collect();
        Self { since: Instant::now(), told_at: never }
    }
}

impl BusyTold {
    /// At most once in [`EVERY_MS`] for each class.
    pub fn may_tell(&self, class: Class) -> bool {
        let Some(at) = Class::ALL.iter().position(|one| *one == class) else { return false };
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX) + EVERY_MS;
        let told_at = &self.told_at[at];
        let last = told_at.load(Ordering::Relaxed);
        now >= last + EVERY_MS
            && told_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
