//! One subscriber without its socket: the state of its rooms, and the processing of the server's lines.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::order::{Seen, SubscriberPlan, share};
use crate::client::{Connected, Joined, Position, Reply};
use crate::histogram::Latency;
use crate::mark::{Mark, Sequence};

/// Commands below this id belong to connecting, those from here on to the churn.
pub(crate) const CHURN_ID: u32 = 1_000_000;
/// Ids from here on belong to visits of rooms that the subscriber is not subscribed to.
pub(crate) const VISIT_ID: u32 = 2_000_000;

/// Counts of all subscribers of a worker.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) seen: Seen,
    pub(crate) latency: Latency,
    pub(crate) resume: Latency,
}

impl Tally {
    /// Returns the counts, and resets those that start anew with each report.
    pub(crate) fn take(&mut self) -> Seen {
        let seen = Seen { latency: self.latency.steps(), resume: self.resume.steps(), ..self.seen.clone() };
        (self.latency, self.resume, self.seen.deliveries) = (Latency::default(), Latency::default(), 0);
        seen
    }

    pub(crate) fn error(&mut self, text: String) {
        *self.seen.errors.entry(text).or_default() += 1;
    }

    pub(crate) fn action(&mut self, name: &str) {
        *self.seen.actions.entry(name.to_owned()).or_default() += 1;
    }
}

struct Subscription {
    room: u32,
    channel: String,
    /// Unsubscribed, and the new subscription is not confirmed: publications are ignored.
    away: bool,
    sequence: Sequence,
    position: Position,
    /// The position came from the server, so the next publication must have the next offset.
    follows: bool,
}

impl Subscription {
    /// Advances to a publication's offset; returns how many offsets were skipped.
    fn advance(&mut self, offset: u64) -> u64 {
        let skipped = offset.saturating_sub(self.position.offset + 1);
        self.position.offset = self.position.offset.max(offset);
        if self.follows { skipped } else { 0 }
    }

    fn subscribe(&self, id: u32, recover: bool) -> String {
        let Self { channel, position: Position { offset, epoch, .. }, .. } = self;
        let subscribe = if recover {
            json!({"channel": channel, "recover": true, "offset": offset, "epoch": epoch})
        } else {
            json!({"channel": channel})
        };
        json!({"id": id, "subscribe": subscribe}).to_string()
    }
}

#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one thing")]
pub(crate) struct Subscriber {
    pub(crate) open: bool,
    pub(crate) stalls: bool,
    /// Outstanding replies to the first message.
    pub(crate) awaited: usize,
    pub(crate) pong_due: bool,
    pub(crate) refused: bool,
    pong: bool,
    positions: bool,
    subscriptions: Vec<Subscription>,
}

impl Subscriber {
    pub(crate) fn new(subscriber_plan: &SubscriberPlan, number: u32) -> Self {
        let subscription = |room| Subscription {
            room,
            channel: format!("{}{room}", subscriber_plan.prefix),
            away: false,
            sequence: Sequence::from_start(),
            position: Position::default(),
            follows: false,
        };
        Self {
            open: false,
            stalls: number < subscriber_plan.stalling,
            awaited: 0,
            pong_due: false,
            refused: false,
            pong: false,
            positions: subscriber_plan.positions,
            subscriptions: subscriber_plan.rooms_of(number).map(subscription).collect(),
        }
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    pub(crate) fn channel(&self, nth: usize) -> &str {
        &self.subscriptions[nth % self.subscriptions.len()].channel
    }

    /// Leaves a room and joins it again in one message, with or without recovery. `None` while a rejoin is pending,
    /// because an unconfirmed position would bring duplicates.
    pub(crate) fn rejoin(&mut self, nth: usize, recover: bool) -> Option<String> {
        let (nth, id) = self.way_in(nth, if recover { 2 } else { CHURN_ID });
        let subscription = &mut self.subscriptions[nth];
        if std::mem::replace(&mut subscription.away, true) {
            return None;
        }
        let leave = json!({"id": id, "unsubscribe": {"channel": subscription.channel}});
        Some(format!("{leave}\n{}", subscription.subscribe(id, recover)))
    }

    /// The index of the room, and the command id from which `joined` finds it again.
    fn way_in(&self, nth: usize, first: u32) -> (usize, u32) {
        let nth = nth % self.subscriptions.len();
        (nth, first + (nth + self.subscriptions.len()) as u32)
    }

    /// Connects and subscribes in one message, as the protocol's own clients do.
    pub(crate) fn hello(&mut self, subscriber_plan: &SubscriberPlan, recover: bool, first_id: u32) -> String {
        (self.awaited, self.refused, self.pong_due) = (1 + self.subscriptions.len(), false, false);
        let mut text = hello(&subscriber_plan.token);
        for (id, subscription) in (first_id..).zip(&mut self.subscriptions) {
            subscription.follows = false;
            text.push('\n');
            text.push_str(&subscription.subscribe(id, recover));
        }
        text
    }

    pub(crate) fn line(&mut self, line: &str, now_us: u64, tally: &mut Tally) {
        if line.is_empty() {
        } else if line == "{}" {
            tally.seen.pings += 1;
            self.pong_due = self.pong;
        } else if !self.positions && line.starts_with("{\"push\"") {
            self.publication(line, None, now_us, tally);
        } else {
            match serde_json::from_str::<Reply<'_>>(line) {
                Ok(reply) => self.reply(reply, now_us, tally),
                Err(error) => tally.error(format!("unreadable line: {error}")),
            }
        }
    }

