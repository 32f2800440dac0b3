//! The upgrade as the engine wants it, and the engine's transport over axum's WebSocket.

use axum::{
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    response::Response,
};
use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hub::{Form, Hub, Incoming, Peer, Transport, TransportError, TransportReader, TransportWriter};
use tokio_tungstenite::tungstenite;

/// Agrees on a form and serves the socket.
pub(crate) fn serve(hub: Hub, upgrade: WebSocketUpgrade, query: Option<&str>, max_bytes: usize) -> Response {
    let upgrade = upgrade.protocols([Form::PROTOBUF_SUBPROTOCOL, Form::JSON_SUBPROTOCOL]);
    let agreed = upgrade.selected_protocol().and_then(|name| name.to_str().ok());
    let form = Form::asked(agreed, query);
    // Small buffers: the default ones cost more than everything else of an idle connection.
    let upgrade = upgrade.read_buffer_size(4096).write_buffer_size(0).max_message_size(max_bytes);
    upgrade.on_upgrade(async move |socket| {
        hub.serve(Socket(socket, form), Peer::default()).await;
    })
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
                Ok(Message::Binary(data)) => Ok(Incoming::Binary(data)),
                Ok(Message::Close(_)) => Ok(Incoming::Close),
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Err(error) => Err(translate(error)),
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
                let text = Utf8Bytes::try_from(frame.clone());
                Message::Text(text.map_err(|e| TransportError::Lost(e.to_string()))?)
            };
            self.0.feed(message).await.map_err(translate)?;
        }
        self.0.flush().await.map_err(translate)
    }

    async fn close(&mut self, code: u16, reason: &str) -> Result<(), TransportError> {
        let frame = CloseFrame { code, reason: reason.into() };
        self.0.send(Message::Close(Some(frame))).await.map_err(translate)
    }
}

fn translate(error: axum::Error) -> TransportError {
    let error = error.into_inner();
    match error.downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => TransportError::TooLarge,
        _ => TransportError::Lost(error.to_string()),
    }
}
