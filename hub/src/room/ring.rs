//! The recent publications of a room, without gaps, so that a client that comes back is mostly served without
//! reading the log. Each room has a bound in bytes, and all rooms together have one.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::protocol::entry::Entry;

/// The bytes that all rooms together keep.
#[derive(Clone)]
pub(crate) struct MemoryBudget {
    used: Arc<AtomicUsize>,
    max: usize,
}

impl MemoryBudget {
    pub(crate) fn new(max: usize) -> Self {
        MemoryBudget { used: Arc::default(), max }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.used() > self.max
    }
}

pub(crate) struct Ring {
    entries: VecDeque<Entry>,
    /// The offset before the oldest entry.
    before: u64,
    bytes: usize,
    max_bytes: usize,
    budget: MemoryBudget,
}

impl Ring {
    pub(crate) fn new(max_bytes: usize, budget: MemoryBudget) -> Self {
        Ring { entries: VecDeque::new(), before: 0, bytes: 0, max_bytes, budget }
    }

    /// Empty, and the next entry will be the one after `top`.
    pub(crate) fn restart(&mut self, top: u64) {
        self.forget(self.entries.len());
        self.before = top;
    }

    /// The newest stays, whatever the other rooms keep.
    pub(crate) fn append(&mut self, entry: Entry) {
        self.take_in(entry.cost());
        self.entries.push_back(entry);
        while self.bytes > self.max_bytes || (self.budget.is_over() && self.entries.len() > 1) {
            self.forget(1);
        }
    }

    /// Older entries, read from the log: as many as join on and fit, the newest first.
    pub(crate) fn extend_back(&mut self, entries: &[Entry]) {
        for entry in entries.iter().rev() {
            if entry.offset > self.before {
                continue;
            }
            let full = self.bytes + entry.cost() > self.max_bytes || self.budget.is_over();
            if entry.offset < self.before || full {
                return;
            }
            self.take_in(entry.cost());
            self.before = entry.offset - 1;
            self.entries.push_front(entry.clone());
        }
    }

    /// Gives up the older half.
    pub(crate) fn halve(&mut self) {
        self.forget(self.entries.len().div_ceil(2));
    }

    fn take_in(&mut self, cost: usize) {
        self.bytes += cost;
        self.budget.used.fetch_add(cost, Relaxed);
    }

    /// Forgets so many of the oldest.
    fn forget(&mut self, count: usize) {
        for oldest in self.entries.drain(..count) {
            self.before = oldest.offset;
            self.bytes -= oldest.cost();
            self.budget.used.fetch_sub(oldest.cost(), Relaxed);
        }
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    /// The entries over `after` up to `last`, if all of them are here.
    pub(crate) fn range(&self, after: u64, last: u64) -> Option<impl Iterator<Item = &Entry>> {
        let skip = after.checked_sub(self.before)?;
        let take = last.saturating_sub(after);
        (skip + take <= self.entries.len() as u64)
            .then(|| self.entries.iter().skip(skip as usize).take(take as usize))
    }

    pub(crate) fn at(&self, offset: u64) -> Option<&Entry> {
        self.range(offset.checked_sub(1)?, offset)?.next()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::log::Publication;

    fn entry(offset: u64) -> Entry {
        let data = Bytes::from_static(b"12345");
        Entry::publication("r", Publication { offset, data, ..Publication::default() })
    }

    fn ring(entries: usize, budget: &MemoryBudget) -> Ring {
        Ring::new(entry(11).cost() * entries, budget.clone())
    }

    fn offsets(ring: &Ring, after: u64, last: u64) -> Option<Vec<u64>> {
        ring.range(after, last).map(|range| range.map(|e| e.offset).collect())
    }

    #[test]
    fn forgets_the_oldest_and_says_what_it_has() {
        let mut ring = ring(3, &MemoryBudget::new(usize::MAX));
        ring.restart(10);
        assert_eq!(offsets(&ring, 10, 10), Some(vec![]));
        assert_eq!(offsets(&ring, 9, 10), None);
        for offset in 11..=15 {
            ring.append(entry(offset));
        }
        assert_eq!(offsets(&ring, 12, 15), Some(vec![13, 14, 15]));
        assert_eq!(offsets(&ring, 13, 14), Some(vec![14]));
        assert_eq!(offsets(&ring, 11, 15), None);
        assert_eq!(offsets(&ring, 12, 16), None);
    }

    #[test]
    fn grows_backwards_only_where_it_joins_on() {
        let mut ring = ring(3, &MemoryBudget::new(usize::MAX));
        ring.restart(10);
        ring.extend_back(&[entry(7), entry(8)]);
        assert_eq!(offsets(&ring, 8, 10), None);
        ring.extend_back(&[entry(7), entry(8), entry(9), entry(10), entry(11)]);
        assert_eq!(offsets(&ring, 7, 10), Some(vec![8, 9, 10]));
        assert_eq!(offsets(&ring, 6, 10), None);
    }
    #[test]
    fn all_rooms_together_have_a_bound_and_the_newest_of_each_stays() {
        let budget = MemoryBudget::new(entry(11).cost() * 4);
        let (mut hoarder, mut late) = (ring(10, &budget), ring(10, &budget));
        hoarder.restart(10);
        late.restart(10);
        for offset in 11..=14 {
            hoarder.append(entry(offset));
        }
        for offset in 11..=14 {
            late.append(entry(offset));
        }
        assert_eq!(offsets(&late, 13, 14), Some(vec![14]));
        assert_eq!(offsets(&late, 12, 14), None);
        assert!(budget.is_over());
        hoarder.halve();
        assert!(!budget.is_over());
        assert_eq!(offsets(&hoarder, 12, 14), Some(vec![13, 14]));
        assert_eq!(offsets(&hoarder, 11, 14), None);
        drop((hoarder, late));
        assert_eq!(budget.used(), 0);
    }
}
