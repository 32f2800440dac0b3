//! When a node counts as dead, over times that nobody waits for.

use super::*;
use crate::model::{NodeBus, NodeState};

const OWN: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const EVERY: Duration = Duration::from_secs(4);

fn node(id: Uuid, seen_at: i64) -> Node {
    Node {
        id,
        name: "a".into(),
        address: "127.0.0.1:8080".into(),
        version: "1.0.0".into(),
        started_at: 0,
        seen_at,
        // Its clock is wrong by an hour.
        clock_at: seen_at + 3_600_000,
        state: NodeState::Ready,
        reason: None,
        bus: NodeBus::Up,
        round_trip_us: None,
        sessions: 0,
        library: None,
        readable: Vec::new(),
        master_keys: Vec::new(),
    }
}

struct Watched {
    others: Others,
    now: Instant,
}

impl Watched {
    fn new() -> Self {
        Self { others: Others::default(), now: Instant::now() }
    }

    /// Looks every few seconds for so long, at the other node as it was seen at `seen_at`.
    fn watch(&mut self, seconds: u64, seen_at: Option<i64>) {
        let until = self.now + Duration::from_secs(seconds);
        loop {
            let nodes: Vec<_> =
                std::iter::once(node(OWN, 0)).chain(seen_at.map(|at| node(OTHER, at))).collect();
            self.others.look(&nodes, OWN, self.now);
            if self.now >= until {
                break;
            }
            self.now += EVERY.min(until - self.now);
        }
    }

    fn dead(&self) -> Vec<Uuid> {
        self.others.dead(self.now).into_iter().map(|dead| dead.node).collect()
    }
}

#[test]
fn a_node_that_gives_no_sign_is_dead_until_it_does() {
    let mut watched = Watched::new();
    watched.watch(0, Some(0));
    watched.watch(19, Some(0));
    assert!(watched.dead().is_empty());
    watched.watch(1, Some(0));
    assert_eq!(watched.dead(), [OTHER]);
    // Claims go by the database's clock.
    let dead = watched.others.dead(watched.now);
    assert_eq!(dead[0].claimed_until, CLAIM_MS + SLACK_MS);
    watched.watch(0, Some(25_000));
    assert!(watched.dead().is_empty());
    watched.watch(20, Some(25_000));
    assert_eq!(watched.dead(), [OTHER]);
    watched.watch(80, Some(25_000));
    assert!(watched.dead().is_empty(), "nothing of it can be claimed any more");
}

#[test]
fn a_node_whose_row_is_gone_is_dead_at_once() {
    let mut watched = Watched::new();
    watched.watch(4, Some(0));
    watched.watch(0, None);
    assert_eq!(watched.dead(), [OTHER]);
    watched.watch(60, None);
    assert_eq!(watched.dead(), [OTHER]);
    watched.watch(20, None);
    assert!(watched.dead().is_empty());
    assert!(watched.others.known.is_empty(), "it is forgotten");
}

#[test]
fn who_did_not_look_knows_nothing() {
    let mut watched = Watched::new();
    watched.watch(16, Some(0));
    // The database was away, or this process stood still.
    watched.now += Duration::from_hours(1);
    assert!(watched.dead().is_empty(), "before it has looked again");
    watched.watch(16, Some(0));
    assert!(watched.dead().is_empty());
    watched.watch(4, Some(0));
    assert_eq!(watched.dead(), [OTHER]);
    watched.now += Duration::from_secs(11);
    assert!(watched.dead().is_empty());
}
