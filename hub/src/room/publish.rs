//! Taking what is published into a room, in any order. The order is locked only for a moment; handing out goes on
//! beside it.

use std::sync::Arc;

use super::{fanout, gap, order::Accepted, position, state::Room};
use crate::{lock::lock, protocol::event::RoomEvent};

pub(crate) fn accept(room: &Arc<Room>, event: RoomEvent) {
    let accepted = lock(&room.order).accept(event);
    match accepted {
        Accepted::Old => {}
        Accepted::Doubtful => position::doubt(room),
        Accepted::Ready => fanout::hand_out(room),
        Accepted::Held { full } => {
            if full {
                room.hold_full.notify_one();
            }
            gap::watch(room);
        }
    }
}

/// Takes events without an offset, to be handed out together.
pub(super) fn accept_all(room: &Arc<Room>, events: impl Iterator<Item = RoomEvent>) {
    {
        let mut order = lock(&room.order);
        for event in events {
            order.accept(event);
        }
    }
    fanout::hand_out(room);
}
