//! The memory budget of all rooms together. It only counts: a room over it drops publications by itself.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The bytes that all rooms together keep. Clones share one count.
#[derive(Clone)]
pub(crate) struct MemoryBudget {
    used: Arc<AtomicUsize>,
    max: usize,
}

impl MemoryBudget {
    pub(crate) fn new(max: usize) -> Self {
        MemoryBudget { used: Arc::default(), max }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Relaxed);
    }

    pub(super) fn subtract(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.used() > self.max
    }
}
