//! The life of a session: its halves side by side, and what is done at its end.

use std::{ops::Deref, sync::Arc};

use tokio::task::JoinHandle;

use super::{alarm, commands, context::SessionContext, reader, state::Session, writer};
use crate::{
    authority::Peer,
    transport::{Closed, Transport, TransportReader, TransportWriter},
};

/// Begins at once. `registered` is dropped at the end. There are many of these futures and they live long, so this is
/// no `async fn`: that would keep space for its arguments beside what is made of them.
pub(crate) fn serve<S>(
    context: Arc<SessionContext>,
    registered: S,
    transport: impl Transport,
    peer: Peer,
) -> impl Future<Output = Closed> + Send
where
    S: Deref<Target = Arc<Session>> + Send,
{
    let agreed = transport.agreed();
    let (mut reader, writer) = transport.split();
    registered.queue().attach(writer.outlet(), agreed.deflate);
    let writing = context.runtime.spawn(writer::run(Arc::clone(&registered), writer));
    let peer = Box::new(peer);
    async move {
        let session: &Arc<Session> = &registered;
        tokio::select! {
            biased;
            () = reader::run(session, &mut reader) => {}
            () = commands::run(&context, session, peer) => {}
            () = alarm::run(&context, session) => {}
            () = session.queue().ended() => {}
        }
        end(&context, session, &mut reader, writing).await
    }
}

async fn end(
    context: &Arc<SessionContext>,
    session: &Session,
    reader: &mut impl TransportReader,
    writing: JoinHandle<()>,
) -> Closed {
    session.queue().close(Closed::Peer);
    let why = session.queue().closed().unwrap_or(Closed::Peer);
    session.leave_all();
    session.inbox.clear();
    // Before the socket is closed, which may take its time: the application can give this session's work to another.
    if let Some(info) = session.info() {
        context.guarded(context.authority.closed(info, &why)).await;
    }
    if writing.await.is_err() {
        tracing::error!(session = %session.id, "the transport panicked while writing");
    }
    if !matches!(why, Closed::Lost(_)) {
        reader::linger(session, reader, context.config.close_wait).await;
    }
    why
}
