//! When something is due in a session: ping, missing pong, stale socket, expiry. One timer for all of them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::Session;
use crate::{CloseCode, HubConfig, hub::Inner, lock::lock};

const MAX_BEAT: Duration = Duration::from_millis(200);

pub(crate) struct Timers {
    due: Mutex<Due>,
    changed: Notify,
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

impl Due {
    fn next(&self) -> Option<Instant> {
        [self.connect, self.ping, self.pong, self.expiry, self.subs].into_iter().flatten().min()
    }
}

impl Timers {
    pub(crate) fn new(config: &HubConfig) -> Self {
        let due = Due { connect: Some(Instant::now() + config.connect_wait), ..Due::default() };
        Timers { due: Mutex::new(due), changed: Notify::new() }
    }

    /// Pings begin at a moment of its own for every session, so that they do not all come at once.
    pub(crate) fn connected(&self, inner: &Inner, session: u128, expiry: Option<Instant>) {
        let half = inner.config.ping_interval / 2;
        let spread = half.mul_f64((session % 1000) as f64 / 1000.0);
        let mut due = lock(&self.due);
        *due = Due { ping: Some(on_beat(inner, Instant::now() + half + spread)), expiry, ..Due::default() };
        drop(due);
        self.changed.notify_one();
    }

    pub(crate) fn set_expiry(&self, expiry: Option<Instant>) {
        lock(&self.due).expiry = expiry;
        self.changed.notify_one();
    }

    pub(crate) fn set_subs_expiry(&self, expiry: Option<Instant>) {
        lock(&self.due).subs = expiry;
        self.changed.notify_one();
    }

    /// The client answered a ping; `false` if none was asked.
    pub(crate) fn pong(&self) -> bool {
        lock(&self.due).pong.take().is_some()
    }

    /// Pong deadlines do not count while we do not read, or while our ping may not have gone out.
    fn excuse_pong(&self, session: &Session, wait: Duration) {
        let excused = if session.inbox.is_full() { Some(Instant::now()) } else { session.queue.busy_until() };
        if let (Some(pong), Some(excused)) = (&mut lock(&self.due).pong, excused) {
            *pong = (*pong).max(excused + wait);
        }
    }
}

/// The next beat from this moment on. Pings go out in small crowds, so that a thread that wakes has many to send.
fn on_beat(inner: &Inner, at: Instant) -> Instant {
    let beat = (inner.config.ping_interval / 128).min(MAX_BEAT).as_nanos().max(1);
    let past = (at - inner.started).as_nanos() % beat;
    at + Duration::from_nanos(((beat - past) % beat) as u64)
}

pub(super) async fn run(inner: &Arc<Inner>, session: &Session) {
    loop {
        let next = lock(&session.timers.due).next();
        let alarm = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = alarm => fire(inner, session),
            () = session.timers.changed.notified() => {}
        }
    }
}

fn fire(inner: &Arc<Inner>, session: &Session) {
    let config = &inner.config;
    let now = Instant::now();
    let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
    session.timers.excuse_pong(session, config.pong_wait);
    let mut due = lock(&session.timers.due);
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
        drop(due);
        session.queue.close(why.into());
        return;
    }
    let mut ping = is_due(due.ping);
    if ping {
        due.ping = Some(on_beat(inner, now + config.ping_interval));
        // One at a time: each is answered, and an answer too many is a fault.
        ping = due.pong.is_none();
        due.pong.get_or_insert(now + config.pong_wait);
    }
    let subs = is_due(due.subs);
    if subs {
        due.subs = None;
    }
    drop(due);
    if ping && session.native_pings {
        session.queue.ping();
    } else if ping {
        session.push(session.form.ping());
    }
    if subs {
        session.expire_subs(inner, now);
    }
}
