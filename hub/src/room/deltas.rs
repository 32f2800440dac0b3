//! The publications of one batch as deltas, each to the one before it. Compared when the first receiver turns up
//! that wants them so, and then for all.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::{delta, protocol::entry::Entry};

pub(crate) struct Deltas {
    /// What was handed out right before each entry, if the next offset is its own.
    before: Vec<Option<Entry>>,
    made: OnceLock<Vec<Option<Bytes>>>,
}

impl Deltas {
    /// `last` is the publication before the batch, and afterwards its last one. Clients compare with whatever they got
    /// last, so what has no offset breaks the chain.
    pub(crate) fn new(last: &mut Option<Entry>, entries: &[Entry]) -> Self {
        let before = entries.iter().map(|entry| {
            if entry.announcement {
                return None;
            }
            let next = (entry.offset > 0).then(|| entry.clone());
            std::mem::replace(last, next).filter(|before| before.offset + 1 == entry.offset)
        });
        Deltas { before: before.collect(), made: OnceLock::new() }
    }

    /// For each entry of the batch its delta, if it has one and that is shorter than all it says.
    pub(crate) fn of(&self, entries: &[Entry]) -> &[Option<Bytes>] {
        self.made.get_or_init(|| {
            let pairs = self.before.iter().zip(entries);
            pairs
                .map(|(before, entry)| {
                    let (old, new) = (before.as_ref()?.source()?, entry.source()?);
                    delta::between(&old.data, &new.data)
                })
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Publication;

    fn entry(offset: u64) -> Entry {
        let data = format!("{{\"text\":\"{}\",\"n\":{offset}}}", "x".repeat(50)).into();
        Entry::publication("r", Publication { offset, data, ..Publication::default() })
    }

    fn which(last: &mut Option<Entry>, offsets: &[u64]) -> Vec<bool> {
        let entries: Vec<_> = offsets.iter().map(|offset| entry(*offset)).collect();
        Deltas::new(last, &entries).of(&entries).iter().map(Option::is_some).collect()
    }

    #[test]
    fn only_to_the_one_right_before() {
        let mut last = None;
        assert_eq!(which(&mut last, &[1, 2, 3]), [false, true, true]);
        assert_eq!(which(&mut last, &[4, 0, 5, 6]), [true, false, false, true]);
        assert_eq!(which(&mut last, &[8]), [false]);
        assert_eq!(which(&mut last, &[0]), [false]);
        assert_eq!(which(&mut last, &[9]), [false]);
    }
}
