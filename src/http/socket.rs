//! The upgrade to a WebSocket: who may ask, what is answered, and the stream handed to the engine, which does the
//! framing. Clients choose JSON or Protobuf by subprotocol or query; who says nothing gets JSON and no subprotocol.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub::{Closed, Form, Handshake, Hub, Peer, TransportError, WebSocket};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;

use super::peer::PeerIp;
use super::problem::Problem;
use crate::app::AppState;

/// The transport's own bound; each role has a lower or equal one in the engine.
const MAX_FRAME: usize = 1024 * 1024;

/// `GET /connection/websocket`
pub async fn upgrade(State(app): State<AppState>, PeerIp(ip): PeerIp, mut request: Request) -> Response {
    if !same_origin(&app, request.headers()) {
        let detail = "this page may not open a socket here: its address is not in allowed_origins";
        return Problem::new(StatusCode::FORBIDDEN, "origin", detail).into_response();
    }
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let header = |name: &'static str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let handshake = match Handshake::read(header, request.uri().query()) {
        Ok(handshake) => handshake,
        Err(why) => return Problem::new(StatusCode::BAD_REQUEST, "upgrade", why).into_response(),
    };
    let Some(upgrade) = upgrade else {
        let detail = "this connection cannot become a WebSocket: HTTP/1.1 is needed";
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade", detail).into_response();
    };
    let text = |name: &'static str| header(name).map(str::to_owned);
    let peer = Peer {
        addr: ip.map(|ip| (ip, 0).into()),
        user_agent: text("user-agent"),
        origin: text("origin"),
        context: None,
    };
    let (engine, form) = (app.hub.clone(), handshake.form);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let closed = serve(&engine, upgraded, form, peer).await;
                tracing::debug!(?closed, "a socket ended");
            }
            Err(error) => tracing::debug!(%error, "a socket was not opened"),
        }
    });
    switch(handshake)
}

fn switch(handshake: Handshake) -> Response {
    let mut answer = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, handshake.accept);
    if let Some(name) = handshake.subprotocol {
        answer = answer.header(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    answer.body(Body::empty()).expect("a digest in base64 and a constant are header values")
}

/// The server listens on plain TCP, so that is what an upgrade gives back.
async fn serve(engine: &Hub, upgraded: Upgraded, form: Form, peer: Peer) -> Closed {
    let Ok(parts) = downcast::<TokioIo<TcpStream>>(upgraded) else {
        return Closed::Lost(TransportError::Lost("the connection is not plain TCP".to_owned()));
    };
    let socket = WebSocket::tcp(parts.io.into_inner(), parts.read_buf, form, MAX_FRAME);
    engine.serve(socket, peer).await
}

/// A browser says from which page it comes; programs say nothing. A page of another site must not speak
/// with the rights of whoever looks at it.
fn same_origin(app: &AppState, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = origin.split_once("://").map_or(origin, |(_, name)| name);
    name == host
        || origin == app.config.public_url
        || app.config.allowed_origins.iter().any(|allowed| allowed == origin)
}
