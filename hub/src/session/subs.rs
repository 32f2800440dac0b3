//! The subscriptions of one session. A room is entered here before the authority is asked, so that a second subscribe
//! is refused, and a revocation that comes meanwhile is not lost. Knows nothing of the session: it says what the
//! session has to do.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::time::Instant;

use crate::{
    bus,
    lock::lock,
    log::{ClientInfo, Filter},
    protocol::codes::{CloseCode, ErrorReply, unsubscribed},
    room::presence,
    rooms::RoomRef,
};

#[derive(Default)]
pub(super) struct Subs(Mutex<HashMap<Arc<str>, Sub>>);

enum Sub {
    /// The authority or the room is being asked. `Some`: revoked meanwhile, with this error as the answer.
    Joining(Option<ErrorReply>),
    Live(Box<Live>),
}

pub(super) struct Live {
    pub(super) room: RoomRef,
    pub(super) slot: u32,
    pub(super) server_side: bool,
    pub(super) durable: bool,
    pub(super) presence: bool,
    /// What the authority lets it see.
    pub(super) filter: Option<Filter>,
    /// Set if others see it in the room.
    pub(super) seen: Option<bus::Member>,
    pub(super) expiry: Option<Instant>,
}

/// What the session has to do after a revocation.
pub(super) enum Revoked {
    Nothing,
    /// Tell the client.
    Unsubscribed,
    /// Close: the client cannot make a server-side subscription again by itself, so it has to reconnect.
    Close(CloseCode),
}

impl Live {
    /// How others see it, if its join and leave are announced.
    pub(super) fn announced(&self) -> Option<Arc<ClientInfo>> {
        self.seen.as_ref().filter(|member| member.announced).map(|member| Arc::clone(&member.who))
    }

    fn leave(self) {
        self.room.leave(self.slot);
        if let Some(member) = &self.seen {
            presence::left(&self.room, member);
        }
    }
}

impl Subs {
    pub(super) fn begin(&self, room: &str, max_rooms: usize) -> Result<(), ErrorReply> {
        let mut subs = lock(&self.0);
        if subs.contains_key(room) {
            return Err(ErrorReply::ALREADY_SUBSCRIBED);
        }
        if subs.len() >= max_rooms {
            return Err(ErrorReply::LIMIT_EXCEEDED);
        }
        subs.insert(room.into(), Sub::Joining(None));
        Ok(())
    }

    /// The room is joined, unless that was revoked meanwhile.
    pub(super) fn settle(&self, live: Live) -> Result<(), ErrorReply> {
        let mut subs = lock(&self.0);
        let name = Arc::clone(&live.room.name);
        let refused = match subs.get_mut(&name) {
            Some(Sub::Joining(refused)) => refused.take(),
            Some(Sub::Live(_)) => Some(ErrorReply::ALREADY_SUBSCRIBED),
            // Left while joining: the session is ending.
            None => Some(ErrorReply::INTERNAL),
        };
        if let Some(refused) = refused {
            subs.remove(&name);
            drop(subs);
            // Not announced: its join was not either.
            live.room.leave(live.slot);
            return Err(refused);
        }
        subs.insert(name, Sub::Live(Box::new(live)));
        Ok(())
    }

    pub(super) fn forget(&self, room: &str) {
        lock(&self.0).remove(room);
    }

    /// Reads a live subscription; `None` if there is none.
    pub(super) fn live<T>(&self, room: &str, read: impl FnOnce(&Live) -> T) -> Option<T> {
        match lock(&self.0).get(room) {
            Some(Sub::Live(live)) => Some(read(live)),
            _ => None,
        }
    }

    pub(super) fn set_expiry(&self, room: &str, expiry: Option<Instant>) {
        if let Some(Sub::Live(live)) = lock(&self.0).get_mut(room) {
            live.expiry = expiry;
        }
    }

    /// The client's own `unsubscribe`.
    pub(super) fn leave(&self, room: &str) {
        let removed = lock(&self.0).remove(room);
        if let Some(Sub::Live(live)) = removed {
            live.leave();
        }
    }

    /// With a code that asks the client to subscribe again, a server-side subscription is left to the session's end.
    pub(super) fn revoke(&self, room: &str, code: u32) -> Revoked {
        let mut subs = lock(&self.0);
        let again = code >= unsubscribed::INSUFFICIENT_STATE;
        match subs.get_mut(room) {
            None => Revoked::Nothing,
            Some(Sub::Joining(refused)) => {
                *refused = Some(if again { ErrorReply::INTERNAL } else { ErrorReply::PERMISSION_DENIED });
                Revoked::Nothing
            }
            Some(Sub::Live(live)) if again && live.server_side => Revoked::Close(match code {
                unsubscribed::EXPIRED => CloseCode::SUBSCRIPTION_EXPIRED,
                unsubscribed::STATE_INVALIDATED => CloseCode::STATE_INVALIDATED,
                _ => CloseCode::INSUFFICIENT_STATE,
            }),
            Some(Sub::Live(_)) => {
                let removed = subs.remove(room);
                drop(subs);
                if let Some(Sub::Live(live)) = removed {
                    live.leave();
                }
                Revoked::Unsubscribed
            }
        }
    }

    /// The rooms whose subscriptions have expired.
    pub(super) fn expired(&self, now: Instant) -> Vec<Arc<str>> {
        let subs = lock(&self.0);
        let is_over = |sub: &Sub| matches!(sub, Sub::Live(live) if live.expiry.is_some_and(|at| at <= now));
        subs.iter().filter(|(_, sub)| is_over(sub)).map(|(room, _)| Arc::clone(room)).collect()
    }

    pub(super) fn earliest_expiry(&self) -> Option<Instant> {
        let expiry_of = |sub: &Sub| match sub {
            Sub::Live(live) => live.expiry,
            Sub::Joining(_) => None,
        };
        lock(&self.0).values().filter_map(expiry_of).min()
    }

    pub(super) fn leave_all(&self) {
        let subs = std::mem::take(&mut *lock(&self.0));
        for sub in subs.into_values() {
            if let Sub::Live(live) = sub {
                live.leave();
            }
        }
    }
}
