//! The end of a room's stream: the log began anew, or lost what subscribers had yet to get. They begin again.

use std::sync::Arc;

use super::{fanout, state::Room};
use crate::{
    lock::{lock, write},
    protocol::codes::unsubscribed,
    stats::count,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    /// The log refuses an old position: its epoch is another, or it no longer keeps what follows.
    Detectable,
    /// The log would accept an old position as a good one, so clients have to forget theirs.
    Undetectable,
}

/// Moves the room to a new position and revokes every durable subscription: on subscribing again each client learns
/// what it can recover. Does nothing if the stream was lost already since `generation`.
pub(super) fn lose(room: &Arc<Room>, generation: u32, epoch: String, top: u64, loss: Loss) {
    let lost = {
        let mut members = write(&room.members);
        let mut order = lock(&room.order);
        if order.generation != generation {
            return;
        }
        order.restart(epoch, top);
        members.generation = order.generation;
        members.delivered = top;
        members.lose_stream()
    };
    count(&room.context.counters.streams_lost);
    tracing::warn!(room = %room.name, top, ?loss, "stream lost, subscribers begin again");
    let (code, reason) = match loss {
        Loss::Detectable => (unsubscribed::INSUFFICIENT_STATE, "insufficient state"),
        Loss::Undetectable => (unsubscribed::STATE_INVALIDATED, "state invalidated"),
    };
    for subscriber in lost {
        subscriber.revoke(&room.name, code, reason);
    }
    fanout::hand_out(room);
}
