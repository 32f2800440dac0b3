//! Who is in a room. Places do not move while their member stays, so the room can be handed out in pieces.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range, sync::Arc};

use super::subscriber::Subscriber;
use crate::{
    log::{ClientInfo, Filter},
    protocol::{Form, entry::Entry},
};

#[expect(clippy::struct_excessive_bools, reason = "each is granted by itself")]
pub(crate) struct Member {
    pub(crate) subscriber: Arc<Subscriber>,
    /// A copy of the subscriber's, which handing out reads without following the pointer.
    pub(crate) form: Form,
    /// The client has all up to here, so only what is over it is handed out.
    pub(crate) after: u64,
    pub(crate) filter: Option<Filter>,
    /// Publications after its first may tell only what differs from the one before.
    pub(crate) delta: bool,
    /// Itself, as others see it, if it is to be seen.
    pub(crate) who: Option<Arc<ClientInfo>>,
    pub(crate) presence: bool,
    pub(crate) join_leave: bool,
    pub(crate) durable: bool,
}

impl Member {
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        if entry.announcement {
            return self.join_leave;
        }
        (entry.offset == 0 || entry.offset > self.after) && entry.passes(self.filter.as_ref())
    }
}

#[derive(Default)]
pub(crate) struct Members {
    places: Places<Member>,
    /// The last offset handed out; to members that join from now on, the next is due.
    pub(crate) delivered: u64,
    /// See `Order::generation`.
    pub(crate) generation: u32,
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.places.taken
    }

    pub(crate) fn add(&mut self, member: Member) -> u32 {
        self.places.add(member)
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<Member> {
        self.places.remove(place)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.places.all.iter().flatten()
    }

    /// What follows is for nobody who waits for a stream that is lost: they have to begin again first.
    pub(crate) fn lose_stream(&mut self) -> Vec<Arc<Subscriber>> {
        let durable = self.places.all.iter_mut().flatten().filter(|member| member.durable);
        durable
            .map(|member| {
                member.after = u64::MAX;
                Arc::clone(&member.subscriber)
            })
            .collect()
    }

    /// Places, taken or free.
    pub(crate) fn places(&self) -> usize {
        self.places.all.len()
    }

    /// The members in some places.
    pub(crate) fn piece(&self, places: Range<usize>) -> impl Iterator<Item = &Member> {
        let all = &self.places.all;
        all.get(places.start..places.end.min(all.len())).unwrap_or_default().iter().flatten()
    }
}

struct Places<T> {
    all: Vec<Option<T>>,
    taken: usize,
    /// The first one first, so that the last ones become free and go. Some may be gone already.
    free: BinaryHeap<Reverse<u32>>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Places { all: Vec::new(), taken: 0, free: BinaryHeap::new() }
    }
}

impl<T> Places<T> {
    fn add(&mut self, member: T) -> u32 {
        self.taken += 1;
        while let Some(Reverse(free)) = self.free.pop() {
            if let Some(place) = self.all.get_mut(free as usize) {
                *place = Some(member);
                return free;
            }
        }
        self.all.push(Some(member));
        (self.all.len() - 1) as u32
    }

    fn remove(&mut self, place: u32) -> Option<T> {
        let member = self.all.get_mut(place as usize)?.take()?;
        self.taken -= 1;
        self.free.push(Reverse(place));
        while self.all.last().is_some_and(Option::is_none) {
            self.all.pop();
        }
        if self.all.is_empty() {
            *self = Places::default();
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
        fn everybody_keeps_his_place_until_he_leaves(steps in proptest::collection::vec(0usize..40, 0..300)) {
            let mut places = Places::default();
            let mut here = HashMap::new();
            for (name, step) in steps.into_iter().enumerate() {
                if let Some(place) = here.keys().copied().nth(step) {
                    prop_assert_eq!(places.remove(place), here.remove(&place));
                } else {
                    prop_assert_eq!(here.insert(places.add(name), name), None);
                }
                prop_assert_eq!(places.taken, here.len());
                prop_assert_eq!(places.all.iter().flatten().count(), here.len());
                prop_assert!(places.all.last().is_none_or(Option::is_some));
            }
            for (place, name) in here {
                prop_assert_eq!(places.all[place as usize], Some(name));
            }
        }
    }

    #[test]
    fn who_followed_a_lost_stream_gets_nothing_of_the_next() {
        let member = |durable| {
            let nobody: Weak<NoSession> = Weak::new();
            Member {
                subscriber: Arc::new(Subscriber::new(Form::Json, 1024, nobody)),
                form: Form::Json,
                after: 5,
                filter: None,
                delta: false,
                who: None,
                presence: false,
                join_leave: false,
                durable,
            }
        };
        let mut members = Members::default();
        members.add(member(true));
        members.add(member(false));
        assert_eq!(members.lose_stream().len(), 1);
        let next = crate::log::Publication { offset: 9, data: "1".into(), ..Default::default() };
        let next = Entry::publication("room", next);
        assert_eq!(members.iter().map(|member| member.wants(&next)).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_room_that_was_large_becomes_small() {
        let mut places = Places::default();
        for name in 0..1000 {
            places.add(name);
        }
        for place in (10..1000).rev() {
            places.remove(place);
        }
        assert_eq!(places.all.len(), 10);
        places.remove(0);
        assert_eq!((places.add(0), places.add(1)), (0, 10));
    }
}
