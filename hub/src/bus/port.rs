//! What the bus and its users tell each other: names of topics, and what the engine does with what comes.

use std::sync::Arc;

use super::message::Message;

/// The topic that every node holds.
pub(crate) const EVERY_NODE: &str = "nodes";

/// The topic of one node.
pub(crate) fn topic_of_node(node: &str) -> String {
    format!("node:{node}")
}

/// No room has such a topic.
pub(crate) fn is_of_nodes(topic: &str) -> bool {
    topic == EVERY_NODE || topic.starts_with("node:")
}

/// What the engine does with what comes. Calls are short and never wait.
pub(crate) trait Inbound: Send + Sync + 'static {
    fn received(&self, topic: &str, from: &str, message: Message);

    /// From now on everything that is published to these topics comes; before, it may have been missed.
    fn subscribed(&self, topics: &[Arc<str>]);

    /// The way through the bus was found broken, or works again.
    fn path_changed(&self, is_up: bool);
}

/// Messages since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Not sent: the bus was away or slower than what was published.
    pub(crate) lost: u64,
    /// Not taken: they do not open.
    pub(crate) refused: u64,
}
