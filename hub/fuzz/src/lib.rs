//! An engine with everything allowed that is fed with bytes from memory. For any bytes: no panic, and every session ends
//! and leaves nothing behind.

#[path = "../../tests/lull.rs"]
mod lull;
mod parse;

use std::{
    io,
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use hub::{
    Agreed, Authority, ConnectRequest, Connected, Data, ErrorReply, Filter, Form, Hub, HubConfig, JoinLeave,
    Limits, MemoryLog, Peer, PublishDecision, Rejection, ServerSub, SessionId, SessionInfo, SubscribeRequest,
    Subscription, WebSocket,
};
use tokio::{
    io::AsyncReadExt,
    runtime::{Builder, Runtime},
};

use lull::Lull;

pub use parse::parse;

struct Open;

fn open_room() -> Subscription {
    Subscription { presence: true, join_leave: JoinLeave::Heard, delta: true, ..Subscription::durable() }
}

#[async_trait::async_trait]
impl Authority for Open {
    async fn connect(&self, _: &Peer, _: SessionId, request: ConnectRequest) -> Result<Connected, Rejection> {
        let own = ServerSub { room: "own".to_owned(), sub: open_room() };
        let limits = Limits { rpc_per_second: None, commands_per_second: None, ..Limits::browser() };
        let rooms = if request.token.is_empty() { Vec::new() } else { vec![own] };
        Ok(Connected { data: request.data, rooms, limits, ..Connected::new(request.name) })
    }

    async fn subscribe(&self, _: &SessionInfo, request: SubscribeRequest) -> Result<Subscription, Rejection> {
        Ok(Subscription { data: request.data, ..open_room() })
    }

    async fn publish(&self, _: &SessionInfo, _: &str, _: &Data) -> Result<PublishDecision, ErrorReply> {
        Ok(PublishDecision::Append)
    }

    async fn rpc(&self, _: &SessionInfo, _: &str, data: &Data) -> Result<Data, ErrorReply> {
        Ok(data.to_owned())
    }

    async fn history(&self, _: &SessionInfo, _: &str) -> Result<Option<Filter>, ErrorReply> {
        Ok(None)
    }

    async fn presence(&self, _: &SessionInfo, _: &str) -> Result<(), ErrorReply> {
        Ok(())
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime at start"));

/// A session whose client sends these bytes after the upgrade, on an engine of its own, so that a finding does not depend
/// on earlier inputs.
pub fn play(agreed: Agreed, bytes: Vec<u8>) {
    let config = HubConfig { close_wait: Duration::from_millis(1), ..HubConfig::default() };
    let log = MemoryLog::new(|_| 10, Duration::from_mins(1), Arc::clone(&config.ids));
    RUNTIME.block_on(async {
        let hub = Hub::new(config, Arc::new(Open), Arc::new(log));
        let stream = io::Cursor::new(bytes).chain(Lull(100));
        let socket = WebSocket::new(stream, tokio::io::sink(), Bytes::new(), agreed);
        hub.serve(socket, Peer::default()).await;
        let stats = hub.stats();
        assert_eq!((stats.sessions, stats.subscriptions, stats.panics), (0, 0, 0));
    });
}

/// The form that the lowest bit chooses.
pub fn form(choice: u8) -> Form {
    if choice & 1 == 0 { Form::Json } else { Form::Protobuf }
}

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;

/// A client's frame, masked with zeros, so that the payload is not changed.
pub fn frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(opcode);
    match u16::try_from(payload.len()) {
        Ok(short) if short < 126 => out.push(0x80 | short as u8),
        Ok(long) => {
            out.push(0xfe);
            out.extend_from_slice(&long.to_be_bytes());
        }
        Err(_) => {
            out.push(0xff);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}
