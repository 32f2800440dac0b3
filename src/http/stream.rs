//! The fallbacks of the socket for clients whose proxies break WebSockets, at the addresses that the stock clients use:
//! a streamed answer or server-sent events to the client, and requests of its own from it. The engine does the rest.
//! Unlike for WebSockets, browsers ask for CORS headers when the page is of another allowed origin.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::FutureExt as _;
use hub::{EmulationError, EmulationRequest, Limits, Peer, StreamKind};

use super::peer::PeerIp;
use super::problem::Problem;
use super::receive::{self, Known, Payer};
use super::socket;
use super::wire::Progress;
use crate::admission::Charge;
use crate::app::AppState;

/// Frames of responders are the longest.
const MAX_EMULATION_BYTES: usize = EmulationRequest::max_body_bytes(1024 * 1024);

pub fn routes(app: &AppState) -> Router<AppState> {
    Router::new()
        .route("/connection/http_stream", post(http_stream).options(preflight))
        .route("/connection/sse", get(sse))
        .route("/emulation", post(emulation).options(preflight))
        .layer(from_fn_with_state(Arc::clone(app), share))
}

/// `POST /connection/http_stream`
async fn http_stream(State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let peer = match socket::admit(&app, &request) {
        Ok(peer) => peer,
        Err(refusal) => return Ok(*refusal),
    };
    let progress = request.extensions().get::<Arc<Progress>>().cloned();
    let kind = StreamKind::of_content_type(content_type(request.headers()));
    // As before the reply to `connect` on a WebSocket, frames must be short.
    let (first, _charge) = body(&app, request, Limits::browser().max_frame_bytes, None).await?;
    Ok(serve(&app, kind, first, peer, progress))
}

/// `GET /connection/sse`
async fn sse(State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let peer = match socket::admit(&app, &request) {
        Ok(peer) => peer,
        Err(refusal) => return Ok(*refusal),
    };
    let progress = request.extensions().get::<Arc<Progress>>().cloned();
    let missing = || Problem::invalid("cf_connect", "the query must hold a connect command");
    let first = StreamKind::first_frame(request.uri().query()).ok_or_else(missing)?;
    Ok(serve(&app, StreamKind::Sse, first, peer, progress))
}

/// `POST /emulation`: a frame of a client that reads a stream. The clients connect again after 404 and 5xx.
async fn emulation(State(app): State<AppState>, request: Request) -> Result<StatusCode, Problem> {
    let content_type = content_type(request.headers()).map(str::to_owned);
    // The charge is kept while the frame waits for its session.
    let is_known = |start: &[u8]| app.hub.names_stream(start);
    let known = Some(Known { budget: &app.admission.budget, by: &is_known });
    let (body, _charge) = body(&app, request, MAX_EMULATION_BYTES, known).await?;
    let unreadable = |_| Problem::new(StatusCode::BAD_REQUEST, "unreadable", "this is no emulation request");
    let request = EmulationRequest::read(content_type.as_deref(), body).map_err(unreadable)?;
    app.hub.emulate(request).await.map_err(|error| match error {
        EmulationError::UnknownSession => Problem::not_found("session: connect again"),
        EmulationError::TooMany => {
            let detail = "the session has too many requests under way, and was closed";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail)
        }
        EmulationError::TooSlow => {
            let detail = "the session is busy with the requests before this one";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        }
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ];
    (StatusCode::NO_CONTENT, AppendHeaders(allowed)).into_response()
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// Nobody has shown a token yet, so this is charged to the strangers' budget, unless it names a session.
async fn body(
    app: &AppState,
    request: Request,
    limit: usize,
    known: Option<Known<'_>>,
) -> Result<(Bytes, Charge), Problem> {
    let (mut parts, body) = request.into_parts();
    let Ok(ip) = PeerIp::from_request_parts(&mut parts, app).await;
    receive::charged(body, limit, Payer { budget: &app.admission.strangers, known }, ip.counted()).await
}

fn serve(
    app: &AppState,
    kind: StreamKind,
    first: Bytes,
    peer: Peer,
    progress: Option<Arc<Progress>>,
) -> Response {
    let (session, body) = app.hub.serve_stream(kind, first, peer);
    tokio::spawn(session.inspect(|closed| tracing::debug!(?closed, "a session on a stream ended")));
    if let Some(progress) = progress {
        progress.keep_as_stream();
    }
    // The connection ends with the stream, because it has no slot any more.
    let headers = kind.headers().chain([("connection", "close")]);
    (AppendHeaders(headers), Body::from_stream(body)).into_response()
}

/// Pages of other origins are refused, as for WebSockets, and those of allowed ones may read the answers.
async fn share(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    if !app.pages.may_come(request.headers()) {
        return socket::foreign().into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
    response
}
