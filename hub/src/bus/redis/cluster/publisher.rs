//! Publishing to a cluster: what waits goes out together, each part to the master of its topics' slots. A part that
//! fails holds up no other one.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use redis::{Pipeline, aio::MultiplexedConnection};
use tokio::{sync::mpsc, time::Instant};

use super::{
    super::{
        publisher::MAX_BATCH,
        server::in_time,
        shared::{Outgoing, Shared},
    },
    Cluster, PAUSE,
    slots::Address,
};

pub(in super::super) async fn run(
    shared: Arc<Shared>,
    cluster: Arc<Cluster>,
    mut queued: mpsc::Receiver<Outgoing>,
) {
    let mut masters = Masters { cluster, connections: HashMap::new(), failed: HashMap::new() };
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            count = queued.recv_many(&mut batch, MAX_BATCH) => {
                if count == 0 {
                    return;
                }
            }
            () = shared.reconnect[0].notified() => {
                masters.connections.clear();
                continue;
            }
        }
        let (mut left, mut why) = masters.send(&shared, std::mem::take(&mut batch)).await;
        // Slots may have moved: the cluster has been asked anew.
        if !left.is_empty() && shared.path.get().is_up() {
            (left, why) = masters.send(&shared, left).await;
        }
        if !left.is_empty() {
            shared.down(&why);
            shared.lost(&mut left);
        }
    }
}

struct Masters {
    cluster: Arc<Cluster>,
    connections: HashMap<Address, MultiplexedConnection>,
    /// When each was not reached.
    failed: HashMap<Address, Instant>,
}

impl Masters {
    /// What could not be sent, and why.
    async fn send(&mut self, shared: &Shared, batch: Vec<Outgoing>) -> (Vec<Outgoing>, String) {
        let slots = match self.cluster.slots().await {
            Ok(slots) => slots,
            Err(why) => return (batch, why),
        };
        self.failed.retain(|_, at| at.elapsed() < PAUSE);
        let (mut left, mut why) = (Vec::new(), String::new());
        let mut parts: HashMap<Address, Vec<Outgoing>> = HashMap::new();
        for outgoing in batch {
            match slots.master_of(&outgoing.channel) {
                Some(master) if !self.failed.contains_key(master) => {
                    parts.entry(Arc::clone(master)).or_default().push(outgoing);
                }
                Some(master) => {
                    why = format!("{master}: it was not reached");
                    left.push(outgoing);
                }
                None => {
                    "a slot of the cluster has no master".clone_into(&mut why);
                    left.push(outgoing);
                }
            }
        }
        let sending = parts.into_iter().map(|(master, part)| {
            let (cluster, open) = (Arc::clone(&self.cluster), self.connections.get(&master).cloned());
            async move {
                let sent = publish(&cluster, &master, open, &part).await;
                (master, part, sent)
            }
        });
        let sent = join_all(sending).await;
        for (master, mut part, sent) in sent {
            match sent {
                Ok(connection) => {
                    self.connections.insert(master, connection);
                    shared.sent(&mut part);
                }
                Err(Failed { reached, why: failed }) => {
                    self.connections.remove(&master);
                    if !reached {
                        self.failed.insert(master, Instant::now());
                    }
                    why = failed;
                    left.append(&mut part);
                }
            }
        }
        if !left.is_empty() {
            self.cluster.doubt(&slots);
        }
        (left, why)
    }
}

struct Failed {
    reached: bool,
    why: String,
}

async fn publish(
    cluster: &Cluster,
    master: &str,
    open: Option<MultiplexedConnection>,
    part: &[Outgoing],
) -> Result<MultiplexedConnection, Failed> {
    let mut connection = if let Some(connection) = open {
        connection
    } else {
        let connected = cluster.connect_deaf(master).await;
        connected.map_err(|why| Failed { reached: false, why })?
    };
    let mut pipeline = Pipeline::with_capacity(part.len());
    for outgoing in part {
        pipeline.cmd("SPUBLISH").arg(&outgoing.channel).arg(&outgoing.bytes[..]).ignore();
    }
    let sent = in_time(pipeline.query_async::<()>(&mut connection)).await;
    sent.map_err(|why| Failed { reached: true, why: format!("{master}: {why}") })?;
    Ok(connection)
}
