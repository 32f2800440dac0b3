//! Telling other nodes who is in the rooms of this one, again and again: a node that missed a join learns of it, and one
//! that hears nothing any more forgets. Ends with the rooms.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
};

use tokio::time::sleep;

use crate::{
    bus::{self, EVERY_NODE, Message},
    room::{Room, presence},
    rooms::Rooms,
};

/// Members in one message.
const MAX_MEMBERS: usize = 200;

pub(super) async fn run(rooms: Weak<Rooms>) {
    loop {
        let Some(keep) = rooms.upgrade().map(|rooms| rooms.context.config.presence_keep) else { return };
        sleep(keep / 3).await;
        let Some(rooms) = rooms.upgrade() else { return };
        if rooms.context.link.is_alone() {
            continue;
        }
        rooms.context.link.publish(EVERY_NODE, || Message::WhoIsThere);
        let all = rooms.all();
        for room in &all {
            presence::expire(room, keep);
        }
        tell(&rooms, all);
    }
}

/// Tells who is in the rooms of these topics.
pub(super) fn topics(rooms: &Rooms, topics: &[Arc<str>]) {
    if !rooms.context.link.is_alone() {
        let topics: HashSet<&Arc<str>> = topics.iter().collect();
        let is_of = |room: &Arc<Room>| room.topic().is_some_and(|topic| topics.contains(topic));
        tell(rooms, rooms.all().into_iter().filter(is_of));
    }
}

/// Tells a node who is in this room.
pub(super) fn room(rooms: &Rooms, name: &str, node: &str) {
    let Some(room) = rooms.get(name) else { return };
    let own = presence::own(&room);
    for part in own.chunks(MAX_MEMBERS) {
        let members = || part.iter().map(|member| (name.to_owned(), member.clone())).collect();
        rooms.context.link.publish(&bus::topic_of_node(node), || Message::Present { members: members() });
    }
}

fn tell(rooms: &Rooms, which: impl IntoIterator<Item = Arc<Room>>) {
    let mut by_topic: HashMap<Arc<str>, Vec<(String, bus::Member)>> = HashMap::new();
    for room in which {
        let Some(topic) = room.topic() else { continue };
        let own = presence::own(&room);
        if !own.is_empty() {
            let members = own.into_iter().map(|member| (room.name.to_string(), member));
            by_topic.entry(Arc::clone(topic)).or_default().extend(members);
        }
    }
    for (topic, members) in by_topic {
        for part in members.chunks(MAX_MEMBERS) {
            rooms.context.link.publish(&topic, || Message::Present { members: part.to_vec() });
        }
    }
}
