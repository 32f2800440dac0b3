//! The recent publications of a room, without gaps, within a budget in bytes, so that a client that comes back
//! is mostly served without reading the log.

use std::collections::VecDeque;

use crate::entry::Entry;

pub(crate) struct Ring {
    entries: VecDeque<Entry>,
    /// The offset before the oldest entry.
    before: u64,
    bytes: usize,
    budget: usize,
}

impl Ring {
    pub(crate) fn new(budget: usize) -> Self {
        Ring { entries: VecDeque::new(), before: 0, bytes: 0, budget }
    }

    /// Empty, and the next entry will be the one after `top`.
    pub(crate) fn restart(&mut self, top: u64) {
        *self = Ring { before: top, ..Ring::new(self.budget) };
    }

    pub(crate) fn append(&mut self, entry: Entry) {
        self.bytes += entry.cost();
        self.entries.push_back(entry);
        while self.bytes > self.budget
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.cost();
            self.before = oldest.offset;
        }
    }

    /// Older entries, read from the log: as many as join on and fit, the newest first.
    pub(crate) fn extend_back(&mut self, entries: &[Entry]) {
        for entry in entries.iter().rev() {
            if entry.offset > self.before {
                continue;
            }
            if entry.offset < self.before || self.bytes + entry.cost() > self.budget {
                return;
            }
            self.bytes += entry.cost();
            self.before = entry.offset - 1;
            self.entries.push_front(entry.clone());
        }
    }

    /// The entries over `after` up to `last`, if all of them are here.
    pub(crate) fn range(&self, after: u64, last: u64) -> Option<impl Iterator<Item = &Entry>> {
        let skip = after.checked_sub(self.before)?;
        let take = last.saturating_sub(after);
        (skip + take <= self.entries.len() as u64)
            .then(|| self.entries.iter().skip(skip as usize).take(take as usize))
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

    fn offsets(ring: &Ring, after: u64, last: u64) -> Option<Vec<u64>> {
        ring.range(after, last).map(|range| range.map(|e| e.offset).collect())
    }

    #[test]
    fn forgets_the_oldest_and_says_what_it_has() {
        let mut ring = Ring::new(entry(11).cost() * 3);
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
        let mut ring = Ring::new(entry(11).cost() * 3);
        ring.restart(10);
        ring.extend_back(&[entry(7), entry(8)]);
        assert_eq!(offsets(&ring, 8, 10), None);
        ring.extend_back(&[entry(7), entry(8), entry(9), entry(10), entry(11)]);
        assert_eq!(offsets(&ring, 7, 10), Some(vec![8, 9, 10]));
        assert_eq!(offsets(&ring, 6, 10), None);
    }
}
