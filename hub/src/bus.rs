//! The bus: what the engines of several nodes tell each other. It may lose, repeat and disorder anything; the log may not,
//! and every room compares itself with it. A message goes to a topic; a node gets those of the topics that it holds, its
//! own ones left out.
//!
//! Two implementations under one suite (`tests/bus.rs`): `local`, between the engines of one process, which costs an engine
//! that is alone one atomic read for each publication; and `redis`, by publish and subscribe. Nothing is kept in Redis.
//!
//! To add one: a variant of [`Bus`] and of `Link`, with `publish`, `hold` and a [`Path`], and a line in the suite.

mod local;
mod message;
mod path;
mod port;
mod redis;
mod seal;
mod topics;
mod wire;

use std::sync::Arc;

pub use self::{local::LocalBus, path::Path, redis::RedisBus, seal::Seal};
pub(crate) use self::{
    message::{Member, Message, Outcome},
    port::{Counts, EVERY_NODE, Inbound, is_of_nodes, topic_of_node},
    topics::Held,
};

/// How an engine reaches those of other nodes.
#[derive(Clone)]
pub enum Bus {
    Local(LocalBus),
    Redis(RedisBus),
}

impl Bus {
    /// Between the engines that get a clone of it.
    pub fn local() -> Bus {
        Bus::Local(LocalBus::default())
    }

    /// Makes this node's end, which carries nothing yet.
    pub(crate) fn link(&self, node: &str) -> Link {
        match self {
            Bus::Local(bus) => Link::Local(bus.link(node)),
            Bus::Redis(bus) => Link::Redis(bus.link(node)),
        }
    }
}

impl Default for Bus {
    fn default() -> Self {
        Bus::local()
    }
}

/// One node's end of a bus. Ends with its last clone, rooms' holds left out.
pub(crate) enum Link {
    Local(local::End),
    Redis(redis::End),
}

impl Link {
    /// Begins to carry messages. Must be called inside a tokio runtime.
    pub(crate) fn start(&self, inbound: Arc<dyn Inbound>) {
        match self {
            Link::Local(end) => end.start(inbound),
            Link::Redis(end) => end.start(inbound),
        }
    }

    /// There is no other node, so there is nobody to tell anything.
    pub(crate) fn is_alone(&self) -> bool {
        match self {
            Link::Local(end) => end.is_alone(),
            Link::Redis(_) => false,
        }
    }

    /// Sends to all other nodes that hold the topic. Never blocks; may be called from any thread. The message is only made
    /// if there may be one.
    pub(crate) fn publish(&self, topic: &str, message: impl FnOnce() -> Message) {
        match self {
            Link::Local(end) => end.publish(topic, message),
            Link::Redis(end) => end.publish(topic, &message()),
        }
    }

    /// Gets what is published to the topic for as long as the result lives.
    pub(crate) fn hold(&self, topic: &str) -> Held {
        match self {
            Link::Local(end) => end.hold(topic),
            Link::Redis(end) => end.hold(topic),
        }
    }

    /// `None`: there is no way that could break.
    pub(crate) fn path(&self) -> Option<Path> {
        match self {
            Link::Local(_) => None,
            Link::Redis(end) => Some(end.path()),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        match self {
            Link::Local(_) => Counts::default(),
            Link::Redis(end) => end.counts(),
        }
    }
}
