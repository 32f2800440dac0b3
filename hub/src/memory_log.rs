//! A log in memory, for tests, the `open` example, and applications that need no durability. Bounded per room by count
//! and age. A room that is not read for as long as publications are kept is dropped, and begins a new stream with a new
//! epoch; the engine reads rooms with subscribers regularly (`HubConfig::position_check`).

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

/// Sweeps in the time for which publications are kept.
const SWEEPS: u32 = 4;

/// Publications kept of a room of this name.
type Size = Box<dyn Fn(&str) -> usize + Send + Sync>;

pub struct MemoryLog {
    rooms: Mutex<Streams>,
    size: Size,
    keep: Duration,
    ids: Ids,
}

struct Streams {
    streams: HashMap<String, Stream>,
    swept: Instant,
}

struct Stream {
    asked: Instant,
    epoch: String,
    top: u64,
    kept: VecDeque<(Instant, Publication)>,
}

impl MemoryLog {
    /// Keeps `size` publications of each room, each for `keep`. Epochs are made of `ids`.
    pub fn new(size: impl Fn(&str) -> usize + Send + Sync + 'static, keep: Duration, ids: Ids) -> Self {
        let rooms = Mutex::new(Streams { streams: HashMap::new(), swept: Instant::now() });
        MemoryLog { rooms, size: Box::new(size), keep, ids }
    }

    /// Stores a publication and gives it the next offset.
    pub fn store(&self, room: &str, mut publication: Publication) -> Publication {
        self.with(room, |stream, now| {
            stream.top += 1;
            publication.offset = stream.top;
            stream.kept.push_back((now, publication.clone()));
            publication
        })
    }

    /// Drops a room: the next read begins a new stream.
    pub fn forget(&self, room: &str) {
        lock(&self.rooms).streams.remove(room);
    }

    fn with<T>(&self, room: &str, act: impl FnOnce(&mut Stream, Instant) -> T) -> T {
        let (mut rooms, now) = (lock(&self.rooms), Instant::now());
        rooms.sweep(now, self.keep);
        let stream = if let Some(stream) = rooms.streams.get_mut(room) {
            stream
        } else {
            let epoch = (self.ids)().simple().to_string();
            let stream = Stream { asked: now, epoch, top: 0, kept: VecDeque::new() };
            rooms.streams.entry(room.to_owned()).or_insert(stream)
        };
        stream.asked = now;
        let result = act(stream, now);
        let size = (self.size)(room);
        while stream.kept.len() > size || stream.kept.front().is_some_and(|(at, _)| now - *at > self.keep) {
            stream.kept.pop_front();
        }
        result
    }

    fn page(
        &self,
        room: &str,
        pick: impl FnOnce(&VecDeque<(Instant, Publication)>) -> Vec<Publication>,
    ) -> LogPage {
        // Twice, so that publications over the bounds are dropped before the page is read.
        self.with(room, |_, _| ());
        self.with(room, |stream, _| LogPage {
            epoch: stream.epoch.clone(),
            top: stream.top,
            oldest: stream.kept.front().map_or(stream.top + 1, |(_, p)| p.offset),
            publications: pick(&stream.kept),
        })
    }
}

impl Streams {
    fn sweep(&mut self, now: Instant, keep: Duration) {
        if now - self.swept >= keep / SWEEPS {
            self.swept = now;
            self.streams.retain(|_, stream| now - stream.asked < keep);
        }
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    };

    use uuid::Uuid;

    use super::*;

    fn log() -> MemoryLog {
        let next = AtomicU64::new(1);
        let ids = Arc::new(move || Uuid::from_u64_pair(0, next.fetch_add(1, Relaxed)));
        MemoryLog::new(|_| 3, Duration::from_mins(1), ids)
    }

    fn offsets(page: &LogPage) -> Vec<u64> {
        page.publications.iter().map(|p| p.offset).collect()
    }

    #[tokio::test]
    async fn keeps_the_newest_and_reports_the_oldest() {
        let log = log();
        let empty = log.since("room", 0, 10).await.unwrap();
        assert_eq!((empty.top, empty.oldest), (0, 1));
        for _ in 0..5 {
            log.store("room", Publication::default());
        }
        let page = log.since("room", 1, 2).await.unwrap();
        assert_eq!((page.top, page.oldest, offsets(&page)), (5, 3, vec![3, 4]));
        assert_eq!(page.epoch, empty.epoch);
        assert_eq!(offsets(&log.before("room", None, 2).await.unwrap()), [5, 4]);
        assert_eq!(offsets(&log.before("room", Some(4), 2).await.unwrap()), [3]);
    }

    #[tokio::test]
    async fn a_dropped_room_has_another_epoch() {
        let log = log();
        let first = log.append("room", Publication::default()).await.unwrap();
        let epoch = log.since("room", 0, 0).await.unwrap().epoch;
        log.forget("room");
        let page = log.since("room", 0, 1).await.unwrap();
        assert_eq!((first.offset, page.top), (1, 0));
        assert_ne!(page.epoch, epoch);
    }

    #[tokio::test]
    async fn rooms_that_are_not_read_are_dropped() {
        let (log, minute) = (log(), Duration::from_mins(1));
        log.store("gone", Publication::default());
        let later = Instant::now() + minute;
        log.store("asked", Publication::default());
        lock(&log.rooms).streams.get_mut("asked").unwrap().asked = later;
        let names = || lock(&log.rooms).streams.keys().cloned().collect::<Vec<_>>();
        lock(&log.rooms).sweep(Instant::now(), minute);
        assert_eq!(names().len(), 2);
        lock(&log.rooms).sweep(later, minute);
        assert_eq!(names(), ["asked"]);
        assert_eq!(log.since("asked", 0, 1).await.unwrap().top, 1);
        assert_eq!(log.since("gone", 0, 1).await.unwrap().top, 0);
    }
}
