//! What jobs work with. They get this and not the whole application, which starts them.

use std::sync::Arc;

use adapters::Client;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::channels::ChannelCache;
use crate::config::Config;
use crate::store::Store;

pub struct Env {
    pub config: Arc<Config>,
    pub store: Store,
    pub channels: ChannelCache,
    /// For calls to providers and for files by address.
    pub http: Client,
    /// Cancelled when no further work is to be begun.
    pub soft: CancellationToken,
    /// Cancelled when what is done is to be dropped.
    pub hard: CancellationToken,
    /// Whoever stops the server waits for what runs here.
    pub tasks: TaskTracker,
}
