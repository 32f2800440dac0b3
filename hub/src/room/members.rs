//! Who is in a room. Places do not move while their member stays, so the room can be handed out in pieces.

use std::{ops::Range, sync::Arc};

use crate::{authority::Filter, entry::Entry, log::ClientInfo, session::Session};

pub(crate) struct Member {
    pub(crate) session: Arc<Session>,
    /// The client has all up to here, so only what is over it is handed out.
    pub(crate) after: u64,
    pub(crate) filter: Option<Filter>,
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
    slots: Vec<Option<Member>>,
    free: Vec<u32>,
    /// The last offset handed out; to members that join from now on, the next is due.
    pub(crate) delivered: u64,
    /// See `Order::generation`.
    pub(crate) generation: u32,
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn add(&mut self, member: Member) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(member);
            return slot;
        }
        self.slots.push(Some(member));
        (self.slots.len() - 1) as u32
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Member> {
        let member = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        if self.free.len() == self.slots.len() {
            self.slots = Vec::new();
            self.free = Vec::new();
        }
        Some(member)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.slots.iter().flatten()
    }

    /// Places, taken or free.
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    /// The members in some places.
    pub(crate) fn piece(&self, places: Range<usize>) -> impl Iterator<Item = &Member> {
        let end = places.end.min(self.slots.len());
        self.slots.get(places.start..end).unwrap_or_default().iter().flatten()
    }
}
