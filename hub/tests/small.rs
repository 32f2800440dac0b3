//! The memory of an idle session, which a small change of code could double unnoticed.

use bytes::Bytes;
use hub::{Agreed, Peer, WebSocket};
use tokio::net::{TcpListener, TcpStream};

use crate::support::Server;

/// The largest allocation of a session. An argument that an `async fn` keeps beside what is made of it shows here.
const MAX_BYTES: usize = 1200;

#[tokio::test]
async fn the_future_of_a_session_is_small() {
    let server = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let agreed = Agreed::default();
    let session = server.hub.serve(WebSocket::tcp(stream, Bytes::new(), agreed), Peer::default());
    let bytes = size_of_val(&session);
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}
