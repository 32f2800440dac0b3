//! WebSocket framing (RFC 6455) over an upgraded stream, for the server's side: the engine's own transport.
//! It knows no HTTP: the application answers the upgrade request and hands over what came of it. An idle
//! connection holds no buffer; reading and writing go through one of each thread's. No extensions.

mod frame;
mod handshake;
mod reader;
mod writer;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::handshake::Handshake;
use self::{reader::Reader, writer::Writer};
use crate::{Form, Transport};

/// The two halves of an upgraded stream as a [`Transport`].
pub struct WebSocket<R, W> {
    reader: Reader<R>,
    writer: Writer<W>,
    form: Form,
}

impl<R, W> WebSocket<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    /// `early` is what was read beyond the upgrade request; it is let go at once, because the whole buffer of the
    /// HTTP server may hang on it. A longer message than `max_message_bytes`
    /// is [`crate::TransportError::TooLarge`].
    pub fn new(reader: R, writer: W, early: Bytes, form: Form, max_message_bytes: usize) -> Self {
        let reader = Reader::new(reader, &early, max_message_bytes);
        drop(early);
        WebSocket { reader, writer: Writer::new(writer), form }
    }
}

impl<R, W> Transport for WebSocket<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Reader = Reader<R>;
    type Writer = Writer<W>;

    fn form(&self) -> Form {
        self.form
    }

    fn split(self) -> (Reader<R>, Writer<W>) {
        (self.reader, self.writer)
    }
}
