//! A log in memory: for tests, the open example, and whoever needs no durability. Bounded per room by count and
//! age; a room that was forgotten begins a new stream under a new epoch.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{
    config::Ids,
    lock::lock,
    log::{Log, LogError, LogPage, Publication},
};

/// Publications kept of a room of this name.
type Size = Box<dyn Fn(&str) -> usize + Send + Sync>;

pub struct MemoryLog {
    rooms: Mutex<HashMap<String, Stream>>,
    size: Size,
    keep: Duration,
    ids: Ids,
}

struct Stream {
    epoch: String,
    top: u64,
    kept: VecDeque<(Instant, Publication)>,
}

impl MemoryLog {
    /// Keeps so many publications of each room, each for so long. Epochs are made of `ids`.
    pub fn new(size: impl Fn(&str) -> usize + Send + Sync + 'static, keep: Duration, ids: Ids) -> Self {
        MemoryLog { rooms: Mutex::default(), size: Box::new(size), keep, ids }
    }

    /// Stores a publication and gives it the next offset.
    pub fn store(&self, room: &str, mut publication: Publication) -> Publication {
        self.with(room, |stream| {
            stream.top += 1;
            publication.offset = stream.top;
            stream.kept.push_back((Instant::now(), publication.clone()));
            publication
        })
    }

    /// Loses a room: the next look begins a new stream.
    pub fn forget(&self, room: &str) {
        lock(&self.rooms).remove(room);
    }

    fn with<T>(&self, room: &str, act: impl FnOnce(&mut Stream) -> T) -> T {
        let mut rooms = lock(&self.rooms);
        let stream = rooms.entry(room.to_owned()).or_insert_with(|| Stream {
            epoch: (self.ids)().simple().to_string(),
            top: 0,
            kept: VecDeque::new(),
        });
        let result = act(stream);
        let size = (self.size)(room);
        while stream.kept.len() > size || stream.kept.front().is_some_and(|(at, _)| at.elapsed() > self.keep)
        {
            stream.kept.pop_front();
        }
        result
    }

    fn page(
        &self,
        room: &str,
        pick: impl FnOnce(&VecDeque<(Instant, Publication)>) -> Vec<Publication>,
    ) -> LogPage {
        self.with(room, |_| ());
        self.with(room, |stream| LogPage {
            epoch: stream.epoch.clone(),
            top: stream.top,
            oldest: stream.kept.front().map_or(stream.top + 1, |(_, p)| p.offset),
            publications: pick(&stream.kept),
        })
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn since(&self, room: &str, after: u64, limit: usize) -> Result<LogPage, LogError> {
        Ok(self.page(room, |kept| {
            let newer = kept.iter().map(|(_, p)| p).filter(|p| p.offset > after);
            newer.take(limit).cloned().collect()
        }))
    }

    async fn before(&self, room: &str, before: Option<u64>, limit: usize) -> Result<LogPage, LogError> {
        Ok(self.page(room, |kept| {
            let older = kept.iter().rev().map(|(_, p)| p).filter(|p| before.is_none_or(|b| p.offset < b));
            older.take(limit).cloned().collect()
        }))
    }

    async fn append(&self, room: &str, publication: Publication) -> Result<Publication, LogError> {
        Ok(self.store(room, publication))
    }
}
