//! The engine as the application holds it. Decides nothing: each method finds its session or room and calls that.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::timeout;

use crate::{
    authority::{Authority, Peer, ServerSub, SessionId, SessionInfo},
    bus::{EVERY_NODE, Held, Message, Path},
    config::HubConfig,
    data::Data,
    emulation::{self, EmulationError, EmulationRequest},
    engine::Engine,
    log::{ClientInfo, Log, Publication, Tags},
    protocol::codes::CloseCode,
    room::{Revoke, presence},
    session::{Item, Session},
    stats::Stats,
    stream::{self, StreamBody, StreamKind},
    transport::{Closed, Transport},
};

/// A topic whose notices this node gets.
pub struct Topic(#[expect(dead_code, reason = "held for as long as it lives")] Held);

/// The realtime engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Hub {
    engine: Arc<Engine>,
}

impl Hub {
    /// Must be called inside a tokio runtime, which the engine then uses for its tasks.
    pub fn new(config: HubConfig, authority: Arc<dyn Authority>, log: Arc<dyn Log>) -> Hub {
        Hub { engine: Arc::new(Engine::new(config, authority, log)) }
    }

    /// Begins a session on an upgraded socket; the future runs it to its end and returns the reason. Never panics.
    /// If the future is dropped early, the session is cleaned up, but `Authority::closed` is not called.
    pub fn serve<T: Transport>(
        &self,
        transport: T,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<T> {
        self.engine.serve(transport, peer)
    }

    /// Begins a session on a stream: returns its future, and the body to answer with. `first`: the frame that came with
    /// the request. Otherwise as [`Hub::serve`].
    pub fn serve_stream(
        &self,
        kind: StreamKind,
        first: Bytes,
        peer: Peer,
    ) -> (impl Future<Output = Closed> + Send + use<>, StreamBody) {
        let (stream, body) = stream::open(kind, first);
        (self.engine.serve_stream(stream, peer), body)
    }

    /// Gives a frame to the session on a stream whose secret the request carries. Frames are taken in the
    /// order of their commands' ids; it waits while the session is busy with those before.
    pub async fn emulate(&self, request: EmulationRequest) -> Result<(), EmulationError> {
        let EmulationRequest { form, node, session, frame } = request;
        let session = session.ok_or(EmulationError::UnknownSession)?;
        if node == self.engine.context.config.node {
            return self.engine.give(form, session, frame).await;
        }
        self.engine.forward(&node, form, session, frame).await
    }

    /// Whether the secret of a session on a stream is in these bytes, which are the beginning of an emulation request in
    /// either encoding. Whoever wrote it is no stranger.
    pub fn names_stream(&self, start: &[u8]) -> bool {
        emulation::secrets_in(start).any(|secret| self.engine.streams.get(secret).is_some())
    }

    /// Publishes a committed event of a room's log, on all nodes. Never blocks; may be called from any thread. Calls may
    /// come out of order or twice, or be lost: subscribers see every offset once and in order, from the log where necessary.
    pub fn publish(&self, room: &str, publication: Publication) {
        self.engine.context.rooms.publish(Some(room), room, publication);
    }

    /// Publishes to those who are in the room now. Has no offset and is not recovered. `topic`: that of the room's
    /// subscriptions on other nodes; `None`: nobody of another node is in it, or it is known here.
    pub fn publish_ephemeral(&self, topic: Option<&str>, room: &str, data: Data, tags: Tags) {
        let publication = Publication { data, tags, ..Publication::default() };
        self.engine.context.rooms.publish(topic, room, publication);
    }

    /// Gives a notice to [`Authority::noticed`] on all other nodes that hold the topic ([`Hub::hold`]), or on all if there is
    /// none. It may be lost. Never blocks; may be called from any thread.
    pub fn notify(&self, topic: Option<&str>, notice: Bytes) {
        self.engine
            .context
            .rooms
            .context
            .link
            .publish(topic.unwrap_or(EVERY_NODE), || Message::Notice(notice));
    }

    /// Gets the notices of other nodes on this topic for as long as the result lives.
    pub fn hold(&self, topic: &str) -> Topic {
        Topic(self.engine.context.rooms.context.link.hold(topic))
    }

    /// There is no other node that could be told anything.
    pub fn is_alone(&self) -> bool {
        self.engine.context.rooms.context.link.is_alone()
    }

    /// Whether others write to the same log whom the bus does not reach, as two processes on one database that are given no
    /// bus: what they write is found by looking, as while a bus is broken.
    pub fn set_strangers(&self, are_there: bool) {
        self.engine.context.rooms.context.has_strangers.store(are_there, Relaxed);
    }

    /// There are others, and nothing of this node reaches them now.
    pub fn is_cut_off(&self) -> bool {
        match self.path() {
            Some(path) => !path.is_up(),
            None => self.is_alone() && self.engine.context.rooms.context.has_others(),
        }
    }

    /// The way to the other nodes; `None` if there is none that could break.
    pub fn path(&self) -> Option<Path> {
        self.engine.context.rooms.context.link.path()
    }

    /// The name of this node among the others.
    pub fn node(&self) -> &str {
        &self.engine.context.config.node
    }

    /// Pushes a message to one session. `false` if it has ended, or ends as slow by this message.
    pub fn send(&self, session: SessionId, data: Data) -> bool {
        let Some(session) = self.engine.sessions.get(session).filter(|s| s.info().is_some()) else {
            return false;
        };
        session.push(session.form().message(data))
    }

    /// Subscribes a live session to a room, in order with its own commands. Does nothing if it is subscribed; `false` if
    /// the session has ended.
    pub fn subscribe(&self, session: SessionId, sub: ServerSub) -> bool {
        let Some(session) = self.engine.sessions.get(session).filter(|s| s.info().is_some()) else {
            return false;
        };
        session.inbox.put_from_outside(Item::Subscribe(Box::new(sub)));
        true
    }

    /// Revokes a subscription of a live session. A code under 2500 is final for the client; with others it subscribes
    /// again (for a server-side subscription it reconnects).
    pub fn unsubscribe(&self, session: SessionId, room: &str, code: u32, reason: &str) {
        if let Some(session) = self.engine.sessions.get(session) {
            session.revoke(room, code, reason);
        }
    }

    pub fn disconnect_session(&self, session: SessionId, code: CloseCode) {
        if let Some(session) = self.engine.sessions.get(session) {
            session.queue().close(code.into());
        }
    }

    /// See [`Hub::disconnect_all`].
    pub fn disconnect_user(&self, user: &str, code: CloseCode) {
        let user = user.to_owned();
        self.disconnect_all(move |info| info.user == user, code);
    }

    /// Closes all sessions for which `which` is true, for example those of a user, a token or a tenant, and those whose
    /// connect is being decided now as well. Goes through all sessions; returns how many it closed at once.
    pub fn disconnect_all(
        &self,
        which: impl Fn(&SessionInfo) -> bool + Send + Sync + 'static,
        code: CloseCode,
    ) -> usize {
        let which = Arc::new(which);
        let connecting = Arc::clone(&which);
        self.engine.context.admission.revoke(move |info| connecting(info), code);
        let mut sessions = self.engine.sessions.all();
        sessions.retain(|session| session.info().is_some_and(|info| which(info)));
        for session in &sessions {
            session.queue().close(code.into());
        }
        sessions.len()
    }

    /// The live sessions of a user. Goes through all sessions.
    pub fn sessions_of(&self, user: &str) -> Vec<SessionId> {
        let is_theirs = |s: &Arc<Session>| s.info().is_some_and(|info| info.user == user);
        self.engine.sessions.all().into_iter().filter(is_theirs).map(|s| s.id).collect()
    }

    /// Whether another node, by its name, is heard through the bus: it tells of itself three times within
    /// [`HubConfig::presence_keep`].
    pub fn hears(&self, node: &str) -> bool {
        self.engine.hears(node)
    }

    /// The clients in a room whose subscriptions have presence.
    pub fn presence(&self, room: &str) -> Vec<ClientInfo> {
        self.engine.context.rooms.get(room).map(|room| presence::list(&room)).unwrap_or_default()
    }

    /// Goes through every session and room: for a scrape every few seconds, not for every request.
    pub fn stats(&self) -> Stats {
        let sessions = self.engine.sessions.all();
        let rooms = self.engine.context.rooms.all();
        let bus = self.engine.context.rooms.context.link.counts();
        Stats {
            sessions: sessions.len() as u64,
            rooms: self.engine.context.rooms.count() as u64,
            subscriptions: rooms.iter().map(|room| room.size.load(Relaxed) as u64).sum(),
            memory_bytes: self.engine.context.rooms.budget.used() as u64,
            queue_bytes: sessions.iter().map(|s| s.queue().bytes() as u64).sum(),
            bus_sent: bus.sent,
            bus_received: bus.received,
            bus_lost: bus.lost,
            bus_refused: bus.refused,
            ..self.engine.context.counters.read()
        }
    }

    /// Closes all sessions with 3001 and waits until they and their calls have ended, but no longer than the deadline.
    /// Sessions that are opened meanwhile are closed as well; later connects are refused with a temporary error.
    pub async fn drain(&self, deadline: Duration) {
        self.engine.context.admission.drain();
        let over = async {
            loop {
                let changed = self.engine.context.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                for session in self.engine.sessions.all() {
                    session.queue().close(CloseCode::SHUTDOWN.into());
                }
                let calls = self.engine.context.counters.rpcs_running.load(Relaxed);
                if self.engine.context.admission.sessions() == 0 && calls == 0 {
                    return;
                }
                changed.await;
            }
        };
        if timeout(deadline, over).await.is_err() {
            tracing::warn!(
                sessions = self.engine.context.admission.sessions(),
                "not all sessions ended in time"
            );
        }
    }
}
