//! Reading the log for what a room misses: its position when it opens, and publications that never came.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::{
    fanout,
    order::{Absorbed, Phase},
    state::Room,
    stream_loss::{self, Loss},
};
use crate::{
    lock::{lock, write},
    log::{LogError, LogPage},
    protocol::event::RoomEvent,
};

/// After so many reads without progress the announced publication is taken for the publisher's mistake.
const MAX_ATTEMPTS: u32 = 10;
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// A read of the room's position. Dropped before the end, it releases what was held for it.
struct Opening<'a>(&'a Arc<Room>);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        lock(&self.0.order).end_opening();
        fanout::hand_out(self.0);
    }
}

/// Makes the room ordered; the first durable subscriber reads its position from the log.
pub(super) async fn open(room: &Arc<Room>) -> Result<(), LogError> {
    if !lock(&room.order).begin_opening() {
        return Ok(());
    }
    let opening = Opening(room);
    let page = room.context.log.since(&room.name, 0, 0).await?;
    {
        let mut members = write(&room.members);
        let mut order = lock(&room.order);
        if order.phase != Phase::Open {
            order.open(page.epoch, page.top);
            members.delivered = page.top;
        }
    }
    drop(opening);
    watch(room);
    Ok(())
}

/// Starts a task that fills the gap, if there is one and no task yet.
pub(super) fn watch(room: &Arc<Room>) {
    let mut order = lock(&room.order);
    if order.has_gap() && !std::mem::replace(&mut order.filling, true) {
        drop(order);
        room.context.runtime.spawn(fill(Arc::clone(room)));
    }
}

/// The log was seen to reach to `top`.
pub(super) fn heard_of(room: &Arc<Room>, generation: u32, top: u64) {
    {
        let mut order = lock(&room.order);
        if order.generation != generation {
            return;
        }
        order.seen = order.seen.max(top);
    }
    watch(room);
}

async fn fill(room: Arc<Room>) {
    let config = &room.context.config;
    let _ = timeout(config.gap_wait, room.hold_full.notified()).await;
    let mut attempts = 0;
    loop {
        let (after, generation) = {
            let mut order = lock(&room.order);
            if !order.has_gap() {
                order.filling = false;
                return;
            }
            (order.top, order.generation)
        };
        let stuck = match room.context.log.since(&room.name, after, config.log_page).await {
            Ok(page) => absorb(&room, generation, after, page),
            Err(_) => true,
        };
        if !stuck {
            attempts = 0;
            continue;
        }
        attempts += 1;
        if attempts == MAX_ATTEMPTS {
            tracing::error!(room = %room.name, after, "publications announced but not in the log");
            let mut order = lock(&room.order);
            order.give_up();
            order.filling = false;
            return;
        }
        sleep((config.gap_wait * 2u32.pow(attempts)).min(MAX_BACKOFF)).await;
    }
}

/// Puts a page in order; `true` if it brought no progress.
fn absorb(room: &Arc<Room>, generation: u32, after: u64, page: LogPage) -> bool {
    let LogPage { epoch, top, publications, .. } = page;
    let events = RoomEvent::all(&room.name, publications);
    let (state, filled) = {
        let mut order = lock(&room.order);
        if order.generation != generation {
            return false;
        }
        order.absorb(&epoch, after, top, events)
    };
    room.context.counters.gap_filled.fetch_add(filled, Relaxed);
    fanout::hand_out(room);
    match state {
        Absorbed::Complete | Absorbed::More => false,
        Absorbed::Behind => true,
        Absorbed::Lost => {
            stream_loss::lose(room, generation, epoch, top, Loss::Detectable);
            false
        }
    }
}
