//! What the tasks of a node's end have in common.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        message::Message,
        path::PathState,
        port::Inbound,
        seal::Seal,
        topics::{Held, Topics},
        wire,
    },
    names::Names,
};
use crate::{lock::lock, stats::count};

/// Messages, and their bytes, that wait to be published; further ones are lost.
pub(super) const MAX_QUEUE: usize = 16_384;
const MAX_QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Reasons of one breakdown that are logged.
const MAX_TOLD: usize = 8;
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Outgoing {
    pub(super) channel: String,
    pub(super) bytes: Bytes,
}

impl Outgoing {
    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + self.channel.len()
    }
}

pub(super) struct Shared {
    pub(super) names: Names,
    pub(super) probe_every: Duration,
    pub(super) probe_wait: Duration,
    pub(super) node: String,
    pub(super) own_topic: String,
    /// Topics of this node, through which together a probe meets all servers that carry messages.
    pub(super) probes: Mutex<Vec<Held>>,
    pub(super) topics: Arc<Topics>,
    pub(super) path: PathState,
    pub(super) queue: mpsc::Sender<Outgoing>,
    pub(super) queue_bytes: AtomicUsize,
    /// The queue was full, which is logged once.
    pub(super) full: AtomicBool,
    /// For the publishing and the hearing connection: end, and open again.
    pub(super) reconnect: [Notify; 2],
    pub(super) inbound: OnceLock<Arc<dyn Inbound>>,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) seal: Option<Arc<dyn Seal>>,
    pub(super) refused: AtomicU64,
    /// What does not open was logged, which is done once.
    pub(super) is_refusing: AtomicBool,
    /// Why the way is broken, as far as it was logged.
    pub(super) told: Mutex<Vec<String>>,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn publish(&self, topic: &str, message: &Message) {
        let channel = self.names.channel(topic);
        let mut bytes = wire::encode(&self.node, message);
        if let Some(seal) = &self.seal {
            let Some(sealed) = seal.seal(&channel, bytes.into()) else { return count(&self.lost) };
            bytes = sealed.into();
        }
        let outgoing = Outgoing { channel, bytes };
        let cost = outgoing.cost();
        let waiting = self.queue_bytes.fetch_add(cost, Relaxed);
        if waiting + cost > MAX_QUEUE_BYTES || self.queue.try_send(outgoing).is_err() {
            self.queue_bytes.fetch_sub(cost, Relaxed);
            count(&self.lost);
            if !self.full.swap(true, Relaxed) {
                tracing::warn!("the bus takes less than is published: other nodes read the log instead");
            }
        }
    }

    /// These were sent.
    pub(super) fn sent(&self, batch: &mut Vec<Outgoing>) {
        self.sent.fetch_add(batch.len() as u64, Relaxed);
        self.full.store(false, Relaxed);
        self.clear(batch);
    }

    /// These were not, and will not be: late they would be of no use, and the log has what matters.
    pub(super) fn lost(&self, batch: &mut Vec<Outgoing>) {
        self.lost.fetch_add(batch.len() as u64, Relaxed);
        self.clear(batch);
    }

    fn clear(&self, batch: &mut Vec<Outgoing>) {
        let bytes: usize = batch.iter().map(Outgoing::cost).sum();
        self.queue_bytes.fetch_sub(bytes, Relaxed);
        batch.clear();
    }

    /// What a channel has carried.
    pub(super) fn take(&self, channel: &str, mut message: Bytes) {
        let (Some(topic), Some(inbound)) = (self.names.topic(channel), self.inbound()) else { return };
        if let Some(seal) = &self.seal {
            let Some(opened) = seal.open(channel, message.into()) else { return self.refuse(channel) };
            message = opened.into();
        }
        let Some((from, message)) = wire::decode(message) else { return };
        if from == self.node {
            if let Message::Probe(probe) = message {
                self.path.came_back(probe);
            }
            return;
        }
        self.received.fetch_add(1, Relaxed);
        inbound.received(&topic, &from, message);
    }

    fn refuse(&self, channel: &str) {
        count(&self.refused);
        if !self.is_refusing.swap(true, Relaxed) {
            tracing::warn!(
                channel,
                "messages on the bus do not open, and are left out: a node has another key, or somebody else publishes"
            );
        }
    }

    pub(super) fn inbound(&self) -> Option<&Arc<dyn Inbound>> {
        self.inbound.get()
    }

    pub(super) fn up(&self, round_trip: Duration) {
        if self.path.up(round_trip) {
            lock(&self.told).clear();
            tracing::info!(round_trip_us = round_trip.as_micros() as u64, "the bus carries messages");
            if let Some(inbound) = self.inbound() {
                inbound.path_changed(true);
            }
        }
    }

    pub(super) fn down(&self, why: &str) {
        let was_up = self.path.down();
        if self.is_news(why) {
            tracing::error!(why, "the bus is broken: this node reads the log until it is mended");
        }
        if was_up && let Some(inbound) = self.inbound() {
            inbound.path_changed(false);
        }
    }

    /// Each reason is logged once until the way works again, also where it never did.
    fn is_news(&self, why: &str) -> bool {
        let mut told = lock(&self.told);
        let is_news = told.len() < MAX_TOLD && !told.iter().any(|known| known == why);
        if is_news {
            told.push(why.to_owned());
        }
        is_news
    }
}

/// The pauses between tries to connect.
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Backoff(PAUSE)
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}
