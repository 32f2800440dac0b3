//! All rooms of this engine by name. A room lives while somebody is in it or on his way in,
//! and a little longer, so that whoever comes right back finds it as it was.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    HubConfig,
    lock::lock,
    room::{Room, ring::Purse},
};

const SHARDS: usize = 64;

pub(crate) struct Rooms {
    shards: Vec<Mutex<HashMap<Arc<str>, Place>>>,
    hasher: RandomState,
    config: HubConfig,
    /// What the rooms remember.
    pub(crate) purse: Purse,
}

struct Place {
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
    pub(crate) fn new(config: HubConfig) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let purse = Purse::new(config.memory_bytes);
        Rooms { shards, hasher: RandomState::new(), config, purse }
    }

    fn shard(&self, name: &str) -> &Mutex<HashMap<Arc<str>, Place>> {
        &self.shards[self.hasher.hash_one(name) as usize % SHARDS]
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Room>> {
        lock(self.shard(name)).get(name).map(|place| Arc::clone(&place.room))
    }

    pub(crate) fn enter(self: &Arc<Self>, name: &str) -> RoomRef {
        let mut shard = lock(self.shard(name));
        let place = if let Some(place) = shard.get_mut(name) {
            place
        } else {
            let name: Arc<str> = name.into();
            let room = Arc::new(Room::new(Arc::clone(&name), &self.config, self.purse.clone()));
            shard.entry(name).or_insert(Place { room, users: 0, empty_since: None })
        };
        place.users += 1;
        place.empty_since = None;
        RoomRef { rooms: Arc::clone(self), room: Arc::clone(&place.room) }
    }

    fn leave(&self, name: &str) {
        let mut shard = lock(self.shard(name));
        let Some(place) = shard.get_mut(name) else { return };
        place.users -= 1;
        if place.users > 0 {
            return;
        }
        if self.config.room_linger == Duration::ZERO {
            shard.remove(name);
        } else {
            place.empty_since = Some(Instant::now());
        }
    }

    /// Forgets rooms that have been empty for long, and older publications if all rooms together remember too much:
    /// those that are published into give way by themselves, this is for the quiet ones.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        for shard in &self.shards {
            lock(shard)
                .retain(|_, place| place.empty_since.is_none_or(|at| now - at < self.config.room_linger));
        }
        if self.purse.is_over() {
            for room in self.all() {
                lock(&room.order).ring.halve();
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Room>> {
        let of = |shard: &Mutex<HashMap<_, Place>>| {
            lock(shard).values().map(|place| Arc::clone(&place.room)).collect::<Vec<_>>()
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
