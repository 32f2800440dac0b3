//! How many sends run for each channel: one provider that hangs must not hold every worker.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// Sends of one channel at a time.
const PER_CHANNEL: usize = 8;

#[derive(Default)]
pub struct Slots(Mutex<HashMap<Uuid, usize>>);

/// A place that is given back when it is dropped.
pub(super) struct Slot<'s> {
    slots: &'s Slots,
    channel: Uuid,
}

impl Slots {
    /// A place for a send of this channel, if there is one.
    pub(super) fn take(&self, channel: Uuid) -> Option<Slot<'_>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(channel).or_default();
        if *count >= PER_CHANNEL {
            return None;
        }
        *count += 1;
        Some(Slot { slots: self, channel })
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut running = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.channel) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.channel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_so_many_places_and_gets_them_back() {
        let (slots, one, other) = (Slots::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let taken: Vec<_> = std::iter::from_fn(|| slots.take(one)).collect();
        assert_eq!(taken.len(), PER_CHANNEL);
        assert!(slots.take(other).is_some());
        drop(taken);
        assert!(slots.take(one).is_some());
        assert!(slots.0.lock().expect("the lock").is_empty());
    }
}
