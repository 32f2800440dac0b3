//! What a session is subscribed to. A room is entered here before the authority is asked, so that a second
//! subscribe is noticed, and a withdrawal that comes meanwhile is not lost.

use std::{collections::HashMap, sync::Arc};

use tokio::time::Instant;

use super::Session;
use crate::{
    CloseCode, ErrorReply,
    hub::Inner,
    lock::lock,
    log::{ClientInfo, Filter},
    presence,
    protocol::codes::unsubscribed,
    rooms::RoomRef,
};

pub(crate) type Subs = HashMap<Arc<str>, Sub>;

pub(crate) enum Sub {
    /// On its way in; or not, if this is set meanwhile.
    Joining(Option<ErrorReply>),
    Live(Box<Live>),
}

pub(crate) struct Live {
    pub(crate) room: RoomRef,
    pub(crate) slot: u32,
    pub(crate) server_side: bool,
    pub(crate) durable: bool,
    pub(crate) presence: bool,
    /// What the authority lets it see.
    pub(crate) filter: Option<Filter>,
    /// Its coming and going is announced.
    pub(crate) announced: Option<Arc<ClientInfo>>,
    pub(crate) expiry: Option<Instant>,
}

impl Live {
    /// Without announcement: nobody was told that it came.
    fn undo(&self) {
        self.room.leave(self.slot);
    }

    fn leave(self, inner: &Arc<Inner>) {
        self.room.leave(self.slot);
        if let Some(who) = self.announced {
            presence::announce_leave(inner, &self.room, who);
        }
    }
}

impl Session {
    pub(super) fn begin_sub(&self, room: &str, max_rooms: usize) -> Result<(), ErrorReply> {
        let mut subs = lock(&self.subs);
        if subs.contains_key(room) {
            return Err(ErrorReply::ALREADY_SUBSCRIBED);
        }
        if subs.len() >= max_rooms {
            return Err(ErrorReply::LIMIT_EXCEEDED);
        }
        subs.insert(room.into(), Sub::Joining(None));
        Ok(())
    }

    /// The room is joined, unless that was withdrawn meanwhile.
    pub(super) fn settle_sub(&self, live: Live) -> Result<(), ErrorReply> {
        let mut subs = lock(&self.subs);
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
            live.undo();
            return Err(refused);
        }
        let expires = live.expiry.is_some();
        subs.insert(name, Sub::Live(Box::new(live)));
        drop(subs);
        if expires {
            self.schedule_expiry();
        }
        Ok(())
    }

    pub(super) fn forget_sub(&self, room: &str) {
        lock(&self.subs).remove(room);
    }

    /// The client's own `unsubscribe`.
    pub(super) fn leave_room(&self, inner: &Arc<Inner>, room: &str) {
        let removed = lock(&self.subs).remove(room);
        if let Some(Sub::Live(live)) = removed {
            live.leave(inner);
        }
    }

    /// Takes a subscription away. A server-side one cannot be made again by the client alone, so with a code
    /// that asks for that the connection is made again.
    pub(crate) fn revoke(&self, inner: &Arc<Inner>, room: &str, code: u32, reason: &str) {
        let mut subs = lock(&self.subs);
        let again = code >= unsubscribed::INSUFFICIENT_STATE;
        match subs.get_mut(room) {
            None => {}
            Some(Sub::Joining(refused)) => {
                *refused = Some(if again { ErrorReply::INTERNAL } else { ErrorReply::PERMISSION_DENIED });
            }
            Some(Sub::Live(live)) if again && live.server_side => {
                drop(subs);
                let code = match code {
                    unsubscribed::EXPIRED => CloseCode::SUBSCRIPTION_EXPIRED,
                    unsubscribed::STATE_INVALIDATED => CloseCode::STATE_INVALIDATED,
                    _ => CloseCode::INSUFFICIENT_STATE,
                };
                self.queue.close(code.into());
            }
            Some(Sub::Live(_)) => {
                let removed = subs.remove(room);
                drop(subs);
                if let Some(Sub::Live(live)) = removed {
                    live.leave(inner);
                }
                self.push(self.form.unsubscribe(room, code, reason));
            }
        }
    }

    /// Itself as others see it in this room, if it is announced there.
    pub(super) fn seen_as(&self, room: &str) -> Option<Arc<ClientInfo>> {
        match lock(&self.subs).get(room) {
            Some(Sub::Live(live)) => live.announced.clone(),
            _ => None,
        }
    }

    pub(super) fn expire_subs(&self, inner: &Arc<Inner>, now: Instant) {
        let expired: Vec<Arc<str>> = {
            let subs = lock(&self.subs);
            let is_over =
                |sub: &Sub| matches!(sub, Sub::Live(live) if live.expiry.is_some_and(|at| at <= now));
            subs.iter().filter(|(_, sub)| is_over(sub)).map(|(room, _)| Arc::clone(room)).collect()
        };
        for room in expired {
            self.revoke(inner, &room, unsubscribed::EXPIRED, "subscription expired");
        }
        self.schedule_expiry();
    }

    /// Tells the timer the earliest expiry.
    pub(super) fn schedule_expiry(&self) {
        let expiry_of = |sub: &Sub| match sub {
            Sub::Live(live) => live.expiry,
            Sub::Joining(_) => None,
        };
        let earliest = lock(&self.subs).values().filter_map(expiry_of).min();
        self.timers.set_subs_expiry(earliest);
    }

    pub(crate) fn leave_all(&self, inner: &Arc<Inner>) {
        let subs = std::mem::take(&mut *lock(&self.subs));
        for sub in subs.into_values() {
            if let Sub::Live(live) = sub {
                live.leave(inner);
            }
        }
    }
}
