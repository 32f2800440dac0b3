//! The bus over Redis (or Valkey): a node publishes with one connection and hears with another, or with two to each master
//! of a cluster. They are opened again when they end, or when a probe does not come back. Nothing is stored in Redis, and
//! what is published while it is away is lost.

mod cluster;
mod names;
mod probe;
mod publisher;
mod server;
mod servers;
mod shared;
mod subscriber;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    names::Names,
    servers::Servers,
    shared::{MAX_QUEUE, Outgoing, Shared},
};
use super::{
    message::Message,
    path::{Path, PathState},
    port::{Counts, EVERY_NODE, Inbound, topic_of_node},
    seal::Seal,
    topics::Held,
};
use crate::lock::lock;

/// A Redis server or cluster, and the names that an installation uses there.
#[derive(Clone)]
pub struct RedisBus {
    servers: Servers,
    prefix: String,
    probe_every: Duration,
    probe_wait: Duration,
    seal: Option<Arc<dyn Seal>>,
}

impl RedisBus {
    /// `url`: `redis://[user:password@]host[:port]`, with Sentinels
    /// `redis-sentinel://[user:password@]host[:port][,host[:port]…]/master[?sentinel_user=…&sentinel_password=…]`, whose
    /// last are for the Sentinels themselves, or some nodes of a cluster of Redis 7
    /// `redis-cluster://[user:password@]host[:port][,host[:port]…]`; `rediss…` with TLS. The error says what is wrong
    /// with it. `prefix`: at the beginning of every topic's name, so that installations can share a server.
    pub fn new(url: &str, prefix: impl Into<String>) -> Result<RedisBus, String> {
        let servers = Servers::parse(url)?;
        let (probe_every, probe_wait) = (Duration::from_secs(1), Duration::from_secs(2));
        Ok(RedisBus { servers, prefix: prefix.into(), probe_every, probe_wait, seal: None })
    }

    /// What goes over the server is sealed, and what was not sealed so is not taken.
    pub fn sealed(mut self, seal: Arc<dyn Seal>) -> RedisBus {
        self.seal = Some(seal);
        self
    }

    /// How often the path is probed, and how long a probe may take.
    pub fn probing(mut self, every: Duration, wait: Duration) -> RedisBus {
        (self.probe_every, self.probe_wait) = (every, wait);
        self
    }

    /// Connects, hears and publishes once as the node `name` would; gives how long that took, or what is wrong.
    pub async fn ask(&self, name: &str) -> Result<Duration, String> {
        let begun = Instant::now();
        self.servers.ask(&self.names(), &topic_of_node(name)).await.map(|()| begun.elapsed())
    }

    fn names(&self) -> Names {
        Names::new(self.prefix.clone(), matches!(self.servers, Servers::Many(_)))
    }

    pub(super) fn link(&self, node: &str) -> End {
        let (queue, queued) = mpsc::channel(MAX_QUEUE);
        let stop = CancellationToken::new();
        let shared = Shared {
            names: self.names(),
            seal: self.seal.clone(),
            probe_every: self.probe_every,
            probe_wait: self.probe_wait,
            node: node.to_owned(),
            own_topic: topic_of_node(node),
            probes: Mutex::default(),
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
            refused: AtomicU64::new(0),
            is_refusing: AtomicBool::new(false),
            told: Mutex::default(),
            stop: stop.clone(),
        };
        let shared = Arc::new(shared);
        let own = [shared.topics.hold(EVERY_NODE).0, shared.topics.hold(&shared.own_topic).0];
        if matches!(self.servers, Servers::One(_)) {
            *lock(&shared.probes) = vec![shared.topics.hold(&shared.own_topic).0];
        }
        let queued = Mutex::new(Some(queued));
        End { shared, servers: self.servers.clone(), queued, _own: own, _stop: stop.drop_guard() }
    }
}

/// One node's end.
pub(crate) struct End {
    shared: Arc<Shared>,
    servers: Servers,
    /// Taken by the publishing task.
    queued: Mutex<Option<mpsc::Receiver<Outgoing>>>,
    _own: [Held; 2],
    _stop: DropGuard,
}

impl End {
    pub(super) fn start(&self, inbound: Arc<dyn Inbound>) {
        let _ = self.shared.inbound.set(inbound);
        let Some(queued) = lock(&self.queued).take() else { return };
        match &self.servers {
            Servers::One(server) => {
                self.spawn(|shared| publisher::run(shared, Arc::clone(server), queued));
                self.spawn(|shared| subscriber::run(shared, Arc::clone(server)));
            }
            Servers::Many(cluster) => {
                self.spawn(|shared| cluster::publisher::run(shared, Arc::clone(cluster), queued));
                self.spawn(|shared| cluster::subscriber::run(shared, Arc::clone(cluster)));
            }
        }
        self.spawn(probe::run);
    }

    fn spawn<F>(&self, task: impl FnOnce(Arc<Shared>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (task, stop) = (task(Arc::clone(&self.shared)), self.shared.stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(task).await });
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
        let Shared { sent, received, lost, refused, .. } = &*self.shared;
        let [sent, received, lost, refused] =
            [sent, received, lost, refused].map(|count| count.load(Relaxed));
        Counts { sent, received, lost, refused }
    }
}