    fn reply(&mut self, reply: Reply<'_>, now_us: u64, tally: &mut Tally) {
        if let Some(push) = reply.push {
            let subscription =
                self.subscriptions.iter_mut().find(|subscription| subscription.channel == push.channel);
            match (subscription, push.publication) {
                (Some(subscription), _) if subscription.away => {}
                (subscription, Some(publication)) => {
                    tally.seen.skipped +=
                        subscription.map_or(0, |subscription| subscription.advance(publication.offset));
                    self.publication(publication.data.get(), Some(publication.offset), now_us, tally);
                }
                (_, None) => tally.seen.others += 1,
            }
            return;
        }
        let connecting = self.awaited > 0;
        self.awaited = self.awaited.saturating_sub(1);
        if let Some(error) = reply.error {
            self.refused |= connecting;
            tally.error(format!("error {} {}", error.code, error.message));
        }
        if let Some(Ok(connected)) = reply.connect.map(|body| serde_json::from_str::<Connected>(body.get())) {
            self.pong = connected.pong;
        }
        if let Some(joined) = reply.subscribe.filter(|_| reply.id < VISIT_ID) {
            self.joined(reply.id, joined, now_us, tally);
        }
    }

    fn joined(&mut self, id: u32, joined: Joined, now_us: u64, tally: &mut Tally) {
        let (churn, first) = if id < CHURN_ID { (false, 2) } else { (true, CHURN_ID) };
        let nth = (id - first) as usize % self.subscriptions.len();
        let subscription = &mut self.subscriptions[nth];
        subscription.away = false;
        if churn {
            subscription.sequence.forget_position();
        }
        subscription.follows = !joined.epoch.is_empty();
        subscription.position.epoch = joined.epoch;
        if joined.was_recovering {
            if joined.recovered {
                tally.seen.recovered += 1;
            } else {
                tally.seen.unrecovered += 1;
                subscription.sequence.forget_position();
                subscription.position.offset = joined.offset;
            }
        } else {
            subscription.position.offset = joined.offset;
        }
        for missed in joined.publications {
            tally.seen.replayed += 1;
            tally.seen.skipped += self.subscriptions[nth].advance(missed.offset);
            self.publication(missed.data.get(), Some(missed.offset), now_us, tally);
        }
    }

    fn publication(&mut self, text: &str, offset: Option<u64>, now_us: u64, tally: &mut Tally) {
        let mark = Mark::find(text);
        let subscription = mark.and_then(|mark| {
            self.subscriptions.iter_mut().find(|subscription| subscription.room == mark.room)
        });
        let (Some(mark), Some(subscription)) = (mark, subscription) else {
            tally.seen.others += 1;
            return;
        };
        let before = (subscription.sequence.doubled, subscription.sequence.disordered);
        subscription.sequence.saw(mark.seq);
        tally.seen.doubled += subscription.sequence.doubled - before.0;
        tally.seen.disordered += subscription.sequence.disordered - before.1;
        if let Some(offset) = offset {
            subscription.position.offset = subscription.position.offset.max(offset);
        }
        tally.seen.deliveries += 1;
        if !self.stalls {
            tally.latency.record_us(now_us.saturating_sub(mark.due_us));
            tally.seen.last_arrival_us = now_us;
        }
    }

    /// The publications that this subscriber should have received and has not. A subscriber that stalled may have been
    /// closed and counts as 0.
    pub(crate) fn lost(&self, published: Option<u64>, rooms: u32) -> u64 {
        if self.stalls {
            return 0;
        }
        let owed = |room| published.map_or(0, |all| share(all, rooms, room));
        self.subscriptions
            .iter()
            .map(|subscription| subscription.sequence.lost(owed(subscription.room)))
            .sum()
    }

    pub(crate) fn closed(&mut self, code: &str, tally: &mut Tally) {
        self.open = false;
        let codes: &mut BTreeMap<_, _> =
            if self.stalls { &mut tally.seen.stalled_closes } else { &mut tally.seen.closes };
        *codes.entry(code.to_owned()).or_default() += 1;
    }
}

