//! The Protobuf encoding: the same commands and pushes in binary. `messages` has the shapes.
//! `bytes` fields carry the application's data as they are, JSON or not.

mod decode;
mod encode;
pub(crate) mod messages;

pub(crate) use decode::decode;
pub(crate) use encode::{
    client_info, delta, disconnect, framed, join, leave, message, publication, published, push, raw, to,
    unsubscribe,
};

/// An empty message of length 0.
pub(crate) const PING: &[u8] = &[0];
