//! Decoding and encoding by the form of a connection.

use bytes::Bytes;

use super::{
    command::Decoded,
    decode,
    form::Form,
    protobuf, push,
    reply::{self, Reply, SubscribeReply},
};
use crate::data::Data;

impl Form {
    pub(crate) fn ping(self) -> Bytes {
        Bytes::from_static(match self {
            Form::Json => push::PING,
            Form::Protobuf => protobuf::PING,
        })
    }

    pub(crate) fn decode(self, frame: &Bytes) -> Vec<Decoded> {
        match self {
            Form::Json => decode::decode(frame),
            Form::Protobuf => protobuf::decode(frame),
        }
    }

    pub(crate) fn reply(self, id: u32, reply: &Reply) -> Bytes {
        match self {
            Form::Json => reply::json::encode(id, reply),
            Form::Protobuf => reply::protobuf::reply(id, reply),
        }
    }

    pub(crate) fn unsubscribe(self, room: &str, code: u32, reason: &str) -> Bytes {
        match self {
            Form::Json => push::unsubscribe(room, code, reason),
            Form::Protobuf => protobuf::unsubscribe(room, code, reason),
        }
    }

    /// Ends a session on a transport that has no close frames.
    pub(crate) fn disconnect(self, code: u16, reason: &str) -> Bytes {
        match self {
            Form::Json => push::disconnect(code, reason),
            Form::Protobuf => protobuf::disconnect(code, reason),
        }
    }

    pub(crate) fn subscribe(self, room: &str, sub: &SubscribeReply) -> Bytes {
        match self {
            Form::Json => reply::json::subscribe(room, sub),
            Form::Protobuf => reply::protobuf::subscribe(room, sub),
        }
    }

    pub(crate) fn message(self, data: Data) -> Bytes {
        match self {
            Form::Json => push::message(&data),
            Form::Protobuf => protobuf::message(data),
        }
    }
}
