//! What all rooms of one engine share: bounds and times, the log, the counters, the runtime for their tasks.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::{bus::Link, config::HubConfig, log_reader::LogReader, stats::Counters};

pub(crate) struct RoomContext {
    pub(crate) config: HubConfig,
    pub(crate) log: LogReader,
    pub(crate) counters: Arc<Counters>,
    /// To the other nodes.
    pub(crate) link: Arc<Link>,
    /// A publication may come from any thread; work that cannot be done at once is spawned here.
    pub(crate) runtime: Handle,
}
