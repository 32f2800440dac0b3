//! Whether messages get through the bus: a node sends itself one, and times it.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::lock::lock;

/// The way through the bus, as the last probe found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// The time there and back.
    Up { round_trip: Duration },
    /// Since when.
    Down { since: Instant },
}

impl Path {
    pub fn is_up(&self) -> bool {
        matches!(self, Path::Up { .. })
    }
}

pub(super) struct PathState {
    state: Mutex<Path>,
    echoed: AtomicU64,
    echo: Notify,
}

impl PathState {
    /// Down until the first probe comes back.
    pub(super) fn new() -> Self {
        let state = Mutex::new(Path::Down { since: Instant::now() });
        PathState { state, echoed: AtomicU64::new(0), echo: Notify::new() }
    }

    pub(super) fn get(&self) -> Path {
        *lock(&self.state)
    }

    /// `true` if it was down.
    pub(super) fn up(&self, round_trip: Duration) -> bool {
        !std::mem::replace(&mut *lock(&self.state), Path::Up { round_trip }).is_up()
    }

    /// `true` if it was up.
    pub(super) fn down(&self) -> bool {
        let mut state = lock(&self.state);
        let was_up = state.is_up();
        if was_up {
            *state = Path::Down { since: Instant::now() };
        }
        was_up
    }

    /// A probe has come back.
    pub(super) fn came_back(&self, probe: u64) {
        self.echoed.fetch_max(probe, Relaxed);
        self.echo.notify_one();
    }

    pub(super) async fn wait_for(&self, probe: u64) {
        while self.echoed.load(Relaxed) < probe {
            self.echo.notified().await;
        }
    }
}
