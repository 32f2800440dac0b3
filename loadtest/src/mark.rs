//! The mark in every publication, from which a subscriber measures the latency and detects missing, duplicate and
//! reordered publications. It has a fixed width and is found without parsing the JSON around it.

use std::collections::BTreeSet;

const KEY: &str = "\"lt\":\"";
const DIGITS: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) room: u32,
    /// Counts from 0 in each room.
    pub(crate) seq: u32,
    /// Due time, Unix time in microseconds.
    pub(crate) due_us: u64,
}

impl Mark {
    /// The JSON data of a publication, about `bytes` long.
    pub(crate) fn data(self, bytes: usize) -> String {
        let bare = format!("{{{KEY}{:08x}{:08x}{:016x}\",\"pad\":\"", self.room, self.seq, self.due_us);
        let pad = bytes.saturating_sub(bare.len() + 2);
        format!("{bare}{:.<pad$}\"}}", "")
    }

    pub(crate) fn find(text: &str) -> Option<Self> {
        let at = text.find(KEY)? + KEY.len();
        let digits = text.get(at..at + DIGITS)?;
        Some(Self {
            room: u32::from_str_radix(&digits[..8], 16).ok()?,
            seq: u32::from_str_radix(&digits[8..16], 16).ok()?,
            due_us: u64::from_str_radix(&digits[16..], 16).ok()?,
        })
    }
}

/// The publications of one room that one subscriber has received.
#[derive(Default)]
pub(crate) struct Sequence {
    next: Option<u32>,
    missing: BTreeSet<u32>,
    pub(crate) doubled: u64,
    pub(crate) disordered: u64,
}

impl Sequence {
    /// For a subscriber that joined before the first publication.
    pub(crate) fn from_start() -> Self {
        Self { next: Some(0), ..Self::default() }
    }

    pub(crate) fn saw(&mut self, seq: u32) {
        let next = self.next.unwrap_or(seq);
        if seq >= next {
            self.missing.extend(next..seq);
            self.next = Some(seq + 1);
        } else if self.missing.remove(&seq) {
            self.disordered += 1;
        } else {
            self.doubled += 1;
        }
    }

    /// The number of the first `published` publications that have not arrived.
    pub(crate) fn lost(&self, published: u32) -> u64 {
        let behind = self.next.map_or(0, |next| published.saturating_sub(next));
        self.missing.len() as u64 + u64::from(behind)
    }

    /// The next mark is not compared with the previous one; used after leaving a room.
    pub(crate) fn forget_position(&mut self) {
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_is_found_inside_a_push_and_the_size_is_kept() {
        let mark = Mark { room: 7, seq: 4_000_000_000, due_us: 1_790_000_000_000_000 };
        let data = mark.data(256);
        assert_eq!(data.len(), 256);
        serde_json::from_str::<serde_json::Value>(&data).unwrap();
        assert_eq!(Mark::find(&format!("{{\"push\":{{\"pub\":{{\"data\":{data}}}}}}}")), Some(mark));
        assert_eq!(Mark::find(&mark.data(0)), Some(mark));
        assert_eq!(Mark::find("{\"lt\":\"short\"}"), None);
    }

    #[test]
    fn lost_late_and_doubled_ones_are_told_apart() {
        let mut sequence = Sequence::from_start();
        for seq in [0, 1, 3, 2, 5, 5] {
            sequence.saw(seq);
        }
        assert_eq!((sequence.disordered, sequence.doubled), (1, 1));
        assert_eq!(sequence.lost(6), 1);
        assert_eq!(sequence.lost(8), 3);
        assert_eq!(Sequence::from_start().lost(2), 2);
    }

    #[test]
    fn who_joins_later_misses_nothing_of_before() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.lost(9), 0);
        sequence.saw(5);
        assert_eq!((sequence.lost(6), sequence.lost(7)), (0, 1));
    }
}
