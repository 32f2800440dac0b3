//! The order of a durable room, as a value without locks, clocks or sockets: publications that arrive in any
//! order and number come out rising, without gaps, once. Reads no log: it says when that is to be done.

use std::{collections::BTreeMap, sync::Arc};

use super::{deltas::Deltas, ring::Ring};
use crate::entry::Entry;

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
    /// In order, not yet handed out.
    pending: Vec<Entry>,
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
            pending: Vec::new(),
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
            self.pending.push(entry);
        }
    }

    /// A publication from outside, in any order.
    pub(crate) fn accept(&mut self, entry: Entry) -> Accepted {
        if entry.offset == 0 || self.phase == Phase::Unordered {
            self.pending.push(entry);
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
            if entry.offset == self.top + 1 {
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
        self.pending.push(entry);
    }

    fn release(&mut self) {
        while let Some(first) = self.held.first_entry() {
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
        self.last = None;
        self.contradicted = None;
        // Of which stream it was nobody knows; if it is of this one, the log has it.
        self.seen = self.held.last_key_value().map_or(top, |(offset, _)| top.max(*offset));
        self.held.clear();
        self.held_bytes = 0;
        self.begin(epoch, top);
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
        let more = self.pending.split_off(count);
        let entries = std::mem::replace(&mut self.pending, more);
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
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::log::Publication;
    use crate::room::ring::Purse;

    fn entry(offset: u64) -> Entry {
        let data = Bytes::from(offset.to_string());
        Entry::publication("room", Publication { offset, data, ..Publication::default() })
    }

    fn entries(offsets: impl IntoIterator<Item = u64>) -> Vec<Entry> {
        offsets.into_iter().map(entry).collect()
    }

    fn ring() -> Ring {
        Ring::new(1 << 20, Purse::new(usize::MAX))
    }

    fn open(top: u64, max_held: usize) -> Order {
        let mut order = Order::new(ring(), max_held);
        order.open("e".into(), top);
        order
    }

    fn out(order: &mut Order) -> Vec<u64> {
        order.next_batch().map(|b| b.entries.iter().map(|e| e.offset).collect()).unwrap_or_default()
    }

    proptest! {
        #[test]
        fn any_shuffle_with_duplicates_comes_out_once_in_order(
            arrivals in Just((1u64..=40).chain(1..=40).collect::<Vec<_>>()).prop_shuffle(),
            start in 0u64..20,
        ) {
            let mut order = open(start, 1000);
            let mut got = Vec::new();
            for offset in arrivals {
                order.accept(entry(offset));
                got.extend(out(&mut order));
            }
            prop_assert_eq!(got, (start + 1..=40).collect::<Vec<_>>());
            prop_assert!(order.held.is_empty() && order.held_bytes == 0);
        }

        #[test]
        fn what_is_dropped_comes_from_the_log(
            arrivals in Just((1u64..=40).collect::<Vec<_>>()).prop_shuffle(),
            kept in 0usize..40,
            max_held in 1usize..10,
            page_size in 1u64..7,
        ) {
            let mut order = open(0, max_held);
            let mut got = Vec::new();
            for offset in &arrivals[..kept] {
                order.accept(entry(*offset));
                got.extend(out(&mut order));
            }
            loop {
                let from = order.top + 1;
                let page = entries(from..=(from + page_size - 1).min(40));
                let (state, _) = order.absorb("e", from - 1, 40, page);
                got.extend(out(&mut order));
                match state {
                    Absorbed::More => {}
                    state => {
                        prop_assert_eq!(state, Absorbed::Complete);
                        break;
                    }
                }
            }
            prop_assert_eq!(got, (1..=40).collect::<Vec<_>>());
        }
    }

    #[test]
    fn publications_during_opening_are_neither_lost_nor_doubled() {
        let mut order = Order::new(ring(), 10);
        assert!(order.begin_opening());
        for offset in [7, 5, 6] {
            assert!(matches!(order.accept(entry(offset)), Accepted::Held { .. }));
        }
        order.open("e".into(), 5);
        // The 5 is for those who follow no stream.
        assert_eq!(out(&mut order), [5, 6, 7]);
        assert_eq!(order.held_bytes, 0);
    }

    #[test]
    fn nothing_is_held_for_an_opening_that_failed() {
        let mut order = Order::new(ring(), 10);
        assert!(order.begin_opening() && order.begin_opening());
        order.accept(entry(7));
        order.end_opening();
        assert!(order.next_batch().is_none(), "somebody else is at it");
        order.end_opening();
        assert_eq!(out(&mut order), [7]);
        assert_eq!((order.accept(entry(9)), order.held_bytes), (Accepted::Ready, 0));
    }

    #[test]
    fn large_publications_are_handed_out_a_few_at_a_time() {
        let mut order = open(0, 10);
        for offset in 1..=8 {
            let data = Bytes::from(format!("\"{}\"", "x".repeat(50_000)));
            order.accept(Entry::publication("room", Publication { offset, data, ..Publication::default() }));
        }
        let heavy = order.next_batch().unwrap();
        assert_eq!((heavy.entries.len(), heavy.is_heavy), (3, true));
        assert_eq!(out(&mut order), [4, 5, 6]);
        let rest = order.next_batch().unwrap();
        assert_eq!((rest.entries.len(), rest.is_heavy), (2, false));
    }

    #[test]
    fn a_log_without_the_missing_ones_is_behind_lost_or_another() {
        let mut order = open(5, 10);
        order.accept(entry(8));
        assert_eq!(order.absorb("e", 5, 6, entries([6])), (Absorbed::More, 1));
        assert_eq!(order.absorb("e", 6, 6, entries([])), (Absorbed::Behind, 0));
        assert_eq!(order.absorb("e", 6, 8, entries([8])), (Absorbed::Lost, 0));
        assert_eq!(order.absorb("f", 6, 9, entries([])), (Absorbed::Lost, 0));
        order.restart("f".into(), 8);
        assert!(!order.has_gap());
        assert_eq!(order.accept(entry(9)), Accepted::Ready);
    }

    #[test]
    fn what_was_not_seen_as_it_is_now_raises_doubts() {
        let mut order = open(5, 10);
        order.accept(entry(6));
        assert_eq!(order.accept(entry(6)), Accepted::Old);
        assert_eq!(order.accept(entry(5)), Accepted::Doubtful, "nobody knows what it said");
        let other = Publication { offset: 6, data: "\"other\"".into(), ..Publication::default() };
        assert_eq!(order.accept(Entry::publication("room", other)), Accepted::Doubtful);
    }

    #[test]
    fn a_page_that_the_room_has_overtaken_is_not_a_lost_stream() {
        let mut order = open(5, 10);
        order.accept(entry(9));
        // The log is asked for what comes after 5; while it reads a short page, 6 and 7 arrive by themselves.
        order.accept(entry(6));
        order.accept(entry(7));
        assert_eq!(order.absorb("e", 5, 9, entries([6, 7])), (Absorbed::More, 0));
        assert_eq!(order.absorb("e", 7, 9, entries([8, 9])), (Absorbed::Complete, 1));
        assert_eq!(out(&mut order), [6, 7, 8, 9]);
    }

    #[test]
    fn a_full_hold_says_so() {
        let mut order = open(0, 2);
        assert_eq!(order.accept(entry(9)), Accepted::Held { full: false });
        assert_eq!(order.accept(entry(8)), Accepted::Held { full: true });
        assert_eq!(order.accept(entry(7)), Accepted::Held { full: true });
        assert_eq!(order.held.keys().copied().collect::<Vec<_>>(), [7, 8], "the nearest stay");
    }
}
