//! The upgrade to a WebSocket: checks the request, answers it and hands the stream to the engine, which does the
//! framing. Clients choose JSON or Protobuf by subprotocol or query; the default is JSON without a subprotocol.

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use futures_util::FutureExt as _;
use hub::{Agreed, Handshake, Hub, Peer, Refusal, WebSocket};
use hyper::upgrade::{OnUpgrade, Upgraded};

use super::peer::{self, Caller};
use super::problem::{self, Problem};
use super::wire::Wire;
use crate::app::AppState;

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
    let trusted = &app.config.server.trusted_proxies;
    let ip = caller.map(|caller| peer::resolve(caller.address.ip(), headers, trusted));
    let text =
        |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Peer {
        addr: ip.map(|ip| (ip, 0).into()),
        user_agent: text("user-agent"),
        origin: text("origin"),
        context: None,
    })
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

/// Runs the session in a task of its own, which is as small as the session. The server listens on plain TCP, so the
/// upgrade returns a TCP stream.
fn serve(engine: &Hub, upgraded: Upgraded, agreed: Agreed, peer: Peer) {
    let Ok(parts) = upgraded.downcast::<Wire>() else {
        return tracing::error!("a websocket upgrade failed: the connection is not plain TCP");
    };
    let socket = WebSocket::tcp(parts.io.into_stream(), parts.read_buf, agreed);
    let session = engine.serve(socket, peer);
    tokio::spawn(session.inspect(|closed| tracing::debug!(?closed, "a websocket session ended")));
}
