//! The engine's listener and its WebSocket upgrade, in axum.

use std::{io, net::SocketAddr};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{AppendHeaders, IntoResponse, Response},
    serve::Listener,
};
use bytes::Bytes;
use hub::{ConnectionListener, Descriptors, Handshake, Hub, Peer, WebSocket};
use hyper::upgrade::OnUpgrade;
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use tokio::net::{TcpListener, TcpStream};

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n\
    content-type: text/plain\r\ncontent-length: 31\r\n\r\ntoo many connections, try again";

/// The listener as axum takes it.
pub(crate) struct Door(ConnectionListener);

impl Door {
    pub(crate) fn new(listener: TcpListener, descriptors: Descriptors) -> Self {
        Door(ConnectionListener::new(listener, descriptors, Bytes::from_static(REFUSAL)))
    }
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        self.0.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Answers the upgrade and serves the socket. `deflate`: compression is allowed.
pub(crate) fn serve(hub: Hub, mut request: Request, deflate: bool) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let header = |name| request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    let (Handshake { agreed, headers }, upgrade) =
        match (Handshake::read(header, request.uri().query(), deflate), upgrade) {
            (Ok(handshake), Some(upgrade)) => (handshake, upgrade),
            (Err(refusal), _) => {
                let status = StatusCode::from_u16(refusal.status).expect("a known status");
                return (status, AppendHeaders(refusal.headers.iter().copied()), refusal.why).into_response();
            }
            (_, None) => return StatusCode::UPGRADE_REQUIRED.into_response(),
        };
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = downcast::<TokioIo<TcpStream>>(upgraded) else { return };
        let socket = WebSocket::tcp(parts.io.into_inner(), parts.read_buf, agreed);
        tokio::spawn(hub.serve(socket, Peer::default()));
    });
    (StatusCode::SWITCHING_PROTOCOLS, AppendHeaders(headers)).into_response()
}
