//! Presence: who is in a room, read from the room's members, so that there is no second list that could differ; and the
//! announcement of joins and leaves.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use tokio::time::sleep;

use super::{
    announcements::{Change, Noted},
    members::Member,
    publish,
    state::Room,
};
use crate::{
    lock::{lock, read},
    log::ClientInfo,
    protocol::event::RoomEvent,
    stats,
};

pub(crate) fn list(room: &Room) -> Vec<ClientInfo> {
    let members = read(&room.members);
    members.iter().filter_map(visible).cloned().collect()
}

/// The number of clients, and of different users.
pub(crate) fn count(room: &Room) -> (usize, usize) {
    let members = read(&room.members);
    let clients = members.iter().filter_map(visible).count();
    let users: HashSet<_> = members.iter().filter_map(visible).map(|who| who.user.as_str()).collect();
    (clients, users.len())
}

fn visible(member: &Member) -> Option<&ClientInfo> {
    member.who.as_deref().filter(|_| member.presence)
}

pub(crate) fn announce_join(room: &Arc<Room>, who: Arc<ClientInfo>) {
    announce(room, Change::Join(who));
}

pub(crate) fn announce_leave(room: &Arc<Room>, who: Arc<ClientInfo>) {
    announce(room, Change::Leave(who));
}

/// At once in small rooms, gathered in large ones (see `announcements`).
fn announce(room: &Arc<Room>, change: Change) {
    if !read(&room.members).hear_joins() {
        return;
    }
    let size = room.size.load(Relaxed);
    let noted = lock(&room.announcements).note(change, size, room.context.config.announce_calm);
    match noted {
        Noted::Tell(change) => publish::accept(room, event(room, change)),
        Noted::Gathered => {}
        Noted::Begin => drop(room.context.runtime.spawn(tell(Arc::clone(room)))),
        Noted::Dropped => stats::count(&room.context.counters.announcements_dropped),
    }
}

async fn tell(room: Arc<Room>) {
    loop {
        sleep(room.context.config.announce_window).await;
        let Some(told) = lock(&room.announcements).take(room.context.config.announce_limit) else { return };
        room.context.counters.announcements_dropped.fetch_add(told.dropped as u64, Relaxed);
        publish::accept_all(&room, told.changes.into_iter().map(|change| event(&room, change)));
    }
}

fn event(room: &Room, change: Change) -> RoomEvent {
    match change {
        Change::Join(who) => RoomEvent::join(&room.name, who),
        Change::Leave(who) => RoomEvent::leave(&room.name, who),
    }
}
