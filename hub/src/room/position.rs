//! Comparing a room with its log: after a sign that the log began anew, and after a quiet time, when even the news of
//! a publication may have been lost.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    gap,
    order::{Doubt, Phase},
    state::Room,
    stream_loss::{self, Loss},
};
use crate::{lock::lock, log::LogPage, protocol::event::RoomEvent};

/// Between two comparisons for the same reason.
const DOUBT_PAUSE: Duration = Duration::from_secs(1);

/// Something suggests that the log began anew: a task compares with it, at most once per [`DOUBT_PAUSE`].
pub(crate) fn doubt(room: &Arc<Room>) {
    let known = {
        let mut order = lock(&room.order);
        let next = if order.doubt == Doubt::None { Doubt::Known } else { Doubt::Again };
        std::mem::replace(&mut order.doubt, next)
    };
    if known == Doubt::None {
        room.context.runtime.spawn(settle(Arc::downgrade(room)));
    }
}

/// The log was at this position a moment ago: what is missing up to there is read, and a sign of another stream is doubted.
pub(crate) fn compare(room: &Arc<Room>, epoch: &str, top: u64) {
    let (generation, differs) = {
        let order = lock(&room.order);
        if order.phase != Phase::Open {
            return;
        }
        (order.generation, order.epoch != epoch)
    };
    if differs {
        doubt(room);
    } else {
        gap::heard_of(room, generation, top);
    }
}

/// Compares until no doubt is left. Keeps no room alive between the comparisons.
async fn settle(room: Weak<Room>) {
    loop {
        let compared = {
            let Some(room) = room.upgrade() else { return };
            check(&room).await
        };
        sleep(DOUBT_PAUSE).await;
        let Some(room) = room.upgrade() else { return };
        let mut order = lock(&room.order);
        if compared && order.doubt != Doubt::Again {
            order.doubt = Doubt::None;
            return;
        }
        order.doubt = Doubt::Known;
    }
}

/// Compares with the log once; `false` if it could not be read.
pub(crate) async fn check(room: &Arc<Room>) -> bool {
    let (top, generation, contradicted) = {
        let mut order = lock(&room.order);
        if order.phase != Phase::Open {
            return true;
        }
        (order.top, order.generation, order.contradicted.take())
    };
    let (after, limit) = contradicted.as_ref().map_or((top, 0), |known| (known.offset - 1, 1));
    let Ok(page) = room.context.log.since(&room.name, after, limit).await else {
        let mut order = lock(&room.order);
        if order.generation == generation && order.contradicted.is_none() {
            order.contradicted = contradicted;
        }
        return false;
    };
    let LogPage { epoch, top: newest, publications, .. } = page;
    let has = |known: RoomEvent| {
        let found = publications.into_iter().next().filter(|found| found.offset == known.offset);
        // An offset that the log no longer keeps proves nothing.
        found.is_none_or(|found| RoomEvent::publication(Arc::clone(&room.name), found).says_the_same(&known))
    };
    let other = room.is_of_another_stream(&epoch);
    if other || newest < top || !contradicted.is_none_or(has) {
        let loss = if other { Loss::Detectable } else { Loss::Undetectable };
        stream_loss::lose(room, generation, epoch, newest, loss);
    } else {
        gap::heard_of(room, generation, newest);
    }
    true
}
