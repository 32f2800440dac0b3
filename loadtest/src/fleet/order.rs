//! The protocol between the controller and its workers: one JSON object per line, one report per order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Connect and subscribe; answered when every subscriber has connected or failed.
    Open(SubscriberPlan),
    /// Report the counts since the last report. `published`: the total of all rooms, dealt to them in turn.
    Report { published: Option<u64> },
    /// The subscribers that may stall stop reading, or read again.
    Stall(bool),
    /// Close all connections at once and resume them as a browser would.
    Storm(Backoff),
    /// Close all connections at once, and resume them one after another; then close and resume each in turn until the time
    /// is over. Afterwards all stay and read.
    Cycle { seconds: f64, per_second: f64 },
    /// Every subscriber leaves, joins, publishes, calls, reconnects and reads slowly, at random.
    Churn { seconds: f64, every_ms: u64, seed: u64 },
    /// Like `Churn` with more actions and without loss: each subscriber recovers what it missed. Afterwards all stay
    /// and read.
    Roam { seconds: f64, every_ms: u64, seed: u64 },
    /// Close all connections.
    Leave,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SubscriberPlan {
    pub(crate) url: String,
    /// Empty for an anonymous connection.
    pub(crate) token: String,
    /// Prefix of a room's number in its channel name.
    pub(crate) prefix: String,
    pub(crate) rooms: u32,
    pub(crate) rooms_per_subscriber: u32,
    /// Number of the worker's first subscriber; numbers are unique over all workers.
    pub(crate) first: u32,
    pub(crate) subscribers: u32,
    /// Subscribers below this number may stall.
    pub(crate) stalling: u32,
    pub(crate) connects_per_second: f64,
    /// First of the loopback addresses to connect from.
    pub(crate) source: Option<std::net::Ipv4Addr>,
    /// Follow the position of every room, which costs more than reading the marks alone.
    pub(crate) positions: bool,
}

impl SubscriberPlan {
    pub(crate) fn rooms_of(&self, subscriber: u32) -> impl Iterator<Item = u32> {
        let (rooms, per_subscriber) = (u64::from(self.rooms), u64::from(self.rooms_per_subscriber));
        (0..per_subscriber).map(move |nth| ((u64::from(subscriber) * per_subscriber + nth) % rooms) as u32)
    }
}

/// The reconnect delays of the protocol's browser client.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Backoff {
    pub(crate) min_ms: u64,
    pub(crate) max_ms: u64,
}

impl Backoff {
    /// `roll(n)` returns a random number below n.
    pub(crate) fn delay_ms(self, step: u32, roll: impl FnOnce(u64) -> u64) -> u64 {
        let spread = self.min_ms.saturating_mul(1 << step.min(16)).min(self.max_ms);
        (self.min_ms + roll(spread + 1)).min(self.max_ms)
    }
}

/// The number of publications of `all` that a room gets when they are dealt in turn.
pub(crate) fn share(all: u64, rooms: u32, room: u32) -> u32 {
    let rooms = u64::from(rooms);
    (all / rooms + u64::from(u64::from(room) < all % rooms)) as u32
}

/// The counts of one worker's subscribers, or of all. Latencies and deliveries count from the last report, the rest
/// from the start.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) open: u64,
    pub(crate) deliveries: u64,
    pub(crate) last_arrival_us: u64,
    /// From the due time to the arrival, without the subscribers that may stall.
    pub(crate) latency: Vec<(u64, u64)>,
    /// From the drop to the last reply of the resumption.
    pub(crate) resume: Vec<(u64, u64)>,
    /// Publications that a subscriber should have received by now and has not.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) disordered: u64,
    /// Gaps in the offsets of a room whose position the subscriber follows, whoever published there.
    pub(crate) skipped: u64,
    /// Pushes without a mark.
    pub(crate) others: u64,
    pub(crate) pings: u64,
    pub(crate) attempts: u64,
    pub(crate) resumed: u64,
    /// Counts rooms, not subscribers.
    pub(crate) recovered: u64,
    pub(crate) unrecovered: u64,
    pub(crate) replayed: u64,
    /// Connections that the server ended, by close code.
    pub(crate) closes: BTreeMap<String, u64>,
    pub(crate) stalled_closes: BTreeMap<String, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) actions: BTreeMap<String, u64>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.open += other.open;
        self.deliveries += other.deliveries;
        self.last_arrival_us = self.last_arrival_us.max(other.last_arrival_us);
        self.latency.extend(other.latency);
        self.resume.extend(other.resume);
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.disordered += other.disordered;
        self.skipped += other.skipped;
        self.others += other.others;
        self.pings += other.pings;
        self.attempts += other.attempts;
        self.resumed += other.resumed;
        self.recovered += other.recovered;
        self.unrecovered += other.unrecovered;
        self.replayed += other.replayed;
        for (sum, part) in [
            (&mut self.closes, other.closes),
            (&mut self.stalled_closes, other.stalled_closes),
            (&mut self.errors, other.errors),
            (&mut self.actions, other.actions),
        ] {
            for (name, count) in part {
                *sum.entry(name).or_default() += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for all in [0, 1, 6, 7, 20] {
            assert_eq!((0..7).map(|room| u64::from(share(all, 7, room))).sum::<u64>(), all);
        }
        assert_eq!((share(9, 7, 1), share(9, 7, 2)), (2, 1));
    }

    #[test]
    fn backoff_grows_to_its_bound() {
        let backoff = Backoff { min_ms: 500, max_ms: 20_000 };
        assert_eq!(backoff.delay_ms(0, |_| 0), 500);
        assert_eq!(backoff.delay_ms(1, |below| below - 1), 1_500);
        assert_eq!(backoff.delay_ms(60, |below| below - 1), 20_000);
    }
}
