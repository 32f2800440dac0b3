//! The replies to commands, as values. Their two encodings are in `reply/json.rs` and `reply/protobuf.rs`.

pub(crate) mod json;
pub(crate) mod protobuf;

use super::{codes::ErrorReply, event::RoomEvent};
use crate::{data::Data, log::ClientInfo};

pub(crate) enum Reply {
    Connect(Box<ConnectReply>),
    Subscribe(SubscribeReply),
    Unsubscribe,
    Publish,
    Presence(Vec<ClientInfo>),
    PresenceStats { clients: usize, users: usize },
    History(HistoryReply),
    Rpc(Data),
    Refresh { client: String, version: String, ttl: Option<u32> },
    SubRefresh { ttl: Option<u32> },
    Error(ErrorReply),
}

pub(crate) struct ConnectReply {
    pub(crate) client: String,
    pub(crate) version: String,
    pub(crate) ttl: Option<u32>,
    pub(crate) data: Option<Data>,
    pub(crate) subs: Vec<(String, SubscribeReply)>,
    /// `None` if the client must not expect pings of the protocol.
    pub(crate) ping_s: Option<u32>,
    /// How the client's further frames reach a session on a stream.
    pub(crate) emulation: Option<EmulationAddress>,
    pub(crate) time_ms: i64,
}

pub(crate) struct EmulationAddress {
    /// The secret of the session.
    pub(crate) session: String,
    pub(crate) node: String,
}

#[derive(Default)]
pub(crate) struct SubscribeReply {
    /// The room is durable: the client keeps its position.
    pub(crate) recoverable: bool,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    /// `None` if the client did not ask to recover.
    pub(crate) recovered: Option<bool>,
    pub(crate) publications: Vec<RoomEvent>,
    /// From now on publications may be sent as deltas.
    pub(crate) delta: bool,
    pub(crate) data: Option<Data>,
    pub(crate) ttl: Option<u32>,
}

pub(crate) struct HistoryReply {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) publications: Vec<RoomEvent>,
}
