//! Housekeeping: forgets rooms that stayed empty, and compares quiet durable rooms with the log, which finds
//! publications that were never announced here. Ends with the rooms.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::{
    config::HubConfig,
    lock::lock,
    room::{Room, position},
    rooms::Rooms,
};

/// Comparisons with the log at one time.
const CHECKS: usize = 8;

pub(super) async fn run(rooms: Weak<Rooms>) {
    let mut checked = Instant::now();
    let mut tops = HashMap::new();
    loop {
        let Some(pause) = rooms.upgrade().map(|rooms| pause(&rooms.context.config)) else { return };
        sleep(pause).await;
        let Some(rooms) = rooms.upgrade() else { return };
        rooms.sweep();
        if rooms.context.config.position_check.is_some_and(|every| checked.elapsed() >= every) {
            tops = check_quiet(&rooms, &tops).await;
            checked = Instant::now();
        }
    }
}

fn pause(config: &HubConfig) -> Duration {
    let check = config.position_check.unwrap_or(config.room_linger);
    let shorter = if config.room_linger.is_zero() { check } else { check.min(config.room_linger) };
    shorter.clamp(Duration::from_millis(20), Duration::from_secs(5))
}

/// Checks rooms whose top is the same as at the last look: a room that moved proves by that that announcements arrive.
/// Returns the tops for the next look.
async fn check_quiet(rooms: &Rooms, before: &HashMap<Arc<str>, u64>) -> HashMap<Arc<str>, u64> {
    let rooms = rooms.all();
    let tops = rooms.iter().map(|room| (Arc::clone(&room.name), lock(&room.order).top)).collect();
    let is_quiet = |room: &Arc<Room>| before.get(&room.name) == Some(&lock(&room.order).top);
    let quiet: Vec<_> = rooms.into_iter().filter(is_quiet).collect();
    stream::iter(quiet)
        .for_each_concurrent(CHECKS, |room| async move {
            position::check(&room).await;
        })
        .await;
    tops
}
