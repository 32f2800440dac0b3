//! The engine as the application holds it, and what all its parts share.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{
    Agreed, Authority, ClientInfo, CloseCode, Closed, ErrorReply, Expiry, HubConfig, Log, LogError, LogPage,
    Peer, Publication, Rejection, ServerSub, SessionId, SessionInfo, Stats, Tags, Transport,
    gatehouse::Gatehouse,
    presence,
    protocol::entry::Entry,
    protocol::json,
    rooms::Rooms,
    session::{self, Session, inbox::Item},
    sessions::{Admitted, Sessions},
    stats::{Counters, count},
    sweep,
};

/// The realtime engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: HubConfig,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) sessions: Sessions,
    pub(crate) gatehouse: Gatehouse,
    pub(crate) counters: Counters,
    /// Publishing comes from any thread; what cannot be done at once is done here.
    pub(crate) runtime: Handle,
    /// A session or a call is over.
    pub(crate) changed: Notify,
    draining: AtomicBool,
    pub(crate) started: Instant,
}

impl Hub {
    /// Must be called inside a tokio runtime, which the engine then uses for its tasks.
    pub fn new(config: HubConfig, authority: Arc<dyn Authority>, log: Arc<dyn Log>) -> Hub {
        let inner = Arc::new(Inner {
            rooms: Arc::new(Rooms::new(config.clone())),
            gatehouse: Gatehouse::new(&config),
            config,
            authority,
            log,
            sessions: Sessions::default(),
            counters: Counters::default(),
            runtime: Handle::current(),
            changed: Notify::new(),
            draining: AtomicBool::new(false),
            started: Instant::now(),
        });
        inner.runtime.spawn(sweep::run(Arc::downgrade(&inner)));
        Hub { inner }
    }

    /// Begins a session on an upgraded socket; the future runs it until it ends, and says why it ended. Never panics.
    /// Dropped half-way it cleans up all the same, but the authority is not told.
    pub fn serve<T: Transport>(
        &self,
        transport: T,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<T> {
        session::serve(Arc::clone(&self.inner), transport, peer)
    }

    /// Publishes a committed event of a room's log. Never waits; may be called from any thread. Calls may come
    /// out of order or twice: subscribers see every offset once and in order, if need be from the log.
    pub fn publish(&self, room: &str, publication: Publication) {
        self.inner.publish(room, publication);
    }

    /// Publishes to those who are in the room now. It has no offset and is never recovered.
    pub fn publish_ephemeral(&self, room: &str, data: Bytes, tags: Tags) {
        self.inner.publish(room, Publication { data, tags, ..Publication::default() });
    }

    /// Pushes a message to one session. `false` if it is gone, was cut as slow by this, or the data is no JSON.
    pub fn send(&self, session: SessionId, data: Bytes) -> bool {
        let Some(session) = self.inner.sessions.get(session).filter(|s| s.info().is_some()) else {
            return false;
        };
        let Some(data) = json::clean(data) else { return false };
        session.push(session.form.message(&data))
    }

    /// Subscribes a live session to a room, in line with its own commands. Already subscribed is well;
    /// `false` if the session is gone.
    pub fn subscribe(&self, session: SessionId, sub: ServerSub) -> bool {
        let Some(session) = self.inner.sessions.get(session).filter(|s| s.info().is_some()) else {
            return false;
        };
        session.inbox.put_from_outside(Item::Subscribe(Box::new(sub)));
        true
    }

    /// Takes a room away from a live session. Codes under 2500 are final for the client; with others it
    /// subscribes again (for a room subscribed by the server it connects again).
    pub fn unsubscribe(&self, session: SessionId, room: &str, code: u32, reason: &str) {
        if let Some(session) = self.inner.sessions.get(session) {
            session.revoke(&self.inner, room, code, reason);
        }
    }

    pub fn disconnect_session(&self, session: SessionId, code: CloseCode) {
        if let Some(session) = self.inner.sessions.get(session) {
            session.queue.close(code.into());
        }
    }

    /// See [`Hub::disconnect_all`].
    pub fn disconnect_user(&self, user: &str, code: CloseCode) {
        let user = user.to_owned();
        self.disconnect_all(move |info| info.user == user, code);
    }

    /// Closes all sessions of which this is true, those included whose connect is being decided at this moment:
    /// everybody of a user, of a token, of a tenant. Looks at all sessions; says how many it closed at once.
    pub fn disconnect_all(
        &self,
        which: impl Fn(&SessionInfo) -> bool + Send + Sync + 'static,
        code: CloseCode,
    ) -> usize {
        let which = Arc::new(which);
        let banished = Arc::clone(&which);
        self.inner.gatehouse.banish(move |info| banished(info), code);
        let mut sessions = self.inner.sessions.all();
        sessions.retain(|session| session.info().is_some_and(|info| which(info)));
        for session in &sessions {
            session.queue.close(code.into());
        }
        sessions.len()
    }

    /// The live sessions of a user. Looks at all sessions.
    pub fn sessions_of(&self, user: &str) -> Vec<SessionId> {
        let is_his = |s: &Arc<Session>| s.info().is_some_and(|info| info.user == user);
        self.inner.sessions.all().into_iter().filter(is_his).map(|s| s.id).collect()
    }

    /// Who is in a room, of those whose subscription has presence.
    pub fn presence(&self, room: &str) -> Vec<ClientInfo> {
        self.inner.rooms.get(room).map(|room| presence::list(&room)).unwrap_or_default()
    }

    /// Looks at every session and room: for a scrape every few seconds, not for every request.
    pub fn stats(&self) -> Stats {
        let sessions = self.inner.sessions.all();
        let rooms = self.inner.rooms.all();
        Stats {
            sessions: sessions.len() as u64,
            rooms: self.inner.rooms.count() as u64,
            subscriptions: rooms.iter().map(|room| room.size.load(Relaxed) as u64).sum(),
            memory_bytes: self.inner.rooms.purse.used() as u64,
            queue_bytes: sessions.iter().map(|s| s.queue.bytes() as u64).sum(),
            ..self.inner.counters.read()
        }
    }

    /// Closes all sessions with 3001 and waits until they and their calls are over, but not beyond the deadline.
    /// Who comes meanwhile is closed as well, who comes after it is refused with a temporary error.
    pub async fn drain(&self, deadline: Duration) {
        self.inner.draining.store(true, Relaxed);
        let over = async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                for session in self.inner.sessions.all() {
                    session.queue.close(CloseCode::SHUTDOWN.into());
                }
                let calls = self.inner.counters.rpcs_running.load(Relaxed);
                if self.inner.sessions.count() == 0 && calls == 0 {
                    return;
                }
                changed.await;
            }
        };
        if timeout(deadline, over).await.is_err() {
            tracing::warn!(sessions = self.inner.sessions.count(), "not all sessions ended in time");
        }
    }
}

