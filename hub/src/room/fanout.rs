//! Fan-out: hands the ordered events of a room to its members. A room hands out one batch at a time, which keeps the
//! order. In small rooms the publisher does it itself; in large ones, and for a publisher outside the runtime (the thread
//! of a database), a task does, so that no publisher is blocked for long. Very large rooms are divided into stripes, one
//! task each. Members that want the same messages in the same form share the encoded bytes.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use tokio::runtime::Handle;

use super::{encoded_batch::EncodedBatch, order::Batch, state::Room, traced::Traced};
use crate::lock::{lock, read, write};

/// The publisher hands out in rooms with at most so many slots.
const SMALL: usize = 64;
/// Batches that a publisher hands out before it leaves the rest to a task.
const ROUNDS: usize = 4;
/// Slots served under one lock of the members; each may cost a write to a socket.
const PIECE: usize = 64;
/// Slots for which one more task pays.
const STRIPE: usize = 512;

pub(super) fn hand_out(room: &Arc<Room>) {
    if !lock(&room.order).begin_delivery() {
        return;
    }
    if read(&room.members).slots() <= SMALL && Handle::try_current().is_ok() {
        for _ in 0..ROUNDS {
            let Some(batch) = lock(&room.order).next_batch() else { return };
            let slots = begin(room, &batch);
            let (is_heavy, traced) = (batch.is_heavy, Traced::begin(room, &batch, slots));
            let mut encoded = EncodedBatch::new(batch);
            for piece in pieces(0..slots) {
                serve(room, &mut encoded, piece);
            }
            if let Some(traced) = traced {
                traced.end();
            }
            if is_heavy {
                break;
            }
        }
    }
    room.context.runtime.spawn(pump(Arc::clone(room)));
}

async fn pump(room: Arc<Room>) {
    let runtime = &room.context.runtime;
    loop {
        let Some(batch) = lock(&room.order).next_batch() else { return };
        let slots = begin(&room, &batch);
        let traced = Traced::begin(&room, &batch, slots);
        let stripes = (slots / STRIPE).clamp(1, runtime.metrics().num_workers());
        let size = slots.div_ceil(stripes);
        let others: Vec<_> = (1..stripes)
            .map(|n| {
                let (room, batch) = (Arc::clone(&room), batch.clone());
                let slots = n * size..(n + 1) * size;
                runtime.spawn(async move { stripe(&room, batch, slots).await })
            })
            .collect();
        stripe(&room, batch, 0..size).await;
        for other in others {
            // Fails when the runtime shuts down, or after a panic, which tokio has reported.
            let _ = other.await;
        }
        if let Some(traced) = traced {
            traced.end();
        }
    }
}

async fn stripe(room: &Room, batch: Batch, slots: Range<usize>) {
    let mut encoded = EncodedBatch::new(batch);
    for piece in pieces(slots) {
        serve(room, &mut encoded, piece);
        tokio::task::yield_now().await;
    }
}

fn pieces(slots: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = slots.end;
    slots.step_by(PIECE).map(move |from| from..(from + PIECE).min(end))
}

/// Marks the batch as delivered before its first piece, so that a member that joins meanwhile gets it by recovery and
/// not twice (see `Room::enter`). Returns the number of slots to serve.
fn begin(room: &Room, batch: &Batch) -> usize {
    let mut members = write(&room.members);
    if batch.generation == members.generation {
        let last = batch.events.iter().map(|event| event.offset).max().unwrap_or(0);
        members.delivered = members.delivered.max(last);
    }
    members.slots()
}

fn serve(room: &Room, encoded: &mut EncodedBatch, slots: Range<usize>) {
    let members = read(&room.members);
    let live = encoded.deliverable(members.generation);
    let mut delivered = 0;
    for member in members.piece(slots) {
        let wanted = live & encoded.wanted(member);
        if wanted != 0 {
            delivered += member.subscriber.queue.push(encoded.get(encoded.variant(member, wanted)));
        }
    }
    drop(members);
    room.context.counters.delivered.fetch_add(delivered as u64, Relaxed);
}
