//! Telling other nodes who is in the rooms of this one, again and again: a node that missed a join learns of it, and one
//! that hears nothing any more forgets. Ends with the rooms.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    bus::{self, EVERY_NODE, Message},
    room::{Room, presence},
    rooms::Rooms,
};

/// Members in one message.
const MAX_MEMBERS: usize = 200;
/// Messages that are published without a pause, and the pause: 100,000 topics take four seconds of the ten.
const PORTION: usize = 256;
const PAUSE: Duration = Duration::from_millis(10);

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
        // At once they would take the place of everything else that waits for the bus.
        let mut told = 0;
        for (topic, members) in by_topic(all) {
            told += publish(&rooms, &topic, &members);
            if told >= PORTION {
                told = 0;
                sleep(PAUSE).await;
            }
        }
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
    for (topic, members) in by_topic(which) {
        publish(rooms, &topic, &members);
    }
}

/// Returns the number of messages.
fn publish(rooms: &Rooms, topic: &Arc<str>, members: &[(String, bus::Member)]) -> usize {
    let parts = members.chunks(MAX_MEMBERS);
    let count = parts.len();
    for part in parts {
        rooms.context.link.publish(topic, || Message::Present { members: part.to_vec() });
    }
    count
}

fn by_topic(which: impl IntoIterator<Item = Arc<Room>>) -> HashMap<Arc<str>, Vec<(String, bus::Member)>> {
    let mut by_topic: HashMap<Arc<str>, Vec<(String, bus::Member)>> = HashMap::new();
    for room in which {
        let Some(topic) = room.topic() else { continue };
        let own = presence::own(&room);
        if !own.is_empty() {
            let members = own.into_iter().map(|member| (room.name.to_string(), member));
            by_topic.entry(Arc::clone(topic)).or_default().extend(members);
        }
    }
    by_topic
}