impl Inner {
    pub(crate) fn admit(self: &Arc<Self>, agreed: Agreed) -> Admitted {
        let id = SessionId((self.config.ids)());
        let admitted = Admitted::new(Arc::clone(self), Arc::new(Session::new(id, agreed, &self.config)));
        if self.draining.load(Relaxed) {
            self.changed.notify_waiters();
        }
        admitted
    }

    /// Whether one more may connect.
    pub(crate) fn has_capacity(&self) -> Result<(), Rejection> {
        const SHUTTING_DOWN: ErrorReply = ErrorReply::temporary(100, "server is shutting down");
        if self.draining.load(Relaxed) {
            return Err(SHUTTING_DOWN.into());
        }
        if self.sessions.count() > self.config.max_sessions {
            return Err(ErrorReply::TOO_MANY_REQUESTS.into());
        }
        Ok(())
    }

    pub(crate) fn publish(self: &Arc<Self>, room: &str, publication: Publication) {
        count(&self.counters.published);
        if let Some(target) = self.rooms.get(room) {
            let entry = Entry::publication(Arc::clone(&target.name), publication);
            target.accept(self, entry);
        }
    }

    pub(crate) async fn since(&self, room: &str, after: u64, limit: usize) -> Result<LogPage, LogError> {
        count(&self.counters.log_reads);
        let read = self.guarded(self.log.since(room, after, limit)).await;
        self.checked(room, read)
    }

    pub(crate) async fn before(
        &self,
        room: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<LogPage, LogError> {
        count(&self.counters.log_reads);
        let read = self.guarded(self.log.before(room, before, limit)).await;
        self.checked(room, read)
    }

    fn checked(&self, room: &str, read: Option<Result<LogPage, LogError>>) -> Result<LogPage, LogError> {
        let read = read.unwrap_or_else(|| Err(LogError("reading panicked".to_owned())));
        read.inspect_err(|error| {
            self.log_failed(room, error);
        })
    }

    pub(crate) fn log_failed(&self, room: &str, error: &LogError) -> ErrorReply {
        count(&self.counters.log_errors);
        tracing::warn!(room, %error, "log cannot be used");
        ErrorReply::INTERNAL
    }

    /// Runs a call of the application; `None` if it panicked.
    pub(crate) async fn guarded<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let result = AssertUnwindSafe(call).catch_unwind().await;
        if result.is_err() {
            count(&self.counters.panics);
            tracing::error!("the application panicked in a call of the engine");
        }
        result.ok()
    }

    /// From now to an expiry; `None` for never, zero for past.
    pub(crate) fn time_left(&self, expiry: Option<Expiry>) -> Option<Duration> {
        match expiry? {
            Expiry::Never => None,
            Expiry::After(left) => Some(left),
            Expiry::At(unix_s) => {
                let left_ms = unix_s.saturating_mul(1000).saturating_sub((self.config.clock)());
                Some(Duration::from_millis(left_ms.max(0) as u64))
            }
        }
    }
}
