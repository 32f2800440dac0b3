//! The recent publications of a room, without gaps: a client that reconnects is mostly recovered without a read of the
//! log. Each room has a bound in bytes, and all rooms together have a memory budget.

use std::collections::VecDeque;

use super::memory_budget::MemoryBudget;
use crate::protocol::event::RoomEvent;

pub(crate) struct Ring {
    events: VecDeque<RoomEvent>,
    /// The offset before the oldest event.
    before: u64,
    bytes: usize,
    max_bytes: usize,
    budget: MemoryBudget,
}

impl Ring {
    pub(crate) fn new(max_bytes: usize, budget: MemoryBudget) -> Self {
        Ring { events: VecDeque::new(), before: 0, bytes: 0, max_bytes, budget }
    }

    /// Empties the ring; the next event is the one after `top`.
    pub(crate) fn restart(&mut self, top: u64) {
        self.forget(self.events.len());
        self.before = top;
    }

    /// Over the budget only the newest event is kept.
    pub(crate) fn append(&mut self, event: RoomEvent) {
        self.take_in(event.cost());
        self.events.push_back(event);
        while self.bytes > self.max_bytes || (self.budget.is_over() && self.events.len() > 1) {
            self.forget(1);
        }
    }

    /// Adds older events read from the log, from the newest back, as far as they are adjacent and fit.
    pub(crate) fn extend_back(&mut self, events: &[RoomEvent]) {
        for event in events.iter().rev() {
            if event.offset > self.before {
                continue;
            }
            let full = self.bytes + event.cost() > self.max_bytes || self.budget.is_over();
            if event.offset < self.before || full {
                return;
            }
            self.take_in(event.cost());
            self.before = event.offset - 1;
            self.events.push_front(event.clone());
        }
    }

    /// Drops the older half.
    pub(crate) fn halve(&mut self) {
        self.forget(self.events.len().div_ceil(2));
    }

    fn take_in(&mut self, cost: usize) {
        self.bytes += cost;
        self.budget.add(cost);
    }

    /// Drops the oldest.
    fn forget(&mut self, count: usize) {
        for oldest in self.events.drain(..count) {
            self.before = oldest.offset;
            self.bytes -= oldest.cost();
            self.budget.subtract(oldest.cost());
        }
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }

    /// The events after `after` up to `last`; `None` if one of them is not here.
    pub(crate) fn range(&self, after: u64, last: u64) -> Option<impl Iterator<Item = &RoomEvent>> {
        let skip = after.checked_sub(self.before)?;
        let take = last.saturating_sub(after);
        (skip + take <= self.events.len() as u64)
            .then(|| self.events.iter().skip(skip as usize).take(take as usize))
    }

    pub(crate) fn at(&self, offset: u64) -> Option<&RoomEvent> {
        self.range(offset.checked_sub(1)?, offset)?.next()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.budget.subtract(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Publication;

    fn event(offset: u64) -> RoomEvent {
        let data = "12345".into();
        RoomEvent::publication("r", Publication { offset, data, ..Publication::default() })
    }

    fn ring(events: usize, budget: &MemoryBudget) -> Ring {
        Ring::new(event(11).cost() * events, budget.clone())
    }

    fn offsets(ring: &Ring, after: u64, last: u64) -> Option<Vec<u64>> {
        ring.range(after, last).map(|range| range.map(|e| e.offset).collect())
    }

    #[test]
    fn the_oldest_are_dropped_and_a_range_is_whole_or_none() {
        let mut ring = ring(3, &MemoryBudget::new(usize::MAX));
        ring.restart(10);
        assert_eq!(offsets(&ring, 10, 10), Some(vec![]));
        assert_eq!(offsets(&ring, 9, 10), None);
        for offset in 11..=15 {
            ring.append(event(offset));
        }
        assert_eq!(offsets(&ring, 12, 15), Some(vec![13, 14, 15]));
        assert_eq!(offsets(&ring, 13, 14), Some(vec![14]));
        assert_eq!(offsets(&ring, 11, 15), None);
        assert_eq!(offsets(&ring, 12, 16), None);
    }

    #[test]
    fn it_grows_backwards_only_with_adjacent_events() {
        let mut ring = ring(3, &MemoryBudget::new(usize::MAX));
        ring.restart(10);
        ring.extend_back(&[event(7), event(8)]);
        assert_eq!(offsets(&ring, 8, 10), None);
        ring.extend_back(&[event(7), event(8), event(9), event(10), event(11)]);
        assert_eq!(offsets(&ring, 7, 10), Some(vec![8, 9, 10]));
        assert_eq!(offsets(&ring, 6, 10), None);
    }
    #[test]
    fn all_rooms_share_a_budget_and_each_keeps_its_newest() {
        let budget = MemoryBudget::new(event(11).cost() * 4);
        let (mut hoarder, mut late) = (ring(10, &budget), ring(10, &budget));
        hoarder.restart(10);
        late.restart(10);
        for offset in 11..=14 {
            hoarder.append(event(offset));
        }
        for offset in 11..=14 {
            late.append(event(offset));
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
