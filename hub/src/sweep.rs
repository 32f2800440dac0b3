//! The engine's own clockwork: forgets rooms that stayed empty, and compares quiet durable rooms with the log,
//! which catches publications whose very announcement was lost. Ends with the engine.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::{hub::Inner, lock::lock, room::Room};

/// Comparisons with the log at one time.
const CHECKS: usize = 8;

pub(crate) async fn run(inner: Weak<Inner>) {
    let mut checked = Instant::now();
    let mut tops = HashMap::new();
    loop {
        let Some(pause) = inner.upgrade().map(|inner| pause(&inner)) else { return };
        sleep(pause).await;
        let Some(inner) = inner.upgrade() else { return };
        inner.rooms.sweep();
        if inner.config.position_check.is_some_and(|every| checked.elapsed() >= every) {
            tops = check_quiet(&inner, &tops).await;
            checked = Instant::now();
        }
    }
}

fn pause(inner: &Inner) -> Duration {
    let check = inner.config.position_check.unwrap_or(inner.config.room_linger);
    let shorter =
        if inner.config.room_linger.is_zero() { check } else { check.min(inner.config.room_linger) };
    shorter.clamp(Duration::from_millis(20), Duration::from_secs(5))
}

/// Rooms that have moved since the last look prove by that that news arrives.
async fn check_quiet(inner: &Arc<Inner>, before: &HashMap<Arc<str>, u64>) -> HashMap<Arc<str>, u64> {
    let rooms = inner.rooms.all();
    let tops = rooms.iter().map(|room| (Arc::clone(&room.name), lock(&room.order).top)).collect();
    let is_quiet = |room: &Arc<Room>| before.get(&room.name) == Some(&lock(&room.order).top);
    let quiet: Vec<_> = rooms.into_iter().filter(is_quiet).collect();
    stream::iter(quiet)
        .for_each_concurrent(CHECKS, |room| async move {
            room.check(inner).await;
        })
        .await;
    tops
}
