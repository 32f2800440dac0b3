//! The engine's listener and its WebSocket upgrade, in axum.

use std::{io, net::SocketAddr};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{AppendHeaders, IntoResponse, Response},
    serve::Listener,
};
use bytes::Bytes;
use hub::{ConnectionListener, Descriptors, FirstRequest, Handshake, Hub, Peer, WebSocket};
use hyper::upgrade::OnUpgrade;
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n\
    content-type: text/plain\r\ncontent-length: 31\r\n\r\ntoo many connections, try again";

/// The path of sockets.
pub(crate) const PATH: &str = "/connection/websocket";

/// Requests that are no upgrades wait here for axum.
const WAITING: usize = 64;

/// The listener as axum takes it. It answers upgrades by itself; axum gets the other connections.
pub(crate) struct Door {
    address: SocketAddr,
    others: mpsc::Receiver<(TcpStream, SocketAddr)>,
}

impl Door {
    /// Accepts in a task: the tasks of its connections then begin without waking another thread.
    pub(crate) fn new(
        listener: TcpListener,
        descriptors: Descriptors,
        hub: Hub,
        deflate: bool,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let mut listener = ConnectionListener::new(listener, descriptors, Bytes::from_static(REFUSAL));
        let (send, others) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let accepting = async {
                loop {
                    let (stream, address) = listener.accept().await;
                    tokio::spawn(enter(stream, address, hub.clone(), deflate, send.clone()));
                }
            };
            tokio::select! {
                () = accepting => {}
                () = send.closed() => {}
            }
        });
        Ok(Door { address, others })
    }
}

/// Frames are small: none may wait for the acknowledgement of the one before (TCP_NODELAY), which the listener sets.
async fn enter(
    stream: TcpStream,
    address: SocketAddr,
    hub: Hub,
    deflate: bool,
    others: mpsc::Sender<(TcpStream, SocketAddr)>,
) {
    match FirstRequest::take(stream, deflate, |request| request.path == PATH).await {
        // A task of its own is exactly as large as a session.
        Ok(FirstRequest::WebSocket(socket)) => drop(tokio::spawn(hub.serve(socket, Peer::default()))),
        // Axum has ended if it takes no more.
        Ok(FirstRequest::Other(stream)) => drop(others.send((stream, address)).await),
        Err(error) => tracing::debug!(%error, "a connection ended before it was upgraded"),
    }
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        match self.others.recv().await {
            Some(other) => other,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
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
