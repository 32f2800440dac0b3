//! The publications of one batch as deltas, each to the one before it. Computed for the first member that wants them,
//! and then shared.

use std::sync::OnceLock;

use crate::{
    delta,
    protocol::event::{Delta, RoomEvent},
};

pub(crate) struct Deltas {
    /// For each event the one handed out right before it, if their offsets are adjacent.
    before: Vec<Option<RoomEvent>>,
    made: OnceLock<Vec<Option<Delta>>>,
}

impl Deltas {
    /// `last` is the publication before the batch, and afterwards its last one. A client applies a delta to the
    /// publication that it got last, so one without an offset breaks the chain.
    pub(crate) fn new(last: &mut Option<RoomEvent>, events: &[RoomEvent]) -> Self {
        let before = events.iter().map(|event| {
            if event.announcement {
                return None;
            }
            let next = (event.offset > 0).then(|| event.clone());
            std::mem::replace(last, next).filter(|before| before.offset + 1 == event.offset)
        });
        Deltas { before: before.collect(), made: OnceLock::new() }
    }

    /// For each event of the batch its delta, if there is one that is shorter than the data.
    pub(crate) fn of(&self, events: &[RoomEvent]) -> &[Option<Delta>] {
        self.made.get_or_init(|| {
            let pairs = self.before.iter().zip(events);
            pairs.map(|(before, event)| between(before.as_ref()?, event)).collect()
        })
    }
}

fn between(before: &RoomEvent, event: &RoomEvent) -> Option<Delta> {
    let (old, new) = (&before.source()?.data, &event.source()?.data);
    let bytes = delta::between(old.as_bytes(), new.as_bytes())?;
    Some(Delta { bytes, between_json: old.is_json() && new.is_json() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Publication;

    fn event(offset: u64) -> RoomEvent {
        let data = format!("{{\"text\":\"{}\",\"n\":{offset}}}", "x".repeat(50)).into();
        RoomEvent::publication("r", Publication { offset, data, ..Publication::default() })
    }

    fn which(last: &mut Option<RoomEvent>, offsets: &[u64]) -> Vec<bool> {
        let events: Vec<_> = offsets.iter().map(|offset| event(*offset)).collect();
        Deltas::new(last, &events).of(&events).iter().map(Option::is_some).collect()
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
