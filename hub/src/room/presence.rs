//! Presence: who is in a room, read from the room's members, so that there is no second list that could differ, and from
//! what other nodes told of theirs; and the announcement of joins and leaves.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    announcements::{Change, Noted},
    members::Member,
    publish,
    state::Room,
};
use crate::{
    bus::{self, Message},
    lock::{lock, read},
    log::ClientInfo,
    protocol::event::RoomEvent,
    stats,
};

pub(crate) fn list(room: &Room) -> Vec<ClientInfo> {
    let mut all: Vec<ClientInfo> = read(&room.members).iter().filter_map(visible).cloned().collect();
    all.extend(lock(&room.remote).listed().map(|who| ClientInfo::clone(who)));
    all
}

/// The number of clients, and of different users.
pub(crate) fn count(room: &Room) -> (usize, usize) {
    let members = read(&room.members);
    let remote = lock(&room.remote);
    let all = || members.iter().filter_map(visible).chain(remote.listed().map(|who| &**who));
    let users: HashSet<_> = all().map(|who| who.user.as_str()).collect();
    (all().count(), users.len())
}

fn visible(member: &Member) -> Option<&ClientInfo> {
    member.who.as_deref().filter(|_| member.presence)
}

/// A client is a member from now on. `local`: as its own node sees it.
pub(crate) fn joined(room: &Arc<Room>, local: &bus::Member) {
    if local.announced {
        announce_join(room, Arc::clone(&local.who));
    }
    tell_others(room, |room| Message::Joined { room, member: local.clone() });
    // Until now the node had no use for what the others tell of the room.
    if room.size.load(Relaxed) == 1 {
        tell_others(room, |room| Message::WhoIsIn { room });
    }
}

/// A client is no member any more.
pub(crate) fn left(room: &Arc<Room>, local: &bus::Member) {
    if local.announced {
        announce_leave(room, Arc::clone(&local.who));
    }
    tell_others(room, |room| Message::Left { room, member: local.clone() });
}

fn tell_others(room: &Room, message: impl FnOnce(String) -> Message) {
    if let Some(topic) = room.topic() {
        room.context.link.publish(topic, || message(room.name.to_string()));
    }
}

/// Another node has this member, as it tells when it joins and again and again.
pub(crate) fn is_elsewhere(room: &Arc<Room>, member: bus::Member) {
    let (who, announced) = (Arc::clone(&member.who), member.announced);
    if lock(&room.remote).add(member, Instant::now()) && announced {
        announce_join(room, who);
    }
}

pub(crate) fn left_elsewhere(room: &Arc<Room>, client: &str) {
    let gone = lock(&room.remote).remove(client);
    if let Some(member) = gone.filter(|member| member.announced) {
        announce_leave(room, member.who);
    }
}

/// Forgets members of other nodes that were not told of for so long.
pub(crate) fn expire(room: &Arc<Room>, keep: Duration) {
    let gone = lock(&room.remote).expire(Instant::now(), keep);
    for member in gone.into_iter().filter(|member| member.announced) {
        announce_leave(room, member.who);
    }
}

/// What this node tells the others of a room.
pub(crate) fn own(room: &Room) -> Vec<bus::Member> {
    let members = read(&room.members);
    let seen = members.iter().filter_map(|member| {
        let who = Arc::clone(member.who.as_ref()?);
        Some(bus::Member { who, listed: member.presence, announced: member.announced })
    });
    seen.collect()
}

fn announce_join(room: &Arc<Room>, who: Arc<ClientInfo>) {
    announce(room, Change::Join(who));
}

fn announce_leave(room: &Arc<Room>, who: Arc<ClientInfo>) {
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
