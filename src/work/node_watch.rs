//! Which other nodes are dead, as this one sees it: their rows in the list of nodes do not change any more, or are gone.
//!
//! It goes by this process's own monotonic clock, and counts only while this node reads the rows itself: a clock that is
//! set, a database that was away and a node that stood still make nobody dead.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use super::runner::CLAIM_MS;
use crate::store::nodes::{Node, SILENT_MS};

const SILENT: Duration = Duration::from_millis(SILENT_MS.unsigned_abs());
/// After a longer time without reading the rows, nothing is known of what was between.
const AWAY: Duration = Duration::from_secs(10);
/// What was claimed up to so long after a node's last sign was claimed by the run that ended, not by one that came back:
/// that one was silent for longer.
const SLACK_MS: i64 = SILENT_MS / 2;
/// Claims of a dead node have expired by then.
const FORGET: Duration = Duration::from_millis((CLAIM_MS + SILENT_MS).unsigned_abs());

pub struct NodeWatch {
    /// This node.
    pub id: Uuid,
    /// Where it listens, once it does.
    address: OnceLock<SocketAddr>,
    listening: Notify,
    others: Mutex<Others>,
    hears_all: AtomicBool,
}

#[derive(Default)]
struct Others {
    looked_at: Option<Instant>,
    known: HashMap<Uuid, Known>,
}

struct Known {
    seen_at: i64,
    /// Of the last change of its row, or of its end.
    since: Instant,
    has_left: bool,
}

/// A node that is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead {
    pub node: Uuid,
    /// A claim that it made before it died ends by then.
    pub claimed_until: i64,
}

impl NodeWatch {
    pub fn new(id: Uuid) -> Self {
        Self {
            id,
            address: OnceLock::new(),
            listening: Notify::new(),
            others: Mutex::default(),
            hears_all: AtomicBool::new(true),
        }
    }

    /// Whether something comes from every node that runs, as far as it should have by now.
    pub fn hears_all(&self) -> bool {
        self.hears_all.load(Ordering::Relaxed)
    }

    /// The nodes from which nothing comes, by name and address. Told once in the log.
    pub fn set_unheard(&self, nodes: &[String]) {
        let heard_all = self.hears_all.swap(nodes.is_empty(), Ordering::Relaxed);
        if heard_all && !nodes.is_empty() {
            tracing::error!(
                nodes = nodes.join(", "),
                "nothing comes through the bus from servers that say they reach it: do all have one Redis, and one prefix? \
                 What they do is seen later here, and their typing not at all"
            );
        } else if !heard_all && nodes.is_empty() {
            tracing::info!("all servers are heard through the bus");
        }
    }

    pub fn listens(&self, address: SocketAddr) {
        let _ = self.address.set(address);
        self.listening.notify_one();
    }

    /// Ends when it has begun to listen, once.
    pub async fn begins_to_listen(&self) {
        self.listening.notified().await;
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the rows as they are now.
    pub fn look(&self, nodes: &[Node]) {
        self.others().look(nodes, self.id, Instant::now());
    }

    /// The nodes that are dead, for as long as there may be something that they claimed.
    pub fn dead(&self) -> Vec<Dead> {
        self.others().dead(Instant::now())
    }
}

impl Others {
    fn look(&mut self, nodes: &[Node], own: Uuid, now: Instant) {
        let was_away = self.looked_at.is_none_or(|at| now - at > AWAY);
        self.looked_at = Some(now);
        if was_away {
            self.known.values_mut().for_each(|known| known.since = now);
        }
        for node in nodes.iter().filter(|node| node.id != own) {
            let seen = || Known { seen_at: node.seen_at, since: now, has_left: false };
            let known = self.known.entry(node.id).or_insert_with(seen);
            if known.seen_at != node.seen_at || known.has_left {
                *known = seen();
            }
        }
        for (id, known) in &mut self.known {
            if !known.has_left && !nodes.iter().any(|node| node.id == *id) {
                (known.since, known.has_left) = (now, true);
            }
        }
        self.known.retain(|_, known| !known.has_left || now - known.since < FORGET);
    }

    fn dead(&self, now: Instant) -> Vec<Dead> {
        // What was not looked at for long is not known.
        if self.looked_at.is_none_or(|at| now - at > AWAY) {
            return Vec::new();
        }
        let is_dead = |known: &Known| {
            let silent = now - known.since;
            known.has_left || (SILENT..SILENT + FORGET).contains(&silent)
        };
        let dead = |(node, known): (&Uuid, &Known)| Dead {
            node: *node,
            claimed_until: known.seen_at + CLAIM_MS + SLACK_MS,
        };
        self.known.iter().filter(|(_, known)| is_dead(known)).map(dead).collect()
    }
}

#[cfg(test)]
mod tests;
