//! The upgrade to a WebSocket, and the engine's transport over axum's socket. Clients choose JSON or Protobuf
//! by subprotocol or query; who says nothing gets JSON and no subprotocol.

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hub::{Form, Incoming, Transport, TransportError, TransportReader, TransportWriter};

use super::peer::PeerIp;
use super::problem::Problem;
use crate::app::AppState;

/// Small, because an idle socket holds it; a longer frame grows it for as long as it is read.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 4 * 1024;
/// The transport's own bound; each role has a lower or equal one in the engine.
const MAX_FRAME: usize = 1024 * 1024;

/// `GET /connection/websocket`
pub async fn upgrade(
    State(app): State<AppState>,
    PeerIp(ip): PeerIp,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !same_origin(&app, &headers) {
        let detail = "this page may not open a socket here: its address is not in allowed_origins";
        return Problem::new(StatusCode::FORBIDDEN, "origin", detail).into_response();
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let peer = hub::Peer {
        addr: ip.map(|ip| (ip, 0).into()),
        user_agent: text(header::USER_AGENT),
        origin: text(header::ORIGIN),
        context: None,
    };
    let engine = app.hub.clone();
    let upgrade = upgrade.protocols([Form::PROTOBUF_SUBPROTOCOL, Form::JSON_SUBPROTOCOL]);
    let agreed = upgrade.selected_protocol().and_then(|name| name.to_str().ok());
    let form = Form::asked(agreed, query.as_deref());
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(64 * 1024 * 1024)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| async move {
            let closed = engine.serve(Socket(socket, form), peer).await;
            tracing::debug!(?closed, "a socket ended");
        })
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

struct Socket(WebSocket, Form);
struct Reader(SplitStream<WebSocket>);
struct Writer(SplitSink<WebSocket, Message>);

impl Transport for Socket {
    type Reader = Reader;
    type Writer = Writer;

    fn form(&self) -> Form {
        self.1
    }

    fn split(self) -> (Reader, Writer) {
        let (writer, reader) = self.0.split();
        (Reader(reader), Writer(writer))
    }
}

impl TransportReader for Reader {
    async fn next(&mut self) -> Option<Result<Incoming, TransportError>> {
        loop {
            return Some(match self.0.next().await? {
                Ok(Message::Text(text)) => Ok(Incoming::Text(text.into())),
                Ok(Message::Binary(bytes)) => Ok(Incoming::Binary(bytes)),
                Ok(Message::Close(_)) => Ok(Incoming::Close),
                // Answered by the library.
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Err(error) => Err(lost(&error)),
            });
        }
    }
}

impl TransportWriter for Writer {
    async fn write(&mut self, form: Form, frames: &[Bytes]) -> Result<(), TransportError> {
        for frame in frames {
            let message = if form.is_binary() {
                Message::Binary(frame.clone())
            } else {
                let text = frame.clone().try_into();
                Message::Text(text.map_err(|_| TransportError::Lost("a frame that is not UTF-8".to_owned()))?)
            };
            self.0.feed(message).await.map_err(|error| lost(&error))?;
        }
        self.0.flush().await.map_err(|error| lost(&error))
    }

    async fn close(&mut self, code: u16, reason: &str) -> Result<(), TransportError> {
        let frame = CloseFrame { code, reason: reason.to_owned().into() };
        self.0.send(Message::Close(Some(frame))).await.map_err(|error| lost(&error))
    }
}

fn lost(error: &axum::Error) -> TransportError {
    let text = error.to_string();
    if text.contains("Space limit exceeded") || text.contains("too long") {
        TransportError::TooLarge
    } else {
        TransportError::Lost(text)
    }
}
