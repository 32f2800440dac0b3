//! Where others write to the log: comparing all durable rooms with the log, in few reads for all of them. A node that dies
//! between a commit and its publication tells nobody, and the bus may lose anything; this finds it within `watch`. Ends with
//! the rooms.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use crate::{
    bus::Path,
    config::HubConfig,
    log::Top,
    room::{Room, position},
    rooms::Rooms,
};

/// Rooms in one read.
const MAX_ROOMS: usize = 500;
/// While an engine is alone it looks so often whether it still is.
const ALONE: Duration = Duration::from_secs(1);

pub(super) async fn run(rooms: Weak<Rooms>, look: Arc<Notify>) {
    let mut had_others = false;
    loop {
        let Some(pause) = rooms.upgrade().map(|rooms| pause(&rooms)) else { return };
        let _ = timeout(pause, look.notified()).await;
        let Some(rooms) = rooms.upgrade() else { return };
        let has_others = rooms.context.has_others();
        // Once more after the last of them has left: for what it wrote at last.
        if has_others || had_others {
            let looked = compare(&rooms).await.is_some();
            had_others = has_others || !looked;
            if !looked {
                sleep(rooms.context.config.watch).await;
            }
        }
    }
}

fn pause(rooms: &Rooms) -> Duration {
    let HubConfig { watch, watch_broken, .. } = rooms.context.config;
    match rooms.context.link.path() {
        _ if !rooms.context.has_others() => ALONE,
        Some(Path::Down { .. }) => watch_broken,
        // Nothing tells of what they write.
        None if rooms.context.link.is_alone() => watch_broken,
        Some(Path::Up { .. }) | None => watch,
    }
}

/// `None` if the log cannot be read.
async fn compare(rooms: &Rooms) -> Option<()> {
    let open: Vec<Arc<Room>> = rooms.all().into_iter().filter(|room| room.is_open()).collect();
    for part in open.chunks(MAX_ROOMS) {
        let names: Vec<Arc<str>> = part.iter().map(|room| Arc::clone(&room.name)).collect();
        let tops = rooms.context.log.tops(&names).await.ok()?;
        for (room, top) in part.iter().zip(tops) {
            if let Some(Top { epoch, offset }) = top {
                position::compare(room, &epoch, offset);
            }
        }
    }
    Some(())
}
