//! What all rooms of one engine share: bounds and times, the log, the counters, the runtime for their tasks.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::runtime::Handle;

use crate::{bus::Link, config::HubConfig, log_reader::LogReader, stats::Counters};

pub(crate) struct RoomContext {
    pub(crate) config: HubConfig,
    pub(crate) log: LogReader,
    pub(crate) counters: Arc<Counters>,
    /// To the other nodes.
    pub(crate) link: Arc<Link>,
    /// Others write to the same log, whom the link does not reach.
    pub(crate) has_strangers: AtomicBool,
    /// A publication may come from any thread; work that cannot be done at once is spawned here.
    pub(crate) runtime: Handle,
}

impl RoomContext {
    /// What others write may have to be found in the log.
    pub(crate) fn has_others(&self) -> bool {
        !self.link.is_alone() || self.has_strangers.load(Relaxed)
    }
}
