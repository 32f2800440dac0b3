//! The bus between the engines of one process. Messages are handed over as they are, in the publisher's thread.

use std::sync::{
    Arc, RwLock, Weak,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use super::{
    message::Message,
    port::{EVERY_NODE, Inbound, topic_of_node},
    topics::{Held, Topics},
};
use crate::lock::{read, write};

/// See `Bus::local`.
#[derive(Clone, Default)]
pub struct LocalBus(Arc<Exchange>);

#[derive(Default)]
struct Exchange {
    nodes: RwLock<Vec<Weak<Node>>>,
    count: AtomicUsize,
}

struct Node {
    name: String,
    topics: Arc<Topics>,
    inbound: Arc<dyn Inbound>,
    exchange: Weak<Exchange>,
}

pub(crate) struct End {
    name: String,
    exchange: Arc<Exchange>,
    topics: Arc<Topics>,
    /// The engine's end lives as long as the engine.
    node: std::sync::OnceLock<(Arc<Node>, [Held; 2])>,
}

impl LocalBus {
    pub(super) fn link(&self, node: &str) -> End {
        let (name, exchange) = (node.to_owned(), Arc::clone(&self.0));
        End { name, exchange, topics: Arc::default(), node: std::sync::OnceLock::new() }
    }
}

impl End {
    pub(super) fn start(&self, inbound: Arc<dyn Inbound>) {
        let node = Node {
            name: self.name.clone(),
            topics: Arc::clone(&self.topics),
            inbound,
            exchange: Arc::downgrade(&self.exchange),
        };
        let node = Arc::new(node);
        let mut nodes = write(&self.exchange.nodes);
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(&node));
        drop(nodes);
        self.exchange.count.fetch_add(1, Relaxed);
        let first = Arc::clone(&node);
        let own = [self.topics.hold(EVERY_NODE).0, self.topics.hold(&topic_of_node(&self.name)).0];
        let _ = self.node.set((node, own));
        first.inbound.subscribed(&[EVERY_NODE.into()]);
    }

    pub(super) fn hold(&self, topic: &str) -> Held {
        let (held, is_new) = self.topics.hold(topic);
        if let Some((node, _)) = self.node.get().filter(|_| is_new && !self.is_alone()) {
            node.inbound.subscribed(&[Arc::clone(held.topic())]);
        }
        held
    }

    pub(super) fn is_alone(&self) -> bool {
        self.exchange.count.load(Relaxed) <= 1
    }

    pub(super) fn publish(&self, topic: &str, message: impl FnOnce() -> Message) {
        if self.is_alone() {
            return;
        }
        let others: Vec<Arc<Node>> = {
            let nodes = read(&self.exchange.nodes);
            let others = nodes.iter().filter_map(Weak::upgrade);
            others.filter(|node| node.name != self.name && node.topics.has(topic)).collect()
        };
        if others.is_empty() {
            return;
        }
        let message = message();
        for node in others {
            node.inbound.received(topic, &self.name, message.clone());
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The list may be locked by whoever drops the last reference.
        if let Some(exchange) = self.exchange.upgrade() {
            exchange.count.fetch_sub(1, Relaxed);
        }
    }
}
