//! Messages to whole frames, compressed if that was agreed on and makes them smaller.

use bytes::Bytes;

use super::{deflate::deflate, head::Head};
use crate::transport::Agreed;

/// Adds a message as a frame of its own.
pub(crate) fn add_frame(agreed: Agreed, message: &Bytes, out: &mut Vec<u8>) {
    let (head, payload) = make_frame(agreed, message);
    out.extend_from_slice(head.bytes());
    out.extend_from_slice(&payload);
}

/// The header and the payload of a message's frame.
pub(super) fn make_frame(agreed: Agreed, message: &Bytes) -> (Head, Bytes) {
    let deflated = agreed.deflate.then(|| deflate(message)).flatten();
    let is_deflated = deflated.is_some();
    let payload = deflated.unwrap_or_else(|| message.clone());
    let head = if agreed.form.is_binary() { Head::binary(payload.len()) } else { Head::text(payload.len()) };
    (if is_deflated { head.deflated() } else { head }, payload)
}
