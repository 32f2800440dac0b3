//! The life of a session: its halves side by side, and what is done at its end.

use std::{
    future::poll_fn,
    ops::Deref,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::FusedFuture};

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
    let mut writing = Box::pin(write(Arc::clone(&registered), writer).fuse());
    let peer = Box::new(peer);
    async move {
        let session: &Arc<Session> = &registered;
        {
            let mut reading = pin!(reader::run(session, &mut reader));
            let mut running = pin!(commands::run(&context, session, peer));
            let mut alarm = pin!(alarm::run(&context, session));
            let mut ended = pin!(session.queue().ended());
            let over = |cx: &mut Context<'_>| {
                // The writer comes last, so that the replies to all commands of a frame go out together, and nothing that
                // is queued until then has to wake it.
                session.queue().writer_follows();
                let over = reading.as_mut().poll(cx).is_ready()
                    || running.as_mut().poll(cx).is_ready()
                    || alarm.as_mut().poll(cx).is_ready()
                    || ended.as_mut().poll(cx).is_ready()
                    || writing.as_mut().poll(cx).is_ready();
                if over { Poll::Ready(()) } else { Poll::Pending }
            };
            poll_fn(over).await;
        }
        end(&context, session, &mut reader, writing).await
    }
}

async fn end(
    context: &Arc<SessionContext>,
    session: &Session,
    reader: &mut impl TransportReader,
    mut writing: Pin<Box<impl FusedFuture<Output = ()> + Send>>,
) -> Closed {
    session.queue().close(Closed::Peer);
    let why = session.queue().closed().unwrap_or(Closed::Peer);
    session.leave_all();
    session.inbox.clear();
    // Before the socket is closed, which may take its time: the application can give this session's work to another.
    let telling = async {
        if let Some(info) = session.info() {
            context.guarded(context.authority.closed(info, &why)).await;
        }
    };
    let writing = async {
        if !writing.is_terminated() {
            (&mut writing).await;
        }
    };
    tokio::join!(telling, writing);
    if !matches!(why, Closed::Lost(_)) {
        reader::linger(session, reader, context.config.close_wait).await;
    }
    why
}

/// A panic of the transport ends the session by `writer::run`, and nothing else.
fn write(session: Arc<Session>, writer: impl TransportWriter) -> impl Future<Output = ()> + Send {
    let id = session.id;
    let writing = AssertUnwindSafe(writer::run(session, writer)).catch_unwind();
    writing.map(move |written| {
        if written.is_err() {
            tracing::error!(session = %id, "the transport panicked while writing");
        }
    })
}
