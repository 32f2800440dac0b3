//! The fallback transports in axum: the streams, and the requests that carry what their clients send.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get, post},
};
use hub::{EmulationError, EmulationRequest, Hub, Limits, Peer, StreamKind};

/// The three routes, for frames of at most this length.
pub(crate) fn routes(hub: Hub, max_frame_bytes: usize) -> Router {
    let first = DefaultBodyLimit::max(Limits::browser().max_frame_bytes);
    let further = DefaultBodyLimit::max(EmulationRequest::max_body_bytes(max_frame_bytes));
    Router::new()
        .route("/connection/http_stream", post(http_stream).layer(first))
        .route("/connection/sse", get(sse))
        .route("/emulation", post(emulation).layer(further))
        .with_state(hub)
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

async fn http_stream(State(hub): State<Hub>, headers: HeaderMap, first: Bytes) -> Response {
    serve(&hub, StreamKind::of_content_type(content_type(&headers)), first)
}

async fn sse(State(hub): State<Hub>, RawQuery(query): RawQuery) -> Response {
    match StreamKind::first_frame(query.as_deref()) {
        Some(first) => serve(&hub, StreamKind::Sse, first),
        None => (StatusCode::BAD_REQUEST, "the query must hold cf_connect").into_response(),
    }
}

fn serve(hub: &Hub, kind: StreamKind, first: Bytes) -> Response {
    let (session, body) = hub.serve_stream(kind, first, Peer::default());
    tokio::spawn(session);
    // The connection ends with the stream.
    let headers = kind.headers().chain([("connection", "close")]);
    (AppendHeaders(headers), Body::from_stream(body)).into_response()
}

async fn emulation(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(request) = EmulationRequest::read(content_type(&headers), body) else {
        return StatusCode::BAD_REQUEST;
    };
    match hub.emulate(request).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(EmulationError::UnknownSession) => StatusCode::NOT_FOUND,
        Err(EmulationError::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        Err(EmulationError::TooSlow) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
