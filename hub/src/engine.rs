//! The engine behind all clones of a [`crate::Hub`]: what its sessions share, and the list of the sessions.

mod forward;
mod inbound;
mod sessions;
mod streams;
mod sweep;
mod tell;
mod watch;

use std::sync::{Arc, atomic::AtomicBool};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::Notify, time::Instant};
use uuid::Uuid;

use self::{
    forward::Forwarding,
    inbound::Inbound,
    sessions::{RegisteredSession, Sessions},
    streams::{StreamEntry, Streams},
};
use crate::{
    admission::Admission,
    authority::{Authority, Peer, SessionId},
    config::HubConfig,
    emulation::EmulationError,
    log::Log,
    log_reader::LogReader,
    protocol::Form,
    room::RoomContext,
    rooms::Rooms,
    session::{self, Session, SessionContext},
    stats::Counters,
    stream::Stream,
    transport::{Closed, Transport},
};

pub(crate) struct Engine {
    pub(crate) context: Arc<SessionContext>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) streams: Arc<Streams>,
    forwarding: Arc<Forwarding>,
}

impl Engine {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new(config: HubConfig, authority: Arc<dyn Authority>, log: Arc<dyn Log>) -> Self {
        let (counters, runtime) = (Arc::<Counters>::default(), Handle::current());
        let log = LogReader::new(log, Arc::clone(&counters));
        let link = Arc::new(config.bus.link(&config.node));
        let rooms = Arc::new(Rooms::new(RoomContext {
            config: config.clone(),
            log: log.clone(),
            counters: Arc::clone(&counters),
            link: Arc::clone(&link),
            has_strangers: AtomicBool::new(false),
            runtime: runtime.clone(),
        }));
        runtime.spawn(sweep::run(Arc::downgrade(&rooms)));
        let look = Arc::<Notify>::default();
        runtime.spawn(watch::run(Arc::downgrade(&rooms), Arc::clone(&look)));
        runtime.spawn(tell::run(Arc::downgrade(&rooms)));
        let context = SessionContext {
            admission: Admission::new(&config),
            config,
            authority,
            log,
            rooms,
            counters,
            changed: Notify::new(),
            started: Instant::now(),
        };
        let engine = Engine {
            context: Arc::new(context),
            sessions: Arc::default(),
            streams: Arc::default(),
            forwarding: Arc::default(),
        };
        link.start(engine.inbound(look));
        engine
    }

    fn inbound(&self, look: Arc<Notify>) -> Arc<Inbound> {
        Arc::new(Inbound {
            context: Arc::downgrade(&self.context),
            sessions: Arc::clone(&self.sessions),
            streams: Arc::clone(&self.streams),
            forwarding: Arc::clone(&self.forwarding),
            look,
        })
    }

    /// Gives a frame to the session of a stream on this node.
    pub(crate) async fn give(&self, form: Form, secret: Uuid, frame: Bytes) -> Result<(), EmulationError> {
        forward::give(&self.streams, &self.sessions, form, secret, frame).await
    }

    /// Sends a frame to the node that has the session, and waits for what becomes of it.
    pub(crate) async fn forward(
        &self,
        node: &str,
        form: Form,
        session: Uuid,
        frame: Bytes,
    ) -> Result<(), EmulationError> {
        forward::forward(&self.forwarding, &self.context, node, form, session, frame).await
    }

    /// Whether something of another node came through the bus a moment ago.
    pub(crate) fn hears(&self, node: &str) -> bool {
        self.forwarding.knows(node, self.context.config.presence_keep)
    }

    /// Begins a session at once; the future runs it.
    pub(crate) fn serve<T: Transport>(
        &self,
        transport: T,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<T> {
        self.begin(SessionId(self.id()), transport, None, peer)
    }

    /// The same for a stream, which other requests find by a secret.
    pub(crate) fn serve_stream(
        &self,
        stream: Stream,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<> {
        let (session, secret) = (SessionId(self.id()), self.id());
        let registered = self.streams.add(secret, StreamEntry { session, pipe: stream.pipe() });
        let serving = self.begin(session, stream, Some(secret), peer);
        async move {
            let closed = serving.await;
            drop(registered);
            closed
        }
    }

    fn id(&self) -> Uuid {
        (self.context.config.ids)()
    }

    fn begin<T: Transport>(
        &self,
        id: SessionId,
        transport: T,
        secret: Option<Uuid>,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<T> {
        let context = &self.context;
        let session = Session::new(id, transport.agreed(), secret, &context.config);
        let registered = RegisteredSession::new(Arc::clone(context), Arc::clone(&self.sessions), session);
        if context.admission.is_draining() {
            context.changed.notify_waiters();
        }
        session::serve(Arc::clone(context), registered, transport, peer)
    }
}
