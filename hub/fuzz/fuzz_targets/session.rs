//! Any bytes as the stream of a session, framing and commands of both forms included. The first byte chooses the
//! form; the rest is what the client sends after the upgrade. `tests/mangled.rs` is the same without a fuzzer.

#![no_main]

use std::{
    io,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hub::{
    Agreed, Authority, ConnectError, ConnectRequest, Connected, ErrorReply, Form, Hub, HubConfig, MemoryLog, Peer,
    SessionId, SessionInfo, SubscribeRequest, Subscription, WebSocket,
};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncRead, AsyncReadExt, ReadBuf},
    runtime::{Builder, Runtime},
};

struct Open;

#[async_trait::async_trait]
impl Authority for Open {
    async fn connect(&self, _: &Peer, _: SessionId, _: ConnectRequest) -> Result<Connected, ConnectError> {
        Ok(Connected::new("anybody"))
    }

    async fn subscribe(&self, _: &SessionInfo, _: SubscribeRequest) -> Result<Subscription, ErrorReply> {
        Ok(Subscription { presence: true, join_leave: true, ..Subscription::durable() })
    }
}

/// Silence for so many looks, in which the engine works off what it has read; then the end.
struct Lull(u32);

impl AsyncRead for Lull {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Ok(()));
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

static ENGINE: LazyLock<(Runtime, Hub)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime at start");
    let config = HubConfig { close_wait: Duration::from_millis(1), ..HubConfig::default() };
    let log = MemoryLog::new(|_| 10, Duration::from_mins(1), Arc::clone(&config.ids));
    let hub = runtime.block_on(async { Hub::new(config, Arc::new(Open), Arc::new(log)) });
    (runtime, hub)
});

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let form = if first & 1 == 0 { Form::Json } else { Form::Protobuf };
    let (runtime, hub) = &*ENGINE;
    let stream = io::Cursor::new(bytes.to_vec()).chain(Lull(100));
    let socket = WebSocket::new(stream, tokio::io::sink(), Bytes::new(), Agreed { form, deflate: data.len() % 2 == 0 });
    runtime.block_on(hub.serve(socket, Peer::default()));
    let stats = hub.stats();
    assert_eq!((stats.sessions, stats.subscriptions, stats.panics), (0, 0, 0));
});
