//! Hearing from a cluster: a connection to each master that has a slot of a held topic, and sharded subscriptions on it.
//! What a master says decides what is subscribed, for it ends a subscription by itself when its slot moves away.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use redis::{Pipeline, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::{
    sync::Notify,
    time::{Instant, interval_at, timeout},
};

use super::{
    super::{
        super::topics::Held,
        server::PATIENCE,
        shared::{Backoff, Shared},
        subscriber::MAX_TOPICS,
    },
    Cluster, PAUSE,
    slots::{Address, Slots},
};
use crate::lock::lock;

/// How often a new master is looked for that has no slot of ours yet.
const LOOK: Duration = Duration::from_secs(10);
/// A topic whose master says that it has moved is tried so often, a pause between.
const MAX_MOVED: u32 = 20;

pub(in super::super) async fn run(shared: Arc<Shared>, cluster: Arc<Cluster>) {
    let mut backoff = Backoff::new();
    loop {
        let why = tokio::select! {
            why = hear(&shared, &cluster, &mut backoff) => why,
            () = shared.reconnect[1].notified() => Some("a probe did not come back".to_owned()),
        };
        // After a connection that ended all are opened at once: what came meanwhile is read from the log.
        if let Some(why) = why {
            shared.down(&why);
        }
        backoff.wait().await;
    }
}

/// Until a connection ends (`None`), or something fails.
async fn hear(shared: &Arc<Shared>, cluster: &Cluster, backoff: &mut Backoff) -> Option<String> {
    let slots = match cluster.slots().await {
        Ok(slots) => slots,
        Err(why) => return Some(why),
    };
    let connections = HashMap::new();
    let ear = Arc::new(Ear::new(shared));
    let mut hearing = Hearing { shared, cluster, slots, connections, on: HashMap::new(), ear };
    let why = match hearing.open().await {
        Ok(()) => {
            *backoff = Backoff::new();
            hearing.follow().await.err()
        }
        Err(why) => Some(why),
    };
    cluster.doubt(&hearing.slots);
    why
}

struct Hearing<'a> {
    shared: &'a Arc<Shared>,
    cluster: &'a Cluster,
    slots: Arc<Slots>,
    connections: HashMap<Address, MultiplexedConnection>,
    /// The subscribed topics, and where.
    on: HashMap<Arc<str>, Address>,
    ear: Arc<Ear>,
}

impl Hearing<'_> {
    async fn open(&mut self) -> Result<(), String> {
        let probes = self.probes();
        let all = self.shared.topics.all().into_iter().map(|topic| (topic, true)).collect();
        self.set(all).await?;
        *lock(&self.shared.probes) = probes;
        Ok(())
    }

    /// Keeps the subscriptions as the topics and the slots are. Ends when a connection does.
    async fn follow(&mut self) -> Result<(), String> {
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        loop {
            let (moved, wanted) = tokio::select! {
                () = self.ear.ended.notified() => return Ok(()),
                () = self.shared.topics.changed.notified() => (false, self.shared.topics.changes()),
                () = self.ear.left.notified() => {
                    let left = std::mem::take(&mut lock(&self.ear.state).left);
                    for topic in &left {
                        self.on.remove(topic);
                    }
                    let has = |topic: &Arc<str>| self.shared.topics.has(topic);
                    (true, left.into_iter().map(|topic| (Arc::clone(&topic), has(&topic))).collect())
                }
                _ = look.tick() => (true, Vec::new()),
            };
            if !moved {
                self.set(wanted).await?;
                continue;
            }
            self.look().await?;
            let probes = self.probes();
            self.set(wanted).await?;
            self.set(self.shared.topics.changes()).await?;
            *lock(&self.shared.probes) = probes;
        }
    }

    async fn look(&mut self) -> Result<(), String> {
        self.cluster.doubt(&self.slots);
        self.slots = self.cluster.slots().await?;
        Ok(())
    }

    /// A topic for each master.
    fn probes(&self) -> Vec<Held> {
        let own = &self.shared.own_topic;
        let tags = self.slots.tags().into_iter();
        tags.map(|(_, tag)| self.shared.topics.hold(&format!("{own}:{tag}")).0).collect()
    }

    async fn set(&mut self, wanted: Vec<(Arc<str>, bool)>) -> Result<(), String> {
        for part in wanted.chunks(MAX_TOPICS) {
            let mut tries = 0;
            while let Err(failed) = self.set_part(part).await {
                tries += 1;
                if !failed.moved || tries == MAX_MOVED {
                    return Err(failed.why);
                }
                tokio::time::sleep(PAUSE).await;
                self.look().await?;
            }
        }
        Ok(())
    }

    /// May be repeated after it failed.
    async fn set_part(&mut self, part: &[(Arc<str>, bool)]) -> Result<(), Failed> {
        let mut changes: HashMap<Address, Changes> = HashMap::new();
        for (topic, is_held) in part {
            match (is_held, self.on.get(topic)) {
                (true, None) => {
                    let master = self.slots.master_of(&self.shared.names.channel(topic));
                    let master = master.ok_or_else(|| Failed {
                        moved: true,
                        why: "a slot of the cluster has no master".into(),
                    })?;
                    changes.entry(Arc::clone(master)).or_default().more.push(Arc::clone(topic));
                }
                (false, Some(master)) => {
                    changes.entry(Arc::clone(master)).or_default().fewer.push(Arc::clone(topic));
                }
                _ => {}
            }
        }
        for master in changes.keys() {
            if !self.connections.contains_key(master) {
                let ear = Arc::clone(&self.ear);
                let connected = self.cluster.connect(master, Some(move |push| ear.hear(push))).await;
                let connection = connected.map_err(|why| Failed { moved: false, why })?;
                self.connections.insert(Arc::clone(master), connection);
            }
        }
        let asked = changes.iter().map(|(master, changes)| {
            let (master, connection) = (Arc::clone(master), self.connections[master].clone());
            let commands = changes.commands(self.shared);
            async move { ask(connection, commands).await.map_err(|failed| failed.at(&master)) }
        });
        let asked = join_all(asked).await;
        asked.into_iter().collect::<Result<(), Failed>>()?;
        let mut heard = Vec::new();
        for (master, Changes { more, fewer }) in changes {
            self.ear.until_told(&more).await?;
            for topic in &fewer {
                self.on.remove(topic);
            }
            self.on.extend(more.iter().map(|topic| (Arc::clone(topic), Arc::clone(&master))));
            heard.extend(more);
        }
        if let Some(inbound) = self.shared.inbound().filter(|_| !heard.is_empty()) {
            inbound.subscribed(&heard);
        }
        Ok(())
    }
}

