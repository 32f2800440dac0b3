//! Joins and leaves of a large room, gathered for a window, as a value without locks, clocks or sockets. Announced one by
//! one, n members that join would make n² pushes. A client that joins and leaves within a window is not announced, and
//! of the others at most a fixed number is. Presence lists all of them.

use std::{collections::HashMap, sync::Arc};

use crate::log::ClientInfo;

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Join(Arc<ClientInfo>),
    Leave(Arc<ClientInfo>),
}

impl Change {
    fn client(&self) -> &str {
        match self {
            Change::Join(who) | Change::Leave(who) => &who.client,
        }
    }

    fn is_leave(&self) -> bool {
        matches!(self, Change::Leave(_))
    }
}

#[derive(Debug)]
pub(crate) enum Noted {
    /// Announce it at once.
    Tell(Change),
    Gathered,
    /// The first one gathered: call `take` once per window, until it returns `None`.
    Begin,
    Dropped,
}

pub(crate) struct Told {
    pub(crate) changes: Vec<Change>,
    pub(crate) dropped: usize,
}

#[derive(Default)]
pub(crate) struct Announcements {
    gathering: bool,
    waiting: HashMap<String, (u64, Change)>,
    next: u64,
}

/// Changes gathered at a time; further ones are dropped.
const MAX_WAITING: usize = 10_000;

impl Announcements {
    /// Takes a change in a room of this size; in rooms up to `calm` each is announced at once.
    pub(crate) fn note(&mut self, change: Change, size: usize, calm: usize) -> Noted {
        if !self.gathering && size <= calm {
            return Noted::Tell(change);
        }
        let begin = !std::mem::replace(&mut self.gathering, true);
        match self.waiting.remove(change.client()) {
            // A join and a leave that were not announced cancel each other.
            Some((_, before)) if before.is_leave() != change.is_leave() => {}
            _ if self.waiting.len() >= MAX_WAITING => return Noted::Dropped,
            _ => {
                self.next += 1;
                self.waiting.insert(change.client().to_owned(), (self.next, change));
            }
        }
        if begin { Noted::Begin } else { Noted::Gathered }
    }

    /// What to announce of the window that is over; `None` if nothing was gathered, which ends the gathering. Leaves go
    /// first, and those over the limit wait: to show a client that is gone is worse than to miss one that is there.
    pub(crate) fn take(&mut self, limit: usize) -> Option<Told> {
        if self.waiting.is_empty() {
            *self = Announcements::default();
            return None;
        }
        let mut all: Vec<_> = self.waiting.drain().map(|(_, change)| change).collect();
        all.sort_unstable_by_key(|(at, change)| (!change.is_leave(), *at));
        let mut dropped = 0;
        for (at, change) in all.split_off(limit.min(all.len())) {
            if change.is_leave() {
                self.waiting.insert(change.client().to_owned(), (at, change));
            } else {
                dropped += 1;
            }
        }
        Some(Told { changes: all.into_iter().map(|(_, change)| change).collect(), dropped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(client: usize) -> Arc<ClientInfo> {
        Arc::new(ClientInfo { client: client.to_string(), ..ClientInfo::default() })
    }

    fn told(announcements: &mut Announcements, limit: usize) -> Option<(Vec<String>, usize)> {
        let sign =
            |change: &Change| format!("{}{}", if change.is_leave() { "-" } else { "+" }, change.client());
        announcements.take(limit).map(|told| (told.changes.iter().map(sign).collect(), told.dropped))
    }

    #[test]
    fn in_small_rooms_each_is_announced_at_once() {
        let mut announcements = Announcements::default();
        assert!(matches!(announcements.note(Change::Join(who(1)), 10, 10), Noted::Tell(_)));
        assert!(matches!(announcements.note(Change::Join(who(2)), 11, 10), Noted::Begin));
        assert!(matches!(announcements.note(Change::Join(who(3)), 9, 10), Noted::Gathered), "in order");
        assert_eq!(told(&mut announcements, 9), Some((vec!["+2".to_owned(), "+3".to_owned()], 0)));
        assert_eq!(told(&mut announcements, 9), None);
        assert!(matches!(announcements.note(Change::Leave(who(3)), 9, 10), Noted::Tell(_)));
    }

    #[test]
    fn a_join_and_a_leave_of_one_window_cancel_each_other() {
        let mut announcements = Announcements::default();
        announcements.note(Change::Leave(who(1)), 99, 10);
        for client in 2..50 {
            announcements.note(Change::Join(who(client)), 99, 10);
            announcements.note(Change::Leave(who(client)), 99, 10);
        }
        announcements.note(Change::Join(who(1)), 99, 10);
        assert_eq!(told(&mut announcements, 9), None);
    }

    #[test]
    fn over_the_limit_joins_are_dropped_and_leaves_wait() {
        let mut announcements = Announcements::default();
        for client in 0..5 {
            announcements.note(Change::Join(who(client)), 99, 10);
            announcements.note(Change::Leave(who(client + 10)), 99, 10);
        }
        let three = |from: usize| (from..from + 3).map(|n| format!("-{n}")).collect::<Vec<_>>();
        assert_eq!(told(&mut announcements, 3), Some((three(10), 5)));
        assert_eq!(told(&mut announcements, 3), Some((three(13)[..2].to_vec(), 0)));
        assert_eq!(told(&mut announcements, 3), None);
    }
}
