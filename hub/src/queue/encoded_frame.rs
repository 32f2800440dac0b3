//! Messages for sessions of one form, encoded once for all receivers: as WebSocket frames in one piece for sockets that
//! take them directly, and as single messages for queues.

use std::{collections::VecDeque, sync::OnceLock};

use bytes::{Bytes, BytesMut};

use crate::{protocol::Form, transport::Agreed, ws};

/// Messages of at least this size get a frame of their own, without a copy.
const ALONE_BYTES: usize = 4 * 1024;
/// Smaller messages are joined to frames of at most this size.
const FRAME_BYTES: usize = 16 * 1024;
/// Bytes written under one timeout.
const FLUSH_BYTES: usize = 128 * 1024;
/// More is queued, not written directly.
const WIRE_BYTES: usize = 64 * 1024;

pub(crate) struct EncodedFrame {
    form: Form,
    messages: Vec<Bytes>,
    bytes: usize,
    /// Plain, and compressed.
    wires: [OnceLock<Bytes>; 2],
}

impl EncodedFrame {
    pub(crate) fn new(form: Form, messages: Vec<Bytes>) -> Self {
        let bytes = messages.iter().map(Bytes::len).sum();
        EncodedFrame { form, messages, bytes, wires: Default::default() }
    }

    pub(crate) fn one(form: Form, message: Bytes) -> Self {
        EncodedFrame::new(form, vec![message])
    }

    pub(crate) fn messages(&self) -> &[Bytes] {
        &self.messages
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All messages as WebSocket frames; `None` if that is too much for one write.
    pub(crate) fn wire(&self, deflate: bool) -> Option<&Bytes> {
        if self.bytes > WIRE_BYTES {
            return None;
        }
        let agreed = Agreed { form: self.form, deflate, ..Agreed::default() };
        Some(self.wires[usize::from(deflate)].get_or_init(|| {
            let mut wire = Vec::with_capacity(self.bytes + 16);
            for frame in pack(&mut self.messages.clone().into(), self.form.separator()) {
                ws::add_frame(agreed, &frame, &mut wire);
            }
            wire.into()
        }))
    }
}

/// Takes messages for one flush and joins them to frames, in order.
pub(crate) fn pack(messages: &mut VecDeque<Bytes>, separator: &[u8]) -> Vec<Bytes> {
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
