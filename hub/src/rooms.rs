//! All rooms of this engine by name. A room is kept while it has members or joins under way, and for `room_linger`
//! after, so that a client that reconnects is recovered from memory.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    bus::Message,
    lock::lock,
    log::Publication,
    protocol::event::RoomEvent,
    room::{MemoryBudget, Room, RoomContext, publish},
    stats::count,
};

const SHARDS: usize = 64;

pub(crate) struct Rooms {
    shards: Vec<Mutex<HashMap<Arc<str>, RegisteredRoom>>>,
    hasher: RandomState,
    pub(crate) context: Arc<RoomContext>,
    /// Of the publications that all rooms together keep.
    pub(crate) budget: MemoryBudget,
}

struct RegisteredRoom {
    room: Arc<Room>,
    users: usize,
    empty_since: Option<Instant>,
}

/// Keeps a room alive.
pub(crate) struct RoomRef {
    rooms: Arc<Rooms>,
    pub(crate) room: Arc<Room>,
}

impl Rooms {
    pub(crate) fn new(context: RoomContext) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let budget = MemoryBudget::new(context.config.memory_bytes);
        Rooms { shards, hasher: RandomState::new(), context: Arc::new(context), budget }
    }

    fn shard(&self, name: &str) -> &Mutex<HashMap<Arc<str>, RegisteredRoom>> {
        &self.shards[self.hasher.hash_one(name) as usize % SHARDS]
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Room>> {
        lock(self.shard(name)).get(name).map(|registered| Arc::clone(&registered.room))
    }

    /// Publishes here and on the other nodes: on this topic, or on that of the room.
    pub(crate) fn publish(&self, topic: Option<&str>, name: &str, publication: Publication) {
        count(&self.context.counters.published);
        let room = self.get(name);
        if !self.context.link.is_alone() {
            let own = room.as_ref().and_then(|room| room.topic()).map(|topic| &**topic);
            if let Some(topic) = topic.or(own) {
                let message =
                    || Message::Publication { room: name.to_owned(), publication: publication.clone() };
                self.context.link.publish(topic, message);
            }
        }
        if let Some(room) = room {
            publish::accept(&room, RoomEvent::publication(Arc::clone(&room.name), publication));
        }
    }

    /// Hands a publication of another node to its room, if there is one now.
    pub(crate) fn accept(&self, name: &str, publication: Publication) {
        if let Some(room) = self.get(name) {
            publish::accept(&room, RoomEvent::publication(Arc::clone(&room.name), publication));
        }
    }

    pub(crate) fn enter(self: &Arc<Self>, name: &str) -> RoomRef {
        let mut shard = lock(self.shard(name));
        let registered = if let Some(registered) = shard.get_mut(name) {
            registered
        } else {
            let name: Arc<str> = name.into();
            let room = Arc::new(Room::new(Arc::clone(&name), self.budget.clone(), Arc::clone(&self.context)));
            shard.entry(name).or_insert(RegisteredRoom { room, users: 0, empty_since: None })
        };
        registered.users += 1;
        registered.empty_since = None;
        RoomRef { rooms: Arc::clone(self), room: Arc::clone(&registered.room) }
    }

    fn leave(&self, name: &str) {
        let mut shard = lock(self.shard(name));
        let Some(registered) = shard.get_mut(name) else { return };
        registered.users -= 1;
        if registered.users > 0 {
            return;
        }
        if self.context.config.room_linger == Duration::ZERO {
            shard.remove(name);
        } else {
            registered.empty_since = Some(Instant::now());
        }
    }

    /// Drops rooms that have been empty for long. Over the memory budget drops older publications as well: rooms with
    /// new publications do that themselves, quiet ones only here.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        for shard in &self.shards {
            lock(shard).retain(|_, registered| {
                registered.empty_since.is_none_or(|at| now - at < self.context.config.room_linger)
            });
        }
        if self.budget.is_over() {
            for room in self.all() {
                lock(&room.order).ring.halve();
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Room>> {
        let of = |shard: &Mutex<HashMap<_, RegisteredRoom>>| {
            lock(shard).values().map(|registered| Arc::clone(&registered.room)).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(of).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }
}

impl Deref for RoomRef {
    type Target = Arc<Room>;

    fn deref(&self) -> &Self::Target {
        &self.room
    }
}

impl Drop for RoomRef {
    fn drop(&mut self) {
        self.rooms.leave(&self.room.name);
    }
}
