//! One client's session, from the upgraded socket to its end. Reading, commands and timers run side by side
//! in one task, writing in another; whatever ends one of them ends the session, and leaving cleans up.

mod calls;
mod commands;
mod connect;
mod history;
pub(crate) mod inbox;
mod rate;
mod reader;
pub(crate) mod subs;
mod subscribe;
pub(crate) mod timers;
mod writer;

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{
    Agreed, Closed, Form, HubConfig, MaxBytes, Peer, SessionId, SessionInfo,
    hub::Inner,
    protocol::reply::Reply,
    queue::{EncodedFrame, Queue},
    session::{inbox::Inbox, subs::Subs, timers::Timers},
    transport::{Transport, TransportReader, TransportWriter},
};

/// How much longer a message may become that comes deflated.
const INFLATED: usize = 10;

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) form: Form,
    native_pings: bool,
    pub(crate) queue: Queue,
    pub(crate) timers: Timers,
    pub(crate) inbox: Inbox,
    pub(crate) subs: Mutex<Subs>,
    /// Set once, when the authority has let it in.
    info: OnceLock<Arc<SessionInfo>>,
    /// Bounds until then.
    max_frame_bytes: usize,
    write_timeout: Duration,
}

impl Session {
    pub(crate) fn new(id: SessionId, agreed: Agreed, config: &HubConfig) -> Self {
        Session {
            id,
            form: agreed.form,
            native_pings: agreed.native_pings,
            queue: Queue::new(config.limits.max_queue_bytes),
            timers: Timers::new(config),
            inbox: Inbox::default(),
            subs: Mutex::default(),
            info: OnceLock::new(),
            max_frame_bytes: config.limits.max_frame_bytes,
            write_timeout: config.limits.write_timeout,
        }
    }

    pub(crate) fn info(&self) -> Option<&Arc<SessionInfo>> {
        self.info.get()
    }

    /// A push to this client alone; see [`Queue::push`].
    pub(crate) fn push(&self, message: Bytes) -> bool {
        self.queue.push(&EncodedFrame::one(self.form, message)) == 1
    }

    fn reply(&self, id: u32, reply: &Reply) {
        self.queue.reply(&EncodedFrame::one(self.form, self.form.reply(id, reply)), self.inbox.has_more());
    }

    /// The reply for which a place was kept.
    fn fill(&self, reply: Bytes) {
        self.queue.fill(&EncodedFrame::one(self.form, reply), self.inbox.has_more());
    }

    /// A stranger's message may not become longer than it is.
    fn max_bytes(&self) -> MaxBytes {
        self.info().map_or(
            MaxBytes { message: self.max_frame_bytes, inflated: self.max_frame_bytes },
            |info| {
                let message = info.limits.max_frame_bytes;
                MaxBytes { message, inflated: message.saturating_mul(INFLATED) }
            },
        )
    }

    fn write_timeout(&self) -> Duration {
        self.info().map_or(self.write_timeout, |info| info.limits.write_timeout)
    }
}

/// Begins at once. There are many of these futures and they live long, so this is no `async fn`: that would keep room
/// for its arguments beside what is made of them.
pub(crate) fn serve(
    inner: Arc<Inner>,
    transport: impl Transport,
    peer: Peer,
) -> impl Future<Output = Closed> + Send {
    let agreed = transport.agreed();
    let (mut reader, writer) = transport.split();
    let admitted = inner.admit(agreed);
    admitted.session.queue.attach(writer.outlet(), agreed.deflate);
    let writing = inner.runtime.spawn(writer::run(Arc::clone(&admitted.session), writer));
    let peer = Box::new(peer);
    async move {
        let session = &admitted.session;
        tokio::select! {
            biased;
            () = reader::run(session, &mut reader) => {}
            () = commands::run(&inner, session, peer) => {}
            () = timers::run(&inner, session) => {}
            () = session.queue.ended() => {}
        }
        end(&inner, session, &mut reader, writing).await
    }
}

async fn end(
    inner: &Arc<Inner>,
    session: &Session,
    reader: &mut impl TransportReader,
    writing: JoinHandle<()>,
) -> Closed {
    session.queue.close(Closed::Peer);
    let why = session.queue.closed().unwrap_or(Closed::Peer);
    session.leave_all(inner);
    session.inbox.clear();
    // Told at once: what this session was busy with can be given to another, while the socket takes its time.
    if let Some(info) = session.info() {
        inner.guarded(inner.authority.closed(info, &why)).await;
    }
    if writing.await.is_err() {
        tracing::error!(session = %session.id, "the transport panicked while writing");
    }
    if !matches!(why, Closed::Lost(_)) {
        reader::linger(session, reader, inner.config.close_wait).await;
    }
    why
}