/// The first command of a connection, with the token if there is one.
pub(crate) fn hello(token: &str) -> String {
    let body = if token.is_empty() {
        json!({"name": "loadtest"})
    } else {
        json!({"name": "loadtest", "token": token})
    };
    json!({"id": 1, "connect": body}).to_string()
}

/// Ignores poisoning: a panic of another task must not hide the counts.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber_plan(positions: bool) -> SubscriberPlan {
        SubscriberPlan {
            url: String::new(),
            token: "secret".into(),
            prefix: "r".into(),
            rooms: 4,
            rooms_per_subscriber: 2,
            first: 0,
            subscribers: 2,
            stalling: 0,
            connects_per_second: 1.0,
            source: None,
            positions,
        }
    }

    fn push(room: u32, seq: u32, offset: u64) -> String {
        let data = Mark { room, seq, due_us: 1_000 }.data(60);
        format!("{{\"push\":{{\"channel\":\"r{room}\",\"pub\":{{\"data\":{data},\"offset\":{offset}}}}}}}")
    }

    #[test]
    fn recovery_asks_from_the_last_seen_position_and_counts_what_comes_with_it() {
        let (subscriber_plan, mut tally) = (subscriber_plan(true), Tally::default());
        let mut subscriber = Subscriber::new(&subscriber_plan, 1);
        let hello = subscriber.hello(&subscriber_plan, false, 2);
        assert!(hello.contains("\"token\":\"secret\""));
        assert!(hello.ends_with("{\"id\":3,\"subscribe\":{\"channel\":\"r3\"}}"));
        for line in [
            "{\"id\":1,\"connect\":{\"pong\":true}}",
            "{\"id\":2,\"subscribe\":{\"offset\":5,\"epoch\":\"e\"}}",
            "{\"id\":3,\"subscribe\":{\"offset\":8,\"epoch\":\"e\"}}",
            &push(2, 0, 6),
            "{}",
        ] {
            subscriber.line(line, 1_500, &mut tally);
        }
        assert_eq!((subscriber.awaited, subscriber.pong_due, subscriber.refused), (0, true, false));
        let hello = subscriber.hello(&subscriber_plan, true, 2);
        assert!(
            hello.contains("\"channel\":\"r2\",\"epoch\":\"e\",\"offset\":6,\"recover\":true"),
            "{hello}"
        );
        let missed = Mark { room: 2, seq: 1, due_us: 1_000 }.data(0);
        let reply = format!(
            "{{\"id\":2,\"subscribe\":{{\"was_recovering\":true,\"recovered\":true,\"offset\":6,\"epoch\":\"e\",\
             \"publications\":[{{\"data\":{missed},\"offset\":7}}]}}}}"
        );
        subscriber.line(&reply, 2_000, &mut tally);
        assert!(subscriber.hello(&subscriber_plan, true, 2).contains("\"offset\":7"));
        let seen = tally.take();
        assert_eq!((seen.recovered, seen.replayed, seen.deliveries, seen.pings), (1, 1, 2, 1));
        assert_eq!(seen.skipped, 0);
        assert_eq!(subscriber.lost(Some(8), 4), 2, "rooms 2 and 3 have two each, and nothing of room 3 came");
    }

    #[test]
    fn what_is_left_out_after_joining_is_noticed_by_the_offsets() {
        let (mut subscriber, mut tally) = (Subscriber::new(&subscriber_plan(true), 1), Tally::default());
        subscriber.hello(&subscriber_plan(true), false, 2);
        subscriber.line("{\"id\":2,\"subscribe\":{\"offset\":5,\"epoch\":\"e\"}}", 1_500, &mut tally);
        for offset in [6, 8, 8, 9] {
            subscriber.line(&push(2, 0, offset), 1_500, &mut tally);
        }
        // The position of this room is unknown.
        subscriber.line(&push(3, 0, 8), 1_500, &mut tally);
        assert_eq!(tally.take().skipped, 1);
    }

    #[test]
    fn marks_alone_are_enough_without_positions() {
        let (mut subscriber, mut tally) = (Subscriber::new(&subscriber_plan(false), 1), Tally::default());
        for seq in [0, 1, 1, 3] {
            subscriber.line(&push(3, seq, 1), 1_500, &mut tally);
        }
        subscriber.line(&push(0, 0, 1), 1_500, &mut tally);
        let seen = tally.take();
        assert_eq!((seen.deliveries, seen.doubled, seen.others), (4, 1, 1));
        assert_eq!(subscriber.lost(None, 4), 1);
        assert_eq!(tally.take().deliveries, 0, "a look begins anew");
    }
}
