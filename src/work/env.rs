//! The dependencies of jobs. They do not get the application, which depends on them.

use std::sync::Arc;

use adapters::Client;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chat_pace::ChatPaces;
use super::human_pace::HumanPaces;
use super::node_watch::NodeWatch;
use super::retained::Retained;
use super::sends::Sends;
use crate::channels::ChannelCache;
use crate::config::Config;
use crate::files::Files;
use crate::history::History;
use crate::store::Store;

pub struct Env {
    pub config: Arc<Config>,
    pub store: Store,
    pub channels: ChannelCache,
    pub files: Files,
    pub history: History,
    /// For provider calls and file downloads.
    pub http: Client,
    /// How fast one chat is written to.
    pub chat_paces: ChatPaces,
    /// Which parts wait as a person would.
    pub human_paces: HumanPaces,
    pub nodes: Arc<NodeWatch>,
    /// Where the removal of what is old is.
    pub retained: Arc<Retained>,
    /// Soft shutdown: no new work begins.
    pub soft: CancellationToken,
    /// The sends that have begun, which the hard token does not drop.
    pub sends: Sends,
    /// Hard shutdown: running work is dropped.
    pub hard: CancellationToken,
    /// Tracks spawned tasks; shutdown waits for them.
    pub tasks: TaskTracker,
}
