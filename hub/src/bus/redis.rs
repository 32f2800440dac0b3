//! The bus over Redis (or Valkey): a node publishes with one connection and hears with another. Both are opened again when
//! they end, or when a probe does not come back. Nothing is stored in Redis, and what is published while it is away is lost.

mod probe;
mod publisher;
mod server;
mod shared;
mod subscriber;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    server::Server,
    shared::{MAX_QUEUE, Outgoing, Shared},
};
use super::{
    message::Message,
    path::{Path, PathState},
    port::{Counts, EVERY_NODE, Inbound, topic_of_node},
    topics::Held,
};
use crate::lock::lock;

/// A Redis server, and the names that an installation uses there.
#[derive(Clone)]
pub struct RedisBus {
    server: Arc<Server>,
    prefix: String,
    probe_every: Duration,
    probe_wait: Duration,
}

impl RedisBus {
    /// `url`: `redis://[user:password@]host[:port]`, `rediss://…` with TLS, or with Sentinels
    /// `redis-sentinel://[user:password@]host[:port][,host[:port]…]/master` (`rediss-sentinel://…`). The error says what
    /// is wrong with it. `prefix`: at the beginning of every topic's name, so that installations can share a server.
    pub fn new(url: &str, prefix: impl Into<String>) -> Result<RedisBus, String> {
        let server = Arc::new(Server::parse(url)?);
        let (probe_every, probe_wait) = (Duration::from_secs(1), Duration::from_secs(2));
        Ok(RedisBus { server, prefix: prefix.into(), probe_every, probe_wait })
    }

    /// How often the path is probed, and how long a probe may take.
    pub fn probing(mut self, every: Duration, wait: Duration) -> RedisBus {
        (self.probe_every, self.probe_wait) = (every, wait);
        self
    }

    /// Connects and asks once; gives how long that took, or what is wrong.
    pub async fn ask(&self) -> Result<Duration, String> {
        let begun = Instant::now();
        let mut connection = self.server.commands().await?;
        let answer = ::redis::cmd("PING").query_async::<String>(&mut connection).await;
        answer.map(|_| begun.elapsed()).map_err(|error| error.to_string())
    }

    pub(super) fn link(&self, node: &str) -> End {
        let (queue, queued) = mpsc::channel(MAX_QUEUE);
        let stop = CancellationToken::new();
        let shared = Shared {
            server: Arc::clone(&self.server),
            prefix: self.prefix.clone(),
            probe_every: self.probe_every,
            probe_wait: self.probe_wait,
            node: node.to_owned(),
            own_topic: topic_of_node(node),
            topics: Arc::default(),
            path: PathState::new(),
            queue,
            queue_bytes: AtomicUsize::new(0),
            full: AtomicBool::new(false),
            reconnect: [Notify::new(), Notify::new()],
            inbound: OnceLock::new(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            stop: stop.clone(),
        };
        let shared = Arc::new(shared);
        let own = [shared.topics.hold(EVERY_NODE).0, shared.topics.hold(&shared.own_topic).0];
        End { shared, queued: std::sync::Mutex::new(Some(queued)), _own: own, _stop: stop.drop_guard() }
    }
}

/// One node's end.
pub(crate) struct End {
    shared: Arc<Shared>,
    /// Taken by the publishing task.
    queued: std::sync::Mutex<Option<mpsc::Receiver<Outgoing>>>,
    _own: [Held; 2],
    _stop: DropGuard,
}

impl End {
    pub(super) fn start(&self, inbound: Arc<dyn Inbound>) {
        let _ = self.shared.inbound.set(inbound);
        let Some(queued) = lock(&self.queued).take() else { return };
        let [one, two, three] = [(); 3].map(|()| (Arc::clone(&self.shared), self.shared.stop.clone()));
        tokio::spawn(async move { one.1.run_until_cancelled(publisher::run(one.0, queued)).await });
        tokio::spawn(async move { two.1.run_until_cancelled(subscriber::run(two.0)).await });
        tokio::spawn(async move { three.1.run_until_cancelled(probe::run(three.0)).await });
    }

    pub(super) fn publish(&self, topic: &str, message: &Message) {
        self.shared.publish(topic, message);
    }

    pub(super) fn hold(&self, topic: &str) -> Held {
        self.shared.topics.hold(topic).0
    }

    pub(super) fn path(&self) -> Path {
        self.shared.path.get()
    }

    pub(super) fn counts(&self) -> Counts {
        let Shared { sent, received, lost, .. } = &*self.shared;
        Counts { sent: sent.load(Relaxed), received: received.load(Relaxed), lost: lost.load(Relaxed) }
    }
}
