//! The writing half of a session: empties the queue into the socket, many messages to a frame, and sends the
//! close frame. Holds no buffer while there is nothing to write.

use std::{collections::VecDeque, future::poll_fn, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::time::{error::Elapsed, timeout};

use super::{Session, queue::Taken};
use crate::{
    CloseCode, Closed, Form,
    transport::{TransportError, TransportWriter},
};

/// Messages from this size on get a frame of their own, without a copy.
const ALONE_BYTES: usize = 4 * 1024;
/// Small messages are joined up to this size.
const FRAME_BYTES: usize = 16 * 1024;
/// Written under one time limit.
const FLUSH_BYTES: usize = 128 * 1024;

pub(super) async fn run(session: Arc<Session>, mut writer: impl TransportWriter) {
    loop {
        match poll_fn(|cx| session.queue.poll_take(cx)).await {
            Taken::Messages(messages) => write(&session, &mut writer, messages).await,
            Taken::Pong(data) => {
                pong(&session, &mut writer, &data).await;
            }
            Taken::Closed(Closed::Server(code)) => {
                let farewell = writer.close(code.code, code.wire_reason());
                let _ = timeout(session.write_timeout(), farewell).await;
                return;
            }
            Taken::Closed(Closed::Peer) => {
                let answer = writer.close(CloseCode::NORMAL.code, CloseCode::NORMAL.reason);
                let _ = timeout(session.write_timeout(), answer).await;
                return;
            }
            Taken::Closed(Closed::Lost(_)) => return,
        }
    }
}

async fn write(session: &Session, writer: &mut impl TransportWriter, mut messages: VecDeque<Bytes>) {
    let limit = session.write_timeout();
    while !messages.is_empty() {
        // A long batch on a slow line must not hold up the end of the session, nor the peer's own pings.
        if session.queue.is_hopeless() {
            return;
        }
        if let Some(data) = session.queue.take_pong() {
            pong(session, writer, &data).await;
        }
        let frames = pack(&mut messages, session.form.separator());
        if let Err(why) = flush(writer, session.form, &frames, limit).await {
            session.queue.fail(why);
            return;
        }
    }
}

async fn pong(session: &Session, writer: &mut impl TransportWriter, data: &Bytes) {
    if let Err(why) = finish(timeout(session.write_timeout(), writer.pong(data)).await) {
        session.queue.fail(why);
    }
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

/// Frames for one flush, in order.
fn pack(messages: &mut VecDeque<Bytes>, separator: &[u8]) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let mut total = 0;
    while total < FLUSH_BYTES
        && let Some(first) = messages.pop_front()
    {
        let frame = join(first, messages, separator);
        total += frame.len();
        frames.push(frame);
    }
    frames
}

fn join(first: Bytes, rest: &mut VecDeque<Bytes>, separator: &[u8]) -> Bytes {
    let fits = |size: usize, next: &Bytes| next.len() < ALONE_BYTES && size + next.len() < FRAME_BYTES;
    if first.len() >= ALONE_BYTES || !rest.front().is_some_and(|next| fits(first.len(), next)) {
        return first;
    }
    let mut size = first.len();
    let mut count = 0;
    for next in rest.iter() {
        if !fits(size, next) {
            break;
        }
        size += next.len() + separator.len();
        count += 1;
    }
    let mut joined = BytesMut::with_capacity(size);
    joined.extend_from_slice(&first);
    for message in rest.drain(..count) {
        joined.extend_from_slice(separator);
        joined.extend_from_slice(&message);
    }
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_keeps_every_message_in_order(sizes in proptest::collection::vec(1usize..9000, 0..200)) {
            let messages: Vec<Bytes> =
                sizes.iter().enumerate().map(|(n, size)| format!("{n:0>size$}").into()).collect();
            let mut queue: VecDeque<Bytes> = messages.clone().into();
            let mut out = Vec::new();
            while !queue.is_empty() {
                for frame in pack(&mut queue, b"\n") {
                    let parts: Vec<_> = frame.split(|b| *b == b'\n').map(Bytes::copy_from_slice).collect();
                    prop_assert!(parts.len() == 1 || frame.len() <= FRAME_BYTES + ALONE_BYTES);
                    out.extend(parts);
                }
            }
            prop_assert_eq!(out, messages);
        }
    }

    #[test]
    fn one_message_alone_is_not_copied() {
        let message = Bytes::from(vec![b'x'; 100]);
        let frames = pack(&mut VecDeque::from([message.clone()]), b"");
        assert_eq!(frames[0].as_ptr(), message.as_ptr());
    }
}
