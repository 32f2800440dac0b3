//! A session as the engine, its rooms and its own tasks share it: its queue, its commands, its subscriptions, its timers.
//! It runs nothing: what goes on in a session is in the files beside it.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    inbox::Inbox,
    subs::{Revoked, Subs},
    timers::Timers,
};
use crate::{
    authority::{SessionId, SessionInfo},
    config::HubConfig,
    protocol::{Form, codes::unsubscribed, reply::Reply},
    queue::{EncodedFrame, Queue},
    room::{Revoke, Subscriber},
    transport::{Agreed, MaxBytes},
};

/// A compressed message may inflate to so many times the limit of a frame.
const MAX_INFLATION: usize = 10;

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(super) native_pings: bool,
    /// By which requests of the client find a session on a stream; the id is no secret.
    pub(super) secret: Option<Uuid>,
    /// Its part that rooms hold.
    pub(super) subscriber: Arc<Subscriber>,
    pub(super) timers: Timers,
    pub(crate) inbox: Inbox,
    pub(super) subs: Subs,
    /// Set once, when the authority has accepted it.
    pub(super) info: OnceLock<Arc<SessionInfo>>,
    /// Bounds until then.
    max_frame_bytes: usize,
    write_timeout: Duration,
}

impl Session {
    pub(crate) fn new(id: SessionId, agreed: Agreed, secret: Option<Uuid>, config: &HubConfig) -> Arc<Self> {
        Arc::new_cyclic(|session: &Weak<Session>| {
            let revoke: Weak<dyn Revoke> = session.clone();
            Session {
                id,
                native_pings: agreed.native_pings,
                secret,
                subscriber: Arc::new(Subscriber::new(agreed.form, config.limits.max_queue_bytes, revoke)),
                timers: Timers::new(config),
                inbox: Inbox::default(),
                subs: Subs::default(),
                info: OnceLock::new(),
                max_frame_bytes: config.limits.max_frame_bytes,
                write_timeout: config.limits.write_timeout,
            }
        })
    }

    pub(crate) fn info(&self) -> Option<&Arc<SessionInfo>> {
        self.info.get()
    }

    pub(crate) fn form(&self) -> Form {
        self.subscriber.form
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.subscriber.queue
    }

    /// A push to this client alone; see [`Queue::push`].
    pub(crate) fn push(&self, message: Bytes) -> bool {
        self.queue().push(&EncodedFrame::one(self.form(), message)) == 1
    }

    pub(super) fn reply(&self, id: u32, reply: &Reply) {
        let message = self.form().reply(id, reply);
        self.queue().reply(&EncodedFrame::one(self.form(), message), self.inbox.has_more());
    }

    /// The reply for which a place was reserved.
    pub(super) fn fill(&self, reply: Bytes) {
        self.queue().fill(&EncodedFrame::one(self.form(), reply), self.inbox.has_more());
    }

    /// Before connect a message may not inflate at all: anybody can send one.
    pub(super) fn max_bytes(&self) -> MaxBytes {
        self.info().map_or(
            MaxBytes { message: self.max_frame_bytes, inflated: self.max_frame_bytes },
            |info| {
                let message = info.limits.max_frame_bytes;
                MaxBytes { message, inflated: message.saturating_mul(MAX_INFLATION) }
            },
        )
    }

    pub(super) fn write_timeout(&self) -> Duration {
        self.info().map_or(self.write_timeout, |info| info.limits.write_timeout)
    }

    pub(super) fn expire_subs(&self, now: Instant) {
        for room in self.subs.expired(now) {
            self.revoke(&room, unsubscribed::EXPIRED, "subscription expired");
        }
        self.schedule_expiry();
    }

    /// Tells the timer when the next subscription expires.
    pub(super) fn schedule_expiry(&self) {
        self.timers.set_subs_expiry(self.subs.earliest_expiry());
    }

    pub(crate) fn leave_all(&self) {
        self.subs.leave_all();
    }
}

impl Revoke for Session {
    fn revoke(&self, room: &str, code: u32, reason: &str) {
        match self.subs.revoke(room, code) {
            Revoked::Nothing => {}
            Revoked::Unsubscribed => {
                self.push(self.form().unsubscribe(room, code, reason));
            }
            Revoked::Close(code) => self.queue().close(code.into()),
        }
    }
}
