//! The order of a durable room, as a value without locks, clocks or sockets: publications that arrive in any order, some
//! of them twice, leave by rising offset, without gaps, once. Reads no log: it reports when the log has to be read.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{deltas::Deltas, ring::Ring};
use crate::protocol::event::RoomEvent;

pub(crate) struct Order {
    pub(crate) phase: Phase,
    pub(crate) epoch: String,
    /// The last offset in order.
    pub(crate) top: u64,
    /// The highest offset known to exist.
    pub(crate) seen: u64,
    pub(crate) ring: Ring,
    held: BTreeMap<u64, RoomEvent>,
    held_bytes: usize,
    max_held: usize,
    /// In order, not yet handed out. Bounded: while it is full, durable events are held, or read from the log later, and
    /// ephemeral ones are dropped.
    pending: VecDeque<RoomEvent>,
    pending_bytes: usize,
    /// A fan-out runs; it takes what is added meanwhile as well.
    delivering: bool,
    /// The number of members that take deltas; the last publication is kept for them.
    deltas: usize,
    last: Option<RoomEvent>,
    /// A task reads the log for what is missing.
    pub(crate) filling: bool,
    pub(crate) doubt: Doubt,
    /// Another event came with the offset of this one: the log has to decide.
    pub(crate) contradicted: Option<RoomEvent>,
    /// Grows by one with every loss of the stream.
    pub(crate) generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There was no durable subscriber yet: publications pass in the order in which they come.
    Unordered,
    /// So many subscribers read the top from the log: publications are held.
    Opening(u32),
    Open,
}

/// Whether the log may have another stream by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    None,
    /// A comparison runs, or ran a moment ago.
    Known,
    /// A new reason came up since it began.
    Again,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Seen before.
    Old,
    /// The event known at its offset has other data, or is no longer in memory.
    Doubtful,
    /// There is something to hand out.
    Ready,
    /// Held behind a gap.
    Held { full: bool },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Absorbed {
    /// Nothing is missing any more.
    Complete,
    /// There is more to read.
    More,
    /// The log does not have what is missing yet.
    Behind,
    /// Publications are gone for good, or the log began anew.
    Lost,
}

/// Entries to hand out together, at most [`MAX_BATCH`].
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) events: Vec<RoomEvent>,
    pub(crate) generation: u32,
    /// So large that the sockets should get time to take it before the next batch.
    pub(crate) is_heavy: bool,
    /// `None` if no member takes deltas.
    pub(crate) deltas: Option<Arc<Deltas>>,
}

