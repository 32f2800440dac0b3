//! The engine behind all clones of a [`crate::Hub`]: what its sessions share, and the list of the sessions.

mod sessions;
mod sweep;

use std::sync::Arc;

use tokio::{runtime::Handle, sync::Notify, time::Instant};

use self::sessions::{RegisteredSession, Sessions};
use crate::{
    admission::Admission,
    authority::{Authority, Peer, SessionId},
    config::HubConfig,
    log::Log,
    log_reader::LogReader,
    room::RoomContext,
    rooms::Rooms,
    session::{self, Session, SessionContext},
    stats::Counters,
    transport::{Closed, Transport},
};

pub(crate) struct Engine {
    pub(crate) context: Arc<SessionContext>,
    pub(crate) sessions: Arc<Sessions>,
}

impl Engine {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new(config: HubConfig, authority: Arc<dyn Authority>, log: Arc<dyn Log>) -> Self {
        let (counters, runtime) = (Arc::<Counters>::default(), Handle::current());
        let log = LogReader::new(log, Arc::clone(&counters));
        let rooms = Arc::new(Rooms::new(RoomContext {
            config: config.clone(),
            log: log.clone(),
            counters: Arc::clone(&counters),
            runtime: runtime.clone(),
        }));
        runtime.spawn(sweep::run(Arc::downgrade(&rooms)));
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
        Engine { context: Arc::new(context), sessions: Arc::default() }
    }

    /// Begins a session at once; the future runs it.
    pub(crate) fn serve<T: Transport>(
        &self,
        transport: T,
        peer: Peer,
    ) -> impl Future<Output = Closed> + Send + use<T> {
        let (context, id) = (&self.context, SessionId((self.context.config.ids)()));
        let session = Session::new(id, transport.agreed(), &context.config);
        let registered = RegisteredSession::new(Arc::clone(context), Arc::clone(&self.sessions), session);
        if context.admission.is_draining() {
            context.changed.notify_waiters();
        }
        session::serve(Arc::clone(context), registered, transport, peer)
    }
}
