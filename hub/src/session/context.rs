//! What all sessions of one engine share: the application's ports, the rooms, admission, counters and bounds.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

use crate::{
    admission::Admission,
    authority::{Authority, Expiry},
    config::HubConfig,
    guard,
    log_reader::LogReader,
    rooms::Rooms,
    stats::Counters,
};

pub(crate) struct SessionContext {
    pub(crate) config: HubConfig,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) log: LogReader,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) admission: Admission,
    pub(crate) counters: Arc<Counters>,
    /// Notified when a session or a call has ended.
    pub(crate) changed: Notify,
    pub(crate) started: Instant,
}

impl SessionContext {
    /// Runs a call of the application; `None` if it panicked.
    pub(crate) async fn guarded<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        guard::guarded(&self.counters, call).await
    }

    /// As [`Self::guarded`], for a caller that logs the panic itself.
    pub(crate) async fn caught<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        guard::caught(&self.counters, call).await
    }

    /// From now to an expiry; `None` for never, zero for past.
    pub(crate) fn time_left(&self, expiry: Option<Expiry>) -> Option<Duration> {
        match expiry? {
            Expiry::Never => None,
            Expiry::After(left) => Some(left),
            Expiry::At(unix_s) => {
                let left_ms = unix_s.saturating_mul(1000).saturating_sub((self.config.clock)());
                Some(Duration::from_millis(left_ms.max(0) as u64))
            }
        }
    }

    /// Until when a right with so much time left may still be refreshed.
    pub(super) fn deadline(&self, left: Option<Duration>) -> Option<Instant> {
        left.map(|left| Instant::now() + left + self.config.expiry_grace)
    }
}
