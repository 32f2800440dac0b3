//! The engine as the application holds it: each method finds what it is about and calls that.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::timeout;

use crate::{
    authority::{Authority, Peer, ServerSub, SessionId, SessionInfo},
    config::HubConfig,
    engine::Engine,
    log::{ClientInfo, Log, Publication, Tags},
    protocol::{codes::CloseCode, json},
    room::{Revoke, presence},
    session::{Item, Session},
    stats::Stats,
    transport::{Closed, Transport},
};

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

    /// Begins a session on an upgraded socket; the future runs it until it ends, and says why it ended. Never panics.
    /// Dropped half-way it cleans up all the same, but the authority is not told.
    pub fn serve<T: Transport>(
        &self,
        transport: T,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<T> {
        self.engine.serve(transport, peer)
    }

    /// Publishes a committed event of a room's log. Never waits; may be called from any thread. Calls may come
    /// out of order or twice: subscribers see every offset once and in order, if need be from the log.
    pub fn publish(&self, room: &str, publication: Publication) {
        self.engine.context.rooms.publish(room, publication);
    }

    /// Publishes to those who are in the room now. It has no offset and is never recovered.
    pub fn publish_ephemeral(&self, room: &str, data: Bytes, tags: Tags) {
        self.engine.context.rooms.publish(room, Publication { data, tags, ..Publication::default() });
    }

    /// Pushes a message to one session. `false` if it is gone, was cut as slow by this, or the data is no JSON.
    pub fn send(&self, session: SessionId, data: Bytes) -> bool {
        let Some(session) = self.engine.sessions.get(session).filter(|s| s.info().is_some()) else {
            return false;
        };
        let Some(data) = json::clean(data) else { return false };
        session.push(session.form().message(&data))
    }

    /// Subscribes a live session to a room, in line with its own commands. Already subscribed is well;
    /// `false` if the session is gone.
    pub fn subscribe(&self, session: SessionId, sub: ServerSub) -> bool {
        let Some(session) = self.engine.sessions.get(session).filter(|s| s.info().is_some()) else {
            return false;
        };
        session.inbox.put_from_outside(Item::Subscribe(Box::new(sub)));
        true
    }

    /// Takes a room away from a live session. Codes under 2500 are final for the client; with others it
    /// subscribes again (for a room subscribed by the server it connects again).
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

    /// Closes all sessions of which this is true, those included whose connect is being decided at this moment:
    /// everybody of a user, of a token, of a tenant. Looks at all sessions; says how many it closed at once.
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

    /// The live sessions of a user. Looks at all sessions.
    pub fn sessions_of(&self, user: &str) -> Vec<SessionId> {
        let is_his = |s: &Arc<Session>| s.info().is_some_and(|info| info.user == user);
        self.engine.sessions.all().into_iter().filter(is_his).map(|s| s.id).collect()
    }

    /// Who is in a room, of those whose subscription has presence.
    pub fn presence(&self, room: &str) -> Vec<ClientInfo> {
        self.engine.context.rooms.get(room).map(|room| presence::list(&room)).unwrap_or_default()
    }

    /// Looks at every session and room: for a scrape every few seconds, not for every request.
    pub fn stats(&self) -> Stats {
        let sessions = self.engine.sessions.all();
        let rooms = self.engine.context.rooms.all();
        Stats {
            sessions: sessions.len() as u64,
            rooms: self.engine.context.rooms.count() as u64,
            subscriptions: rooms.iter().map(|room| room.size.load(Relaxed) as u64).sum(),
            memory_bytes: self.engine.context.rooms.budget.used() as u64,
            queue_bytes: sessions.iter().map(|s| s.queue().bytes() as u64).sum(),
            ..self.engine.context.counters.read()
        }
    }

    /// Closes all sessions with 3001 and waits until they and their calls are over, but not beyond the deadline.
    /// Who comes meanwhile is closed as well, who comes after it is refused with a temporary error.
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
