//! The order of a durable room, as a value without locks, clocks or sockets: publications that arrive in any
//! order and number come out rising, without gaps, once. Reads no log: it says when that is to be done.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{deltas::Deltas, ring::Ring};
use crate::protocol::entry::Entry;

pub(crate) struct Order {
    pub(crate) phase: Phase,
    pub(crate) epoch: String,
    /// The last offset that was put in order.
    pub(crate) top: u64,
    /// The highest offset ever heard of.
    pub(crate) seen: u64,
    pub(crate) ring: Ring,
    held: BTreeMap<u64, Entry>,
    held_bytes: usize,
    max_held: usize,
    /// In order, not yet handed out. Bounded: what comes while it is full is held, or read from the log when its turn
    /// comes; an ephemeral one is let go.
    pending: VecDeque<Entry>,
    pending_bytes: usize,
    /// Somebody hands out; he will see what is added meanwhile.
    delivering: bool,
    /// Members that take deltas; the last publication is kept for them.
    deltas: usize,
    last: Option<Entry>,
    /// Somebody reads the log for what is missing.
    pub(crate) filling: bool,
    pub(crate) doubt: Doubt,
    /// Something else came at its offset: whether the log has it is the question.
    pub(crate) contradicted: Option<Entry>,
    /// Grows whenever the stream was lost.
    pub(crate) generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No durable subscriber ever: publications pass as they come.
    Unordered,
    /// The top is being read, by so many: publications are held.
    Opening(u32),
    Open,
}

/// Whether this is still the stream that the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    None,
    /// It is being looked at, or was a moment ago.
    Known,
    /// There was a reason more since.
    Again,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Seen before.
    Old,
    /// What was seen in its place says something else, or is not known any more.
    Doubtful,
    /// There is something to hand out.
    Ready,
    /// Held behind a gap.
    Held { full: bool },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Absorbed {
    /// All that was known to be missing is there.
    Complete,
    /// There is more to read.
    More,
    /// The log itself does not have it yet.
    Behind,
    /// Publications are gone for good, or the log began anew.
    Lost,
}

/// Entries to hand out together, at most [`MAX_BATCH`].
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Entry>,
    pub(crate) generation: u32,
    /// There is so much in it that its receivers' sockets should have time before the next one.
    pub(crate) is_heavy: bool,
    /// If somebody wants them.
    pub(crate) deltas: Option<Arc<Deltas>>,
}

/// What a receiver wants of a batch is a bit set.
pub(crate) const MAX_BATCH: usize = u64::BITS as usize;
/// Far less than the queue of any receiver may hold. One entry may be more.
const HEAVY_BYTES: usize = 128 * 1024;
const MAX_HELD_BYTES: usize = 8 * 1024 * 1024;
/// What whoever hands out may be behind by. Far more than a burst, far less than a memory.
const MAX_PENDING: usize = 4_096;
const MAX_PENDING_BYTES: usize = 8 * 1024 * 1024;

impl Order {
    pub(crate) fn new(ring: Ring, max_held: usize) -> Self {
        Order {
            phase: Phase::Unordered,
            epoch: String::new(),
            top: 0,
            seen: 0,
            ring,
            held: BTreeMap::new(),
            held_bytes: 0,
            max_held,
            pending: VecDeque::new(),
            pending_bytes: 0,
            delivering: false,
            deltas: 0,
            last: None,
            filling: false,
            doubt: Doubt::None,
            contradicted: None,
            generation: 0,
        }
    }

    /// Whether the log's position has to be read; publications are held meanwhile.
    pub(crate) fn begin_opening(&mut self) -> bool {
        self.phase = match self.phase {
            Phase::Unordered => Phase::Opening(1),
            Phase::Opening(others) => Phase::Opening(others + 1),
            Phase::Open => return false,
        };
        true
    }

    /// Whoever read it is at an end with that. If nobody succeeded, publications pass again as they come.
    pub(crate) fn end_opening(&mut self) {
        match self.phase {
            Phase::Opening(1) => {
                self.phase = Phase::Unordered;
                self.pass_held(u64::MAX);
            }
            Phase::Opening(all) => self.phase = Phase::Opening(all - 1),
            Phase::Unordered | Phase::Open => {}
        }
    }

    /// The log's position is known: what was held is put in order after it. Who is here by now follows no stream and
    /// gets what came up to there all the same.
    pub(crate) fn open(&mut self, epoch: String, top: u64) {
        self.pass_held(top);
        self.begin(epoch, top);
    }

    fn begin(&mut self, epoch: String, top: u64) {
        self.phase = Phase::Open;
        self.epoch = epoch;
        self.top = top;
        self.seen = self.seen.max(top);
        self.ring.restart(top);
        self.release();
    }

    fn pass_held(&mut self, up_to: u64) {
        while let Some(first) = self.held.first_entry()
            && *first.key() <= up_to
        {
            let entry = first.remove();
            self.held_bytes -= entry.cost();
            self.push(entry);
        }
    }

    fn push(&mut self, entry: Entry) {
        self.pending_bytes += entry.cost();
        self.pending.push_back(entry);
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= MAX_PENDING || self.pending_bytes >= MAX_PENDING_BYTES
    }

