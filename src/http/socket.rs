//! The upgrade to a WebSocket: checks the request, answers it and hands the stream to the engine, which does the
//! framing. Clients choose JSON or Protobuf by subprotocol or query; the default is JSON without a subprotocol.
//!
//! An upgrade that is the first request of its connection, as nearly all are, is answered without the HTTP library. What is
//! unusual about one, or is to be refused, is the library's and the router's.

use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use futures_util::FutureExt as _;
use hub::{Agreed, FirstRequest, Handshake, Hub, Peer, Refusal, UpgradeRequest, WebSocket};
use hyper::upgrade::{OnUpgrade, Upgraded};

use tokio::net::TcpStream;

use super::middleware::{self, REQUEST_ID};
use super::peer::{self, Caller};
use super::problem::{self, Problem};
use super::wire::Wire;
use crate::app::{App, AppState};

pub const PATH: &str = "/connection/websocket";

/// Opens a socket if the first request of the connection is an upgrade that the router would answer with one. Otherwise
/// the stream comes back, with nothing read from it.
pub async fn take_first(app: &App, stream: TcpStream, caller: Caller) -> Option<TcpStream> {
    let started = Instant::now();
    let mut peer = None;
    let wanted = |request: &UpgradeRequest<'_>| {
        peer = admit_first(app, request, caller, started);
        peer.is_some()
    };
    let first = FirstRequest::take(stream, app.config.server.socket_compression, wanted).await;
    match (first, peer) {
        (Ok(FirstRequest::WebSocket(socket)), Some(peer)) => {
            middleware::measure(PATH.to_owned(), "GET", 101, started.elapsed());
            run(&app.hub, socket, peer);
            None
        }
        (Ok(FirstRequest::Other(stream)), _) => Some(stream),
        (ended, _) => {
            tracing::debug!(error = ?ended.err(), "a connection ended before it was upgraded");
            None
        }
    }
}

/// Whether the router and its middleware would let the request become a socket. Refusing it is theirs, and so is a request
/// with an id, which the answer repeats.
fn admit_first(app: &App, request: &UpgradeRequest<'_>, caller: Caller, started: Instant) -> Option<Peer> {
    if request.path != PATH {
        return None;
    }
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    if headers.contains_key(REQUEST_ID) || !caller.may_stay || !app.pages.may_come(&headers) {
        return None;
    }
    let trusted = &app.config.server.trusted_proxies;
    let _slot = middleware::take_slot(app, Some(caller), &headers).ok()?;
    app.untrusted.note(caller.address.ip(), &headers, trusted, started);
    Some(peer_of(app, &headers, Some(caller)))
}

/// `GET /connection/websocket`
pub async fn upgrade(State(app): State<AppState>, mut request: Request) -> Response {
    let peer = match admit(&app, &request) {
        Ok(peer) => peer,
        Err(refusal) => return *refusal,
    };
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let header =
        |name: &'static str| request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    let deflate = app.config.server.socket_compression;
    let Handshake { agreed, headers } = match Handshake::read(header, request.uri().query(), deflate) {
        Ok(handshake) => handshake,
        Err(refusal) => return refuse(&refusal),
    };
    let Some(upgrade) = upgrade else {
        let detail = "this connection cannot become a WebSocket: HTTP/1.1 is needed";
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade", detail).into_response();
    };
    let engine = app.hub.clone();
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => serve(&engine, upgraded, agreed, peer),
            Err(error) => tracing::debug!(%error, "a websocket upgrade failed"),
        }
    });
    (StatusCode::SWITCHING_PROTOCOLS, AppendHeaders(headers)).into_response()
}

/// Whether a request may become a connection that stays, and who asks.
pub(super) fn admit(app: &AppState, request: &Request) -> Result<Peer, Box<Response>> {
    let headers = request.headers();
    if !app.pages.may_come(headers) {
        return Err(foreign().into_response().into());
    }
    let caller = request.extensions().get::<ConnectInfo<Caller>>().map(|caller| caller.0);
    if caller.is_some_and(|caller| !caller.may_stay) {
        app.descriptors.refuse();
        let mut refusal = problem::no_descriptors().into_response();
        // The client must reconnect: the next connection may get a lower descriptor, which may stay.
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Err(refusal.into());
    }
    Ok(peer_of(app, headers, caller))
}

fn peer_of(app: &App, headers: &HeaderMap, caller: Option<Caller>) -> Peer {
    let trusted = &app.config.server.trusted_proxies;
    let ip = caller.map(|caller| peer::resolve(caller.address.ip(), headers, trusted));
    let text =
        |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Peer {
        addr: ip.map(|ip| (ip, 0).into()),
        user_agent: text("user-agent"),
        origin: text("origin"),
        context: None,
    }
}

/// The refusal of a page of another origin.
pub(super) fn foreign() -> Problem {
    let detail =
        "this page may not open a socket here: its address is neither public_url nor in allowed_origins";
    Problem::new(StatusCode::FORBIDDEN, "origin", detail)
}

fn refuse(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let problem = Problem::new(status, "upgrade", refusal.why);
    (AppendHeaders(refusal.headers.iter().copied()), problem).into_response()
}

/// The server listens on plain TCP, so the upgrade returns a TCP stream.
fn serve(engine: &Hub, upgraded: Upgraded, agreed: Agreed, peer: Peer) {
    let Ok(parts) = upgraded.downcast::<Wire>() else {
        return tracing::error!("a websocket upgrade failed: the connection is not plain TCP");
    };
    run(engine, WebSocket::tcp(parts.io.into_stream(), parts.read_buf, agreed), peer);
}

/// Runs the session in a task of its own, which is as small as the session.
fn run(engine: &Hub, socket: WebSocket, peer: Peer) {
    let session = engine.serve(socket, peer);
    tokio::spawn(session.inspect(|closed| tracing::debug!(?closed, "a websocket session ended")));
}
