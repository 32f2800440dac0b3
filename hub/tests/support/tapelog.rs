//! A log that a test controls: what it holds, what it dropped, whether it answers.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use hub::{Data, Log, LogError, LogPage, Publication, Tags};
use tokio::sync::Semaphore;

pub(crate) struct TapeLog {
    rooms: Mutex<HashMap<String, Tape>>,
    /// Reads of the room "stalled" wait here.
    pub(crate) stall: Semaphore,
    /// How many waited there so far.
    pub(crate) waiting: AtomicUsize,
    pub(crate) broken: AtomicBool,
    pub(crate) reads: AtomicUsize,
}

impl Default for TapeLog {
    fn default() -> Self {
        TapeLog {
            rooms: Mutex::default(),
            stall: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
        }
    }
}

struct Tape {
    epoch: String,
    trimmed: u64,
    all: Vec<Publication>,
}

impl TapeLog {
    fn with<T>(&self, room: &str, act: impl FnOnce(&mut Tape) -> T) -> T {
        let mut rooms = self.rooms.lock().unwrap();
        let new = || Tape { epoch: "first".to_owned(), trimmed: 0, all: Vec::new() };
        act(rooms.entry(room.to_owned()).or_insert_with(new))
    }

    pub(crate) fn append(&self, room: &str, data: &str, tags: Tags) -> Publication {
        self.keep(room, data.to_owned().into(), tags)
    }

    fn keep(&self, room: &str, data: Data, tags: Tags) -> Publication {
        self.with(room, |tape| {
            let offset = tape.all.len() as u64 + 1;
            let publication = Publication { offset, data, tags, ..Publication::default() };
            tape.all.push(publication.clone());
            publication
        })
    }

    /// Drops everything up to this offset.
    pub(crate) fn trim(&self, room: &str, up_to: u64) {
        self.with(room, |tape| tape.trimmed = up_to);
    }

    /// Loses everything over this offset without a new epoch, as a database restored from a backup does.
    pub(crate) fn fall_back(&self, room: &str, to: u64) {
        self.with(room, |tape| tape.all.truncate(to as usize));
    }

    /// Begins anew.
    pub(crate) fn lose(&self, room: &str, epoch: &str) {
        self.with(room, |tape| *tape = Tape { epoch: epoch.to_owned(), trimmed: 0, all: Vec::new() });
    }

    fn page(
        &self,
        room: &str,
        pick: impl FnOnce(&[Publication]) -> Vec<Publication>,
    ) -> Result<LogPage, LogError> {
        self.reads.fetch_add(1, SeqCst);
        if self.broken.load(SeqCst) {
            return Err(LogError("broken by the test".to_owned()));
        }
        Ok(self.with(room, |tape| LogPage {
            epoch: tape.epoch.clone(),
            top: tape.all.len() as u64,
            oldest: tape.trimmed + 1,
            publications: pick(&tape.all[tape.trimmed as usize..]),
        }))
    }
}

#[async_trait]
impl Log for TapeLog {
    async fn since(&self, room: &str, after: u64, limit: usize) -> Result<LogPage, LogError> {
        // A read takes a moment, in which other tasks run.
        tokio::task::yield_now().await;
        if room == "stalled" {
            self.waiting.fetch_add(1, SeqCst);
            self.stall.acquire().await.unwrap().forget();
        }
        self.page(room, |kept| kept.iter().filter(|p| p.offset > after).take(limit).cloned().collect())
    }

    async fn before(&self, room: &str, before: Option<u64>, limit: usize) -> Result<LogPage, LogError> {
        let before = before.unwrap_or(u64::MAX);
        self.page(room, |kept| kept.iter().rev().filter(|p| p.offset < before).take(limit).cloned().collect())
    }

    async fn append(&self, room: &str, publication: Publication) -> Result<Publication, LogError> {
        let offset = self.keep(room, publication.data.clone(), publication.tags.clone()).offset;
        Ok(Publication { offset, ..publication })
    }
}
