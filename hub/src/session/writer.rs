//! The writing half of a session: writes what the queue could not write directly, many messages to a frame, and the close
//! frame. Holds no buffer while there is nothing to write.

use std::{collections::VecDeque, future::poll_fn, ops::ControlFlow, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{error::Elapsed, timeout};

use super::state::Session;
use crate::{
    protocol::{Form, codes::CloseCode},
    queue::{Taken, pack},
    transport::{Closed, TransportError, TransportWriter},
};

/// Ends the session when the writer ends, by a panic as well.
struct FailOnDrop(Arc<Session>);

impl Drop for FailOnDrop {
    fn drop(&mut self) {
        self.0.queue().fail(CloseCode::WRITE_ERROR.into());
    }
}

/// Every session has this future, which mostly waits; the state that is needed only while it writes is boxed.
pub(super) fn run(
    session: Arc<Session>,
    mut writer: impl TransportWriter,
) -> impl Future<Output = ()> + Send {
    let gone = FailOnDrop(session);
    async move {
        let session = &*gone.0;
        loop {
            let taken = poll_fn(|cx| session.queue().poll_take(cx)).await;
            if Box::pin(act(session, &mut writer, taken)).await.is_break() {
                return;
            }
        }
    }
}

/// Whether there is more to come.
async fn act(session: &Session, writer: &mut impl TransportWriter, taken: Taken) -> ControlFlow<()> {
    let (code, reason) = match taken {
        Taken::Rest(rest) => {
            writer.resume(rest);
            if let Err(why) = flush(writer, session.form(), &[], session.write_timeout()).await {
                session.queue().fail(why);
            }
            return ControlFlow::Continue(());
        }
        Taken::Messages(messages) => {
            write(session, writer, messages).await;
            return ControlFlow::Continue(());
        }
        Taken::Pong(data) => {
            pong(session, writer, &data).await;
            return ControlFlow::Continue(());
        }
        Taken::Ping => {
            if let Err(why) = finish(timeout(session.write_timeout(), writer.ping()).await) {
                session.queue().fail(why);
            }
            return ControlFlow::Continue(());
        }
        Taken::Closed(Closed::Server(code)) => (code.code, code.wire_reason()),
        Taken::Closed(Closed::Peer) => (CloseCode::NORMAL.code, CloseCode::NORMAL.reason),
        Taken::Closed(Closed::Lost(_)) => return ControlFlow::Break(()),
    };
    let _ = timeout(session.write_timeout(), writer.close(code, reason)).await;
    ControlFlow::Break(())
}

async fn write(session: &Session, writer: &mut impl TransportWriter, mut messages: VecDeque<Bytes>) {
    let limit = session.write_timeout();
    while !messages.is_empty() {
        // A long batch on a slow connection must not delay the end of the session, nor the answer to a ping.
        if session.queue().is_hopeless() {
            return;
        }
        if let Some(data) = session.queue().take_pong()
            && !pong(session, writer, &data).await
        {
            return;
        }
        let frames = pack(&mut messages, session.form().separator());
        if let Err(why) = flush(writer, session.form(), &frames, limit).await {
            session.queue().fail(why);
            return;
        }
    }
}

/// Whether it could be written.
async fn pong(session: &Session, writer: &mut impl TransportWriter, data: &Bytes) -> bool {
    let written = finish(timeout(session.write_timeout(), writer.pong(data)).await);
    written.map_err(|why| session.queue().fail(why)).is_ok()
}

async fn flush(
    writer: &mut impl TransportWriter,
    form: Form,
    frames: &[Bytes],
    limit: Duration,
) -> Result<(), Closed> {
    finish(timeout(limit, writer.write(form, frames)).await)
}

fn finish(written: Result<Result<(), TransportError>, Elapsed>) -> Result<(), Closed> {
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error @ TransportError::Lost(_))) => Err(Closed::Lost(error)),
        Ok(Err(_)) | Err(_) => Err(CloseCode::WRITE_ERROR.into()),
    }
}
