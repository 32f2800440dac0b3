//! Who is in a room, from the room's own list of members: nothing is kept twice, so nothing is left behind.

use std::{collections::HashSet, sync::Arc};

use crate::{
    entry::Entry,
    hub::Inner,
    lock::lock,
    log::ClientInfo,
    room::{Room, members::Member},
};

pub(crate) fn list(room: &Room) -> Vec<ClientInfo> {
    let members = lock(&room.members);
    members.iter().filter_map(visible).cloned().collect()
}

/// Clients and different users.
pub(crate) fn count(room: &Room) -> (usize, usize) {
    let members = lock(&room.members);
    let clients = members.iter().filter_map(visible).count();
    let users: HashSet<_> = members.iter().filter_map(visible).map(|who| who.user.as_str()).collect();
    (clients, users.len())
}

fn visible(member: &Member) -> Option<&ClientInfo> {
    member.who.as_deref().filter(|_| member.presence)
}

pub(crate) fn announce_join(inner: &Arc<Inner>, room: &Arc<Room>, who: Arc<ClientInfo>) {
    room.accept(inner, Entry::join(&room.name, who));
}

pub(crate) fn announce_leave(inner: &Arc<Inner>, room: &Arc<Room>, who: Arc<ClientInfo>) {
    room.accept(inner, Entry::leave(&room.name, who));
}
