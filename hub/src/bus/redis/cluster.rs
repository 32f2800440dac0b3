//! A Redis Cluster: which master has which slot, and connections to its nodes. Topics are sharded channels (Redis 7): a
//! message goes to the master of its topic's slot and is heard there, so a further master carries a further share.
//!
//! The library's own connection to a cluster is not used: it subscribes again, after a change, with one command for
//! topics of several slots, which servers refuse, and takes a server's word that a slot has left for the answer to
//! another command.

pub(super) mod publisher;
mod slots;
pub(super) mod subscriber;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::select_ok;
use redis::{AsyncConnectionConfig, Client, PushInfo, Value, aio::MultiplexedConnection, cmd};
use tokio::time::Instant;

use self::slots::{Address, SLOTS, Slots};
use super::{
    names::Names,
    server::{PATIENCE, in_time},
};
use crate::lock::lock;

/// The cluster is not asked more often for its slots.
const PAUSE: Duration = Duration::from_millis(100);
/// Nodes that are asked at a time.
const MAX_ASKED: usize = 8;

pub(super) struct Cluster {
    scheme: &'static str,
    /// `user:password@`, or nothing.
    login: String,
    /// Nodes to ask first.
    seeds: Vec<Address>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    slots: Option<Arc<Slots>>,
    is_stale: bool,
    asked: Option<Instant>,
}

impl Cluster {
    /// `[user:password@]host[:port][,host[:port]…]`; the name and the password are for all nodes.
    pub(super) fn parse(rest: &str, scheme: &'static str) -> Result<Cluster, String> {
        let (login, hosts) = rest.rsplit_once('@').map_or(("", rest), |(login, hosts)| (login, hosts));
        let hosts = hosts.trim_end_matches('/');
        if hosts.is_empty() || hosts.contains('/') {
            return Err(
                "must name nodes of the cluster and nothing else: redis-cluster://host:6379,host:6379".into(),
            );
        }
        let port = |host: &str| {
            let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
            if has_port { Address::from(host) } else { format!("{host}:6379").into() }
        };
        let login = if login.is_empty() { String::new() } else { format!("{login}@") };
        let seeds = hosts.split(',').map(port).collect();
        let cluster = Cluster { scheme, login, seeds, known: Mutex::default() };
        for seed in &cluster.seeds {
            cluster.client(seed)?;
        }
        Ok(cluster)
    }

    fn client(&self, address: &str) -> Result<Client, String> {
        let Cluster { scheme, login, .. } = self;
        let url = format!("{scheme}://{login}{address}/?protocol=resp3");
        Client::open(url).map_err(|error| error.to_string())
    }

    /// `heard` gets what comes without being asked for, in the connection's task.
    async fn connect(
        &self,
        address: &str,
        heard: Option<impl Fn(PushInfo) + Send + Sync + 'static>,
    ) -> Result<MultiplexedConnection, String> {
        let client = self.client(address)?;
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        if let Some(heard) = heard {
            config = config.set_push_sender(move |push| {
                heard(push);
                Ok::<(), std::convert::Infallible>(())
            });
        }
        let connected = in_time(client.get_multiplexed_async_connection_with_config(&config)).await;
        connected.map_err(|why| format!("{address}: {why}"))
    }

    /// For one that only asks.
    async fn connect_deaf(&self, address: &str) -> Result<MultiplexedConnection, String> {
        self.connect(address, None::<fn(PushInfo)>).await
    }

    /// As they were last found, if nobody has met a change since.
    async fn slots(&self) -> Result<Arc<Slots>, String> {
        {
            let mut known = lock(&self.known);
            let was_just_asked = known.asked.is_some_and(|asked| asked.elapsed() < PAUSE);
            match &known.slots {
                Some(slots) if was_just_asked || !known.is_stale => return Ok(Arc::clone(slots)),
                None if was_just_asked => return Err("no node of the cluster has answered yet".into()),
                _ => known.asked = Some(Instant::now()),
            }
        }
        self.ask().await
    }

    /// They may have changed since `seen`.
    fn doubt(&self, seen: &Arc<Slots>) {
        let mut known = lock(&self.known);
        let is_seen = known.slots.as_ref().is_some_and(|slots| Arc::ptr_eq(slots, seen));
        known.is_stale |= is_seen;
    }

    /// The first node that answers is believed; if it is wrong, the next command meets that.
    async fn ask(&self) -> Result<Arc<Slots>, String> {
        let mut asked = self.seeds.clone();
        if let Some(slots) = &lock(&self.known).slots {
            asked.extend(slots.nodes().iter().filter(|node| !self.seeds.contains(node)).cloned());
        }
        asked.truncate(MAX_ASKED.max(self.seeds.len()));
        let ask = |address: Address| Box::pin(async move { self.ask_one(&address).await });
        let answers: Vec<_> = asked.into_iter().map(ask).collect();
        let (slots, _) = select_ok(answers).await?;
        let slots = Arc::new(slots);
        *lock(&self.known) =
            Known { slots: Some(Arc::clone(&slots)), is_stale: false, asked: Some(Instant::now()) };
        Ok(slots)
    }

    async fn ask_one(&self, address: &str) -> Result<Slots, String> {
        let mut connection = self.connect_deaf(address).await?;
        let answer = cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut connection).await;
        let answer = answer.map_err(|error| format!("{address}: {error}"))?;
        Slots::read(&answer, address).ok_or_else(|| format!("{address}: it has no slots of a cluster"))
    }

    /// Hears and publishes nothing, through each master.
    pub(super) async fn check(&self, names: &Names, topic: &str) -> Result<(), String> {
        let slots = self.ask().await?;
        let covered = slots.covered();
        if covered < usize::from(SLOTS) {
            return Err(format!("only {covered} of the cluster's {SLOTS} slots have a master"));
        }
        for (master, tag) in slots.tags() {
            let channel = names.channel(&format!("{topic}:{tag}"));
            let mut connection = self.connect(master, Some(|_| ())).await?;
            let about = |why: String| format!("{master}: {why}");
            let mut subscribe = cmd("SSUBSCRIBE");
            in_time(subscribe.arg(&channel).exec_async(&mut connection)).await.map_err(about)?;
            let mut publish = cmd("SPUBLISH");
            publish.arg(&channel).arg("");
            in_time(publish.exec_async(&mut connection)).await.map_err(about)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_with_or_without_their_ports() {
        let cluster = Cluster::parse("user:pass@a.example.com,[fd00::1],[fd00::2]:7000/", "redis").unwrap();
        let seeds: Vec<&str> = cluster.seeds.iter().map(|seed| &**seed).collect();
        assert_eq!(seeds, ["a.example.com:6379", "[fd00::1]:6379", "[fd00::2]:7000"]);
        assert_eq!(cluster.login, "user:pass@");
        for bad in ["", "user:pass@", "a.example.com/0", "a.example.com,,b.example.com"] {
            assert!(Cluster::parse(bad, "redis").is_err(), "{bad}");
        }
    }
}
