//! The upgrade as the engine wants it, in axum: the answer, and the engine's own framing over the stream.

use axum::{
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hub::{Handshake, Hub, Peer, WebSocket};
use hyper::upgrade::OnUpgrade;
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use tokio::net::TcpStream;

/// Agrees on a form and serves the socket.
pub(crate) fn serve(hub: Hub, mut request: Request, max_bytes: usize) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (handshake, upgrade) = match (Handshake::read(header, request.uri().query()), upgrade) {
        (Ok(handshake), Some(upgrade)) => (handshake, upgrade),
        (Err(why), _) => return (StatusCode::BAD_REQUEST, why).into_response(),
        (_, None) => return StatusCode::UPGRADE_REQUIRED.into_response(),
    };
    let form = handshake.form;
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = downcast::<TokioIo<TcpStream>>(upgraded) else { return };
        let socket = WebSocket::tcp(parts.io.into_inner(), parts.read_buf, form, max_bytes);
        hub.serve(socket, Peer::default()).await;
    });
    let mut answer = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, handshake.accept);
    if let Some(name) = handshake.subprotocol {
        answer = answer.header(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    answer.body(Body::empty()).expect("headers of plain ASCII")
}
