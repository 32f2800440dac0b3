//! The reading half of a session: frames to commands, pongs, and the end of the socket.

use std::time::Duration;

use tokio::time::timeout;

use super::{inbox::Item, rate::Rate, state::Session};
use crate::{
    protocol::{Form, codes::CloseCode, command::Decoded},
    transport::{Closed, Incoming, TransportError, TransportReader},
};

/// Frames that are read and dropped while the peer's close frame is awaited.
const LINGER_FRAMES: usize = 4096;

/// Reads until the socket ends or the client violates the protocol.
pub(super) async fn run(session: &Session, reader: &mut impl TransportReader) {
    let mut control = Rate::of_control_frames();
    loop {
        session.inbox.has_room().await;
        let next = reader.next(|| session.max_bytes()).await;
        let is_control = matches!(next, Some(Ok(Incoming::Ping(_) | Incoming::Pong | Incoming::Fragment)));
        if is_control && !control.take() {
            return session.queue().close(CloseCode::TOO_MANY_REQUESTS.into());
        }
        let (form, frame) = match next {
            Some(Ok(Incoming::Text(frame))) => (Form::Json, frame),
            Some(Ok(Incoming::Binary(frame))) => (Form::Protobuf, frame),
            Some(Ok(Incoming::Ping(data))) => {
                session.queue().pong(data);
                continue;
            }
            Some(Ok(Incoming::Pong)) => {
                if session.native_pings {
                    session.timers.pong();
                }
                continue;
            }
            Some(Ok(Incoming::Fragment)) => continue,
            Some(Ok(Incoming::Close)) | None => return session.queue().close(Closed::Peer),
            Some(Err(TransportError::TooLarge)) => return session.queue().close(CloseCode::TOO_LARGE.into()),
            Some(Err(TransportError::NotUtf8)) => return session.queue().close(CloseCode::NOT_TEXT.into()),
            Some(Err(TransportError::Violation(why))) => {
                tracing::debug!(session = %session.id, why, "invalid frame");
                return session.queue().close(CloseCode::PROTOCOL_ERROR.into());
            }
            Some(Err(lost)) => return session.queue().close(Closed::Lost(lost)),
        };
        if form != session.form() {
            return refuse(session, "frame of another form than agreed");
        }
        let mut items = Vec::new();
        for decoded in form.decode(&frame) {
            match decoded {
                Decoded::Pong if session.timers.pong() => {}
                Decoded::Pong => {
                    items.push(Item::Bad("pong without a ping"));
                    break;
                }
                Decoded::Command { id, command } => items.push(Item::Command { id, command }),
                Decoded::Bad(why) => items.push(Item::Bad(why)),
            }
        }
        session.inbox.put(items.into_iter(), frame.len());
    }
}

pub(super) fn refuse(session: &Session, why: &'static str) {
    tracing::debug!(session = %session.id, why, "bad request");
    session.queue().close(CloseCode::BAD_REQUEST.into());
}

/// After our close frame: reads until the peer's. A socket that is closed with unread data is reset, and the peer may
/// lose our close frame.
pub(super) async fn linger(session: &Session, reader: &mut impl TransportReader, wait: Duration) {
    let limit = || session.max_bytes();
    let is_over = |next: &Option<_>| matches!(next, None | Some(Err(TransportError::Lost(_))));
    let read = async {
        for _ in 0..LINGER_FRAMES {
            if is_over(&reader.next(limit).await) {
                return;
            }
        }
    };
    let _ = timeout(wait, read).await;
}
