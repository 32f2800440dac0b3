//! A transport that panics ends its own session and affects nothing else.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hub::{Agreed, Closed, Outlet, Peer, WebSocket};
use tokio::io::{AsyncWriteExt, duplex};

use crate::support::Server;

/// Takes everything until a test makes it panic.
struct Mine(Arc<AtomicBool>);

impl Outlet for Mine {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!self.0.load(SeqCst), "the socket panics as it was told");
        Ok(bytes.len())
    }

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_socket_that_panics_ends_alone() {
    let server = Server::start().await;
    let trap = Arc::new(AtomicBool::new(false));
    let (mut into, reader) = duplex(1024);
    let agreed = Agreed::default();
    let socket = WebSocket::new(reader, Mine(Arc::clone(&trap)), Bytes::new(), agreed);
    let hub = server.hub.clone();
    let served = tokio::spawn(async move { hub.serve(socket, Peer::default()).await });
    let text = "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}";
    let head = [0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    into.write_all(&[&head[..], text.as_bytes()].concat()).await.unwrap();
    server.until("its subscription", |s| s.subscriptions == 1).await;
    let mut ann = server.client("ann").await;
    ann.subscribe("room").await;

    trap.store(true, SeqCst);
    server.publish("room", "1");
    assert_eq!(ann.publication().await.0, 1);
    assert!(matches!(served.await.unwrap(), Closed::Server(_)));
    server.publish("room", "2");
    assert_eq!(ann.publication().await.0, 2);
}
