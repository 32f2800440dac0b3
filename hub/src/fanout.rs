//! Handing out what a room has put in order. One task at a time does it for a room, so order holds; the
//! publisher does it himself for small rooms, a task of its own for large ones, so that he never waits long.
//! Every receiver gets the same bytes.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use crate::{
    entry::Entry,
    hub::Inner,
    lock::lock,
    room::{Room, members::Member, order::Batch},
};

/// Rooms up to this size are handed out by the publisher.
const SMALL: usize = 64;
/// Rounds that a publisher does before he leaves the rest to a task.
const ROUNDS: usize = 4;
/// Members served under one lock of the room.
const PIECE: usize = 256;

pub(crate) fn hand_out(inner: &Arc<Inner>, room: &Arc<Room>) {
    if !lock(&room.order).begin_delivery() {
        return;
    }
    if room.size.load(Relaxed) <= SMALL {
        for _ in 0..ROUNDS {
            let Some(batch) = lock(&room.order).next_batch() else { return };
            let mut from = Some(0);
            while let Some(start) = from {
                from = piece(inner, room, &batch, start);
            }
        }
    }
    inner.runtime.spawn(pump(Arc::clone(inner), Arc::clone(room)));
}

async fn pump(inner: Arc<Inner>, room: Arc<Room>) {
    loop {
        let Some(batch) = lock(&room.order).next_batch() else { return };
        let mut from = Some(0);
        while let Some(start) = from {
            from = piece(&inner, &room, &batch, start);
            tokio::task::yield_now().await;
        }
    }
}

/// Serves some members; says where to go on. Whoever joins meanwhile already has this batch
/// (see `Room::enter`), because it counts as delivered from its first piece on.
fn piece(inner: &Inner, room: &Room, batch: &Batch, from: usize) -> Option<usize> {
    let mut members = lock(&room.members);
    let current = batch.generation == members.generation;
    let last = batch.entries.iter().map(|e| e.offset).max().unwrap_or(0);
    if current {
        members.delivered = members.delivered.max(last);
    }
    let live = |entry: &&Entry| current || entry.offset == 0;
    let (piece, next) = members.piece(from, PIECE);
    let mut delivered = 0;
    for member in piece {
        delivered += serve(member, batch.entries.iter().filter(live));
    }
    inner.counters.delivered.fetch_add(delivered as u64, Relaxed);
    next
}

fn serve<'a>(member: &'a Member, entries: impl Iterator<Item = &'a Entry>) -> usize {
    let form = member.session.form;
    member.session.queue.push(entries.filter(|e| member.wants(e)).map(|e| e.frame(form)))
}