    /// A publication from outside, in any order.
    pub(crate) fn accept(&mut self, entry: Entry) -> Accepted {
        if entry.offset == 0 || self.phase == Phase::Unordered {
            // Nobody who follows a stream loses by it: there is none, or this is not of it.
            if !self.is_full() {
                self.push(entry);
            }
            return Accepted::Ready;
        }
        self.seen = self.seen.max(entry.offset);
        if self.phase == Phase::Open {
            if entry.offset <= self.top {
                if let Some(known) = self.ring.at(entry.offset).cloned() {
                    if known.says_the_same(&entry) {
                        return Accepted::Old;
                    }
                    self.contradicted = Some(known);
                }
                return Accepted::Doubtful;
            }
            if entry.offset == self.top + 1 && !self.is_full() {
                self.append(entry);
                self.release();
                return Accepted::Ready;
            }
        }
        self.hold(entry)
    }

    /// Over the bound the furthest ones go: they are read from the log when their turn comes.
    fn hold(&mut self, entry: Entry) -> Accepted {
        self.held_bytes += entry.cost();
        if let Some(twin) = self.held.insert(entry.offset, entry) {
            self.held_bytes -= twin.cost();
        }
        let mut full = false;
        while self.held.len() > self.max_held || self.held_bytes > MAX_HELD_BYTES {
            full = true;
            let Some((_, furthest)) = self.held.pop_last() else { break };
            self.held_bytes -= furthest.cost();
        }
        Accepted::Held { full: full || self.held.len() == self.max_held }
    }

    fn append(&mut self, entry: Entry) {
        self.top = entry.offset;
        self.ring.append(entry.clone());
        self.push(entry);
    }

    fn release(&mut self) {
        while !self.is_full()
            && let Some(first) = self.held.first_entry()
        {
            if *first.key() > self.top + 1 {
                return;
            }
            let entry = first.remove();
            self.held_bytes -= entry.cost();
            if entry.offset > self.top {
                self.append(entry);
            }
        }
    }

    /// Something after `top` is known to exist and has not come.
    pub(crate) fn has_gap(&self) -> bool {
        self.phase == Phase::Open && self.seen > self.top
    }

    /// What the log said about the time since `after`, and how many only it had. While it was read, live
    /// publications may have brought the room further than the page goes.
    pub(crate) fn absorb(
        &mut self,
        epoch: &str,
        after: u64,
        top: u64,
        entries: Vec<Entry>,
    ) -> (Absorbed, u64) {
        if epoch != self.epoch {
            return (Absorbed::Lost, 0);
        }
        let before = self.top;
        let mut filled = 0;
        for entry in entries {
            if entry.offset > self.top + 1 {
                return (Absorbed::Lost, filled);
            }
            if self.is_full() {
                // The rest is read again when there is room.
                self.seen = self.seen.max(top);
                return (if self.top > before { Absorbed::More } else { Absorbed::Behind }, filled);
            }
            if entry.offset == self.top + 1 {
                filled += u64::from(!self.held.contains_key(&entry.offset));
                self.append(entry);
            }
        }
        self.release();
        self.seen = self.seen.max(top);
        let state = if self.top >= self.seen {
            Absorbed::Complete
        } else if self.top > before || self.top > after {
            Absorbed::More
        } else if top > self.top {
            Absorbed::Lost
        } else {
            Absorbed::Behind
        };
        (state, filled)
    }

    /// What was heard of never came to be: forget it.
    pub(crate) fn give_up(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
        self.seen = self.top;
    }

    /// Begins anew at another place of another or the same stream.
    pub(crate) fn restart(&mut self, epoch: String, top: u64) {
        self.generation += 1;
        self.pending.retain(|entry| entry.offset == 0);
        self.pending_bytes = self.pending.iter().map(Entry::cost).sum();
        self.last = None;
        self.contradicted = None;
        // Of which stream it was nobody knows; if it is of this one, the log has it.
        self.seen = self.held.last_key_value().map_or(top, |(offset, _)| top.max(*offset));
        self.held.clear();
        self.held_bytes = 0;
        self.begin(epoch, top);
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whoever gets `true` must hand out until `next_batch` is `None`.
    pub(crate) fn begin_delivery(&mut self) -> bool {
        !self.pending.is_empty() && !std::mem::replace(&mut self.delivering, true)
    }

    pub(crate) fn next_batch(&mut self) -> Option<Batch> {
        if self.pending.is_empty() {
            self.delivering = false;
            return None;
        }
        let mut bytes = 0;
        let lighter = self.pending.iter().take(MAX_BATCH).take_while(|entry| {
            let room_for_more = bytes < HEAVY_BYTES;
            bytes += entry.bytes();
            room_for_more
        });
        let count = lighter.count();
        let entries: Vec<Entry> = self.pending.drain(..count).collect();
        self.pending_bytes -= entries.iter().map(Entry::cost).sum::<usize>();
        // What was held because there was no room goes on.
        if self.phase == Phase::Open {
            self.release();
        }
        let deltas = (self.deltas > 0).then(|| Arc::new(Deltas::new(&mut self.last, &entries)));
        Some(Batch { entries, generation: self.generation, is_heavy: bytes >= HEAVY_BYTES, deltas })
    }

    pub(crate) fn add_delta_member(&mut self) {
        self.deltas += 1;
    }

    pub(crate) fn remove_delta_member(&mut self) {
        self.deltas -= 1;
        if self.deltas == 0 {
            self.last = None;
        }
    }
}

#[cfg(test)]
mod tests;
