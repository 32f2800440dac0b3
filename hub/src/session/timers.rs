//! When something is due in a session: ping, missing pong, stale socket, expiry. Sleeps on nothing: `alarm` does.

use std::{sync::Mutex, time::Duration};

use tokio::{sync::Notify, time::Instant};

use crate::{config::HubConfig, lock::lock, protocol::codes::CloseCode};

/// Pings of different sessions go out at the same moments, this far apart at most.
const MAX_BEAT: Duration = Duration::from_millis(200);

pub(super) struct Timers {
    due: Mutex<Due>,
    /// Notified when something may be due earlier than before.
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Due {
    connect: Option<Instant>,
    ping: Option<Instant>,
    pong: Option<Instant>,
    expiry: Option<Instant>,
    /// The earliest of the subscriptions.
    subs: Option<Instant>,
}

/// What is due now.
pub(super) enum Fired {
    Close(CloseCode),
    Due { ping: bool, subs: bool },
}

impl Timers {
    pub(super) fn new(config: &HubConfig) -> Self {
        let due = Due { connect: Some(Instant::now() + config.connect_wait), ..Due::default() };
        Timers { due: Mutex::new(due), changed: Notify::new() }
    }

    /// The first ping of each session comes at another moment, by its id, so that they are spread over the interval.
    pub(super) fn connected(&self, config: &HubConfig, started: Instant, id: u128, expiry: Option<Instant>) {
        let half = config.ping_interval / 2;
        let spread = half.mul_f64((id % 1000) as f64 / 1000.0);
        let ping = Some(on_beat(config, started, Instant::now() + half + spread));
        *lock(&self.due) = Due { ping, expiry, ..Due::default() };
        self.changed.notify_one();
    }

    pub(super) fn set_expiry(&self, expiry: Option<Instant>) {
        lock(&self.due).expiry = expiry;
        self.changed.notify_one();
    }

    pub(super) fn set_subs_expiry(&self, expiry: Option<Instant>) {
        lock(&self.due).subs = expiry;
        self.changed.notify_one();
    }

    /// The client answered a ping; `false` if none was sent.
    pub(super) fn pong(&self) -> bool {
        lock(&self.due).pong.take().is_some()
    }

    /// The time up to `excused` does not count towards a missing pong.
    pub(super) fn excuse_pong(&self, excused: Option<Instant>, wait: Duration) {
        if let (Some(pong), Some(excused)) = (&mut lock(&self.due).pong, excused) {
            *pong = (*pong).max(excused + wait);
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        let due = lock(&self.due);
        [due.connect, due.ping, due.pong, due.expiry, due.subs].into_iter().flatten().min()
    }

    /// Takes what is due, and sets the next ping.
    pub(super) fn fire(&self, config: &HubConfig, started: Instant, now: Instant) -> Fired {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let mut due = lock(&self.due);
        let why = if is_due(due.connect) {
            Some(CloseCode::STALE)
        } else if is_due(due.pong) {
            Some(CloseCode::NO_PONG)
        } else if is_due(due.expiry) {
            Some(CloseCode::CONNECTION_EXPIRED)
        } else {
            None
        };
        if let Some(why) = why {
            *due = Due::default();
            return Fired::Close(why);
        }
        let mut ping = is_due(due.ping);
        if ping {
            due.ping = Some(on_beat(config, started, now + config.ping_interval));
            // One ping at a time: each is answered, and an answer too many is a violation.
            ping = due.pong.is_none();
            due.pong.get_or_insert(now + config.pong_wait);
        }
        let subs = is_due(due.subs);
        if subs {
            due.subs = None;
        }
        Fired::Due { ping, subs }
    }
}

/// The next beat from this moment on. On a beat a thread that wakes has many pings to send, not one.
fn on_beat(config: &HubConfig, started: Instant, at: Instant) -> Instant {
    let beat = (config.ping_interval / 128).min(MAX_BEAT).as_nanos().max(1);
    let past = (at - started).as_nanos() % beat;
    at + Duration::from_nanos(((beat - past) % beat) as u64)
}