/// What changes at one master.
#[derive(Default)]
struct Changes {
    more: Vec<Arc<str>>,
    fewer: Vec<Arc<str>>,
}

impl Changes {
    /// A command for each, for one must not name several slots.
    fn commands(&self, shared: &Shared) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(self.more.len() + self.fewer.len());
        for (command, topics) in [("SSUBSCRIBE", &self.more), ("SUNSUBSCRIBE", &self.fewer)] {
            for topic in topics {
                pipeline.cmd(command).arg(shared.names.channel(topic)).ignore();
            }
        }
        pipeline
    }
}

struct Failed {
    /// The slots are not where they were thought to be.
    moved: bool,
    why: String,
}

impl Failed {
    fn at(self, master: &str) -> Failed {
        Failed { why: format!("{master}: {}", self.why), ..self }
    }
}

impl From<RedisError> for Failed {
    fn from(error: RedisError) -> Failed {
        Failed { moved: error.is_cluster_error(), why: error.to_string() }
    }
}

async fn ask(mut connection: MultiplexedConnection, commands: Pipeline) -> Result<(), Failed> {
    match timeout(PATIENCE, commands.query_async::<()>(&mut connection)).await {
        Ok(done) => done.map_err(Failed::from),
        Err(_) => Err(Failed { moved: false, why: "it does not answer".into() }),
    }
}

/// What the connections tell, in their tasks.
struct Ear {
    shared: Arc<Shared>,
    state: Mutex<Told>,
    /// A connection ended.
    ended: Notify,
    /// Something was subscribed.
    told: Notify,
    /// A master ended a subscription that is wanted.
    left: Notify,
}

#[derive(Default)]
struct Told {
    on: HashSet<Arc<str>>,
    left: Vec<Arc<str>>,
}

impl Ear {
    fn new(shared: &Arc<Shared>) -> Ear {
        Ear {
            shared: Arc::clone(shared),
            state: Mutex::default(),
            ended: Notify::new(),
            told: Notify::new(),
            left: Notify::new(),
        }
    }

    fn hear(&self, push: PushInfo) {
        let PushInfo { kind, data } = push;
        let mut data = data.into_iter();
        let channel = match data.next() {
            Some(Value::BulkString(channel)) => String::from_utf8(channel).unwrap_or_default(),
            _ => String::new(),
        };
        match kind {
            PushKind::SMessage => {
                if let Some(Value::BulkString(message)) = data.next() {
                    self.shared.take(&channel, Bytes::from(message));
                }
            }
            PushKind::Disconnection => self.ended.notify_one(),
            PushKind::SSubscribe => {
                if let Some(topic) = self.shared.names.topic(&channel) {
                    lock(&self.state).on.insert(topic.into());
                    self.told.notify_one();
                }
            }
            PushKind::SUnsubscribe => {
                let Some(topic) = self.shared.names.topic(&channel) else { return };
                let mut state = lock(&self.state);
                state.on.remove(&*topic);
                // Asked for, the topic is not held any more.
                if self.shared.topics.has(&topic) {
                    state.left.push(topic.into());
                    self.left.notify_one();
                }
            }
            _ => {}
        }
    }

    /// The answers to commands are not enough: a subscription that a master ends by itself is taken for one of them.
    async fn until_told(&self, topics: &[Arc<str>]) -> Result<(), Failed> {
        let told = async {
            while !{
                let state = lock(&self.state);
                topics.iter().all(|topic| state.on.contains(topic))
            } {
                self.told.notified().await;
            }
        };
        let told = timeout(PATIENCE, told).await;
        told.map_err(|_| Failed { moved: true, why: "a subscription was not confirmed".into() })
    }
}
