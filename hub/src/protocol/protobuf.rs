//! The Protobuf encoding: the same commands, replies and pushes in binary. `messages` has the shapes.
//! `bytes` fields carry JSON text here as everywhere, so a publication is the same for both kinds of clients.

mod decode;
mod encode;
mod messages;

pub(crate) use decode::decode;
pub(crate) use encode::{delta, join, leave, message, publication, reply, subscribe, unsubscribe};

/// An empty message of length 0.
pub(crate) const PING: &[u8] = &[0];
