//! The engine's transport over axum's WebSocket.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hub::{Incoming, Transport, TransportError, TransportReader, TransportWriter};
use tokio_tungstenite::tungstenite;

pub(crate) struct Socket(pub(crate) WebSocket);
pub(crate) struct Reader(SplitStream<WebSocket>);
pub(crate) struct Writer(SplitSink<WebSocket, Message>);

impl Transport for Socket {
    type Reader = Reader;
    type Writer = Writer;

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
    async fn write(&mut self, frames: &[Bytes]) -> Result<(), TransportError> {
        for frame in frames {
            let text = Utf8Bytes::try_from(frame.clone()).map_err(|e| TransportError::Lost(e.to_string()))?;
            self.0.feed(Message::Text(text)).await.map_err(translate)?;
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
