//! The members of a room, in slots. A member keeps its slot, so that the fan-out can go through the slots in pieces,
//! with the lock released between them.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range, sync::Arc};

use super::subscriber::Subscriber;
use crate::{
    log::{ClientInfo, Filter},
    protocol::{Form, event::RoomEvent},
};

#[expect(clippy::struct_excessive_bools, reason = "each is granted by itself")]
pub(crate) struct Member {
    pub(crate) subscriber: Arc<Subscriber>,
    /// A copy of the subscriber's: the fan-out reads it without following the pointer.
    pub(crate) form: Form,
    /// The client has every event up to this offset.
    pub(crate) after: u64,
    pub(crate) filter: Option<Filter>,
    /// Positions before it are not recovered.
    pub(crate) recoverable_from: u64,
    /// After the first, publications may be sent as deltas.
    pub(crate) delta: bool,
    /// How others see it; `None` if neither presence nor join and leave are on.
    pub(crate) who: Option<Arc<ClientInfo>>,
    pub(crate) presence: bool,
    /// Its join and leave are told to those who hear them.
    pub(crate) announced: bool,
    /// The joins and leaves of others are pushed to it.
    pub(crate) hears_joins: bool,
    pub(crate) durable: bool,
}

impl Member {
    pub(crate) fn wants(&self, event: &RoomEvent) -> bool {
        if event.announcement {
            return self.hears_joins;
        }
        (event.offset == 0 || event.offset > self.after) && event.passes(self.filter.as_ref())
    }
}

#[derive(Default)]
pub(crate) struct Members {
    slots: Slots<Member>,
    /// The last offset handed out. A member that joins now gets the next one.
    pub(crate) delivered: u64,
    /// See `Order::generation`.
    pub(crate) generation: u32,
    hearing_joins: usize,
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.slots.taken
    }

    pub(crate) fn add(&mut self, member: Member) -> u32 {
        self.hearing_joins += usize::from(member.hears_joins);
        self.slots.add(member)
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Member> {
        let member = self.slots.remove(slot)?;
        self.hearing_joins -= usize::from(member.hears_joins);
        Some(member)
    }

    /// Whether a join or leave has to be told to anybody.
    pub(crate) fn hear_joins(&self) -> bool {
        self.hearing_joins > 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.slots.all.iter().flatten()
    }

    /// Stops delivery to all durable members, and returns them: they have to subscribe again first.
    pub(crate) fn lose_stream(&mut self) -> Vec<Arc<Subscriber>> {
        let durable = self.slots.all.iter_mut().flatten().filter(|member| member.durable);
        durable
            .map(|member| {
                member.after = u64::MAX;
                Arc::clone(&member.subscriber)
            })
            .collect()
    }

    /// The number of slots, taken or free.
    pub(crate) fn slots(&self) -> usize {
        self.slots.all.len()
    }

    /// The members in a range of slots.
    pub(crate) fn piece(&self, slots: Range<usize>) -> impl Iterator<Item = &Member> {
        let all = &self.slots.all;
        all.get(slots.start..slots.end.min(all.len())).unwrap_or_default().iter().flatten()
    }
}

struct Slots<T> {
    all: Vec<Option<T>>,
    taken: usize,
    /// The lowest is taken first, so that the last slots become free and are dropped. Some may be dropped already.
    free: BinaryHeap<Reverse<u32>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { all: Vec::new(), taken: 0, free: BinaryHeap::new() }
    }
}

impl<T> Slots<T> {
    fn add(&mut self, member: T) -> u32 {
        self.taken += 1;
        while let Some(Reverse(free)) = self.free.pop() {
            if let Some(slot) = self.all.get_mut(free as usize) {
                *slot = Some(member);
                return free;
            }
        }
        self.all.push(Some(member));
        (self.all.len() - 1) as u32
    }

    fn remove(&mut self, slot: u32) -> Option<T> {
        let member = self.all.get_mut(slot as usize)?.take()?;
        self.taken -= 1;
        self.free.push(Reverse(slot));
        while self.all.last().is_some_and(Option::is_none) {
            self.all.pop();
        }
        if self.all.is_empty() {
            *self = Slots::default();
        }
        Some(member)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Weak};

    use proptest::prelude::*;

    use super::{super::subscriber::Revoke, *};

    struct NoSession;

    impl Revoke for NoSession {
        fn revoke(&self, _: &str, _: u32, _: &str) {}
    }

    proptest! {
        #[test]
        fn a_member_keeps_its_slot_until_it_leaves(steps in proptest::collection::vec(0usize..40, 0..300)) {
            let mut slots = Slots::default();
            let mut here = HashMap::new();
            for (name, step) in steps.into_iter().enumerate() {
                if let Some(slot) = here.keys().copied().nth(step) {
                    prop_assert_eq!(slots.remove(slot), here.remove(&slot));
                } else {
                    prop_assert_eq!(here.insert(slots.add(name), name), None);
                }
                prop_assert_eq!(slots.taken, here.len());
                prop_assert_eq!(slots.all.iter().flatten().count(), here.len());
                prop_assert!(slots.all.last().is_none_or(Option::is_some));
            }
            for (slot, name) in here {
                prop_assert_eq!(slots.all[slot as usize], Some(name));
            }
        }
    }

    #[test]
    fn a_member_of_a_lost_stream_gets_nothing_of_the_next() {
        let member = |durable| {
            let nobody: Weak<NoSession> = Weak::new();
            Member {
                subscriber: Arc::new(Subscriber::new(Form::Json, 1024, nobody)),
                form: Form::Json,
                after: 5,
                filter: None,
                recoverable_from: 0,
                delta: false,
                who: None,
                presence: false,
                announced: false,
                hears_joins: false,
                durable,
            }
        };
        let mut members = Members::default();
        members.add(member(true));
        members.add(member(false));
        assert_eq!(members.lose_stream().len(), 1);
        let next = crate::log::Publication { offset: 9, data: "1".into(), ..Default::default() };
        let next = RoomEvent::publication("room", next);
        assert_eq!(members.iter().map(|member| member.wants(&next)).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn slots_of_a_room_that_was_large_are_dropped() {
        let mut slots = Slots::default();
        for name in 0..1000 {
            slots.add(name);
        }
        for slot in (10..1000).rev() {
            slots.remove(slot);
        }
        assert_eq!(slots.all.len(), 10);
        slots.remove(0);
        assert_eq!((slots.add(0), slots.add(1)), (0, 10));
    }
}
