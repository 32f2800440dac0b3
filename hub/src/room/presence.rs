//! Who is in a room, from the room's own list of members: nothing is kept twice, so nothing is left behind.

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
    protocol::entry::Entry,
    stats,
};

pub(crate) fn list(room: &Room) -> Vec<ClientInfo> {
    let members = read(&room.members);
    members.iter().filter_map(visible).cloned().collect()
}

/// Clients and different users.
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

/// At once in small rooms, in company in large ones (see `room/announcements.rs`).
fn announce(room: &Arc<Room>, change: Change) {
    let size = room.size.load(Relaxed);
    let noted = lock(&room.announcements).note(change, size, room.context.config.announce_calm);
    match noted {
        Noted::Tell(change) => publish::accept(room, entry(room, change)),
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
        publish::accept_all(&room, told.changes.into_iter().map(|change| entry(&room, change)));
    }
}

fn entry(room: &Room, change: Change) -> Entry {
    match change {
        Change::Join(who) => Entry::join(&room.name, who),
        Change::Leave(who) => Entry::leave(&room.name, who),
    }
}