/// The events that a member wants of a batch are one bit each.
pub(crate) const MAX_BATCH: usize = u64::BITS as usize;
/// Much less than the bound of a queue. One event may be more.
const HEAVY_BYTES: usize = 128 * 1024;
const MAX_HELD_BYTES: usize = 8 * 1024 * 1024;
/// Bounds of what waits for the fan-out: much more than a burst of publications.
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

    /// `true` if the caller has to read the log's position; publications are held meanwhile.
    pub(crate) fn begin_opening(&mut self) -> bool {
        self.phase = match self.phase {
            Phase::Unordered => Phase::Opening(1),
            Phase::Opening(others) => Phase::Opening(others + 1),
            Phase::Open => return false,
        };
        true
    }

    /// A reader of the position is done. After the last one, if none succeeded, publications pass unordered again.
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

    /// The log's position is known: what is held is put in order after it. Members that are here by now are ephemeral,
    /// and get what is held up to there as well.
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
            let event = first.remove();
            self.held_bytes -= event.cost();
            self.push(event);
        }
    }

    fn push(&mut self, event: RoomEvent) {
        self.pending_bytes += event.cost();
        self.pending.push_back(event);
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= MAX_PENDING || self.pending_bytes >= MAX_PENDING_BYTES
    }

    /// Takes a publication, in any order.
    pub(crate) fn accept(&mut self, event: RoomEvent) -> Accepted {
        if event.offset == 0 || self.phase == Phase::Unordered {
            // A drop makes no gap: the room has no stream yet, or the event is not part of it.
            if !self.is_full() {
                self.push(event);
            }
            return Accepted::Ready;
        }
        self.seen = self.seen.max(event.offset);
        if self.phase == Phase::Open {
            if event.offset <= self.top {
                if let Some(known) = self.ring.at(event.offset).cloned() {
                    if known.says_the_same(&event) {
                        return Accepted::Old;
                    }
                    self.contradicted = Some(known);
                }
                return Accepted::Doubtful;
            }
            if event.offset == self.top + 1 && !self.is_full() {
                self.append(event);
                self.release();
                return Accepted::Ready;
            }
        }
        self.hold(event)
    }

    /// Over the bound the highest offsets are dropped: they are read from the log later.
    fn hold(&mut self, event: RoomEvent) -> Accepted {
        self.held_bytes += event.cost();
        if let Some(twin) = self.held.insert(event.offset, event) {
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

    fn append(&mut self, event: RoomEvent) {
        self.top = event.offset;
        self.ring.append(event.clone());
        self.push(event);
    }

    fn release(&mut self) {
        while !self.is_full()
            && let Some(first) = self.held.first_entry()
        {
            if *first.key() > self.top + 1 {
                return;
            }
            let event = first.remove();
            self.held_bytes -= event.cost();
            if event.offset > self.top {
                self.append(event);
            }
        }
    }

    /// An event after `top` is known to exist and has not come.
    pub(crate) fn has_gap(&self) -> bool {
        self.phase == Phase::Open && self.seen > self.top
    }

    /// Takes a page of the log from `after` on; also returns how many events came only from the log. Live publications
    /// may have brought the room further than the page meanwhile.
    pub(crate) fn absorb(
        &mut self,
        epoch: &str,
        after: u64,
        top: u64,
        events: Vec<RoomEvent>,
    ) -> (Absorbed, u64) {
        if epoch != self.epoch {
            return (Absorbed::Lost, 0);
        }
        let before = self.top;
        let mut filled = 0;
        for event in events {
            if event.offset > self.top + 1 {
                return (Absorbed::Lost, filled);
            }
            if self.is_full() {
                // The rest is read again once there is space.
                self.seen = self.seen.max(top);
                return (if self.top > before { Absorbed::More } else { Absorbed::Behind }, filled);
            }
            if event.offset == self.top + 1 {
                filled += u64::from(!self.held.contains_key(&event.offset));
                self.append(event);
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

    /// Forgets events that were announced and are not in the log.
    pub(crate) fn give_up(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
        self.seen = self.top;
    }

    /// Starts over at another position of this stream or of another.
    pub(crate) fn restart(&mut self, epoch: String, top: u64) {
        self.generation += 1;
        self.pending.retain(|event| event.offset == 0);
        self.pending_bytes = self.pending.iter().map(RoomEvent::cost).sum();
        self.last = None;
        self.contradicted = None;
        // Held events may be of either stream; those of the new one are read from its log.
        self.seen = self.held.last_key_value().map_or(top, |(offset, _)| top.max(*offset));
        self.held.clear();
        self.held_bytes = 0;
        self.begin(epoch, top);
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// A caller that gets `true` must hand out until `next_batch` is `None`.
    pub(crate) fn begin_delivery(&mut self) -> bool {
        !self.pending.is_empty() && !std::mem::replace(&mut self.delivering, true)
    }

    pub(crate) fn next_batch(&mut self) -> Option<Batch> {
        if self.pending.is_empty() {
            self.delivering = false;
            return None;
        }
        let mut bytes = 0;
        let lighter = self.pending.iter().take(MAX_BATCH).take_while(|event| {
            let room_for_more = bytes < HEAVY_BYTES;
            bytes += event.bytes();
            room_for_more
        });
        let count = lighter.count();
        let events: Vec<RoomEvent> = self.pending.drain(..count).collect();
        self.pending_bytes -= events.iter().map(RoomEvent::cost).sum::<usize>();
        // There is space now for what was held.
        if self.phase == Phase::Open {
            self.release();
        }
        let deltas = (self.deltas > 0).then(|| Arc::new(Deltas::new(&mut self.last, &events)));
        Some(Batch { events, generation: self.generation, is_heavy: bytes >= HEAVY_BYTES, deltas })
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
