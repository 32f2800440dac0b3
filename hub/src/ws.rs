//! WebSocket framing (RFC 6455) over an upgraded stream, for the server's side: the engine's own transport.
//! It knows no HTTP: the application answers the upgrade request and hands over what came of it. An idle
//! connection holds no buffer; reading and writing go through one of each thread's. No extensions.

mod frame;
mod handshake;
mod reader;
mod writer;

use bytes::Bytes;
use tokio::{
    io::AsyncRead,
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

pub use self::handshake::Handshake;
use self::{frame::Head, reader::Reader, writer::Writer};
use crate::{Form, Outlet, Transport};

/// The two halves of an upgraded stream as a [`Transport`].
pub struct WebSocket<R = OwnedReadHalf, W = OwnedWriteHalf> {
    reader: Reader<R>,
    writer: Writer<W>,
    form: Form,
}

impl<R, W> WebSocket<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: Outlet,
{
    /// The stream in two halves. `early` is what was read beyond the upgrade request; it is let go at once, because the whole buffer of the
    /// HTTP server may hang on it. A longer message than `max_message_bytes`
    /// is [`crate::TransportError::TooLarge`].
    pub fn new(reader: R, writer: W, early: Bytes, form: Form, max_message_bytes: usize) -> Self {
        let reader = Reader::new(reader, &early, max_message_bytes);
        drop(early);
        WebSocket { reader, writer: Writer::new(writer), form }
    }
}

impl WebSocket {
    /// See [`WebSocket::new`].
    pub fn tcp(stream: TcpStream, early: Bytes, form: Form, max_message_bytes: usize) -> Self {
        let (reader, writer) = stream.into_split();
        WebSocket::new(reader, writer, early, form, max_message_bytes)
    }
}

/// Adds a message as a frame of its own.
pub(crate) fn add_frame(form: Form, message: &[u8], out: &mut Vec<u8>) {
    let head = if form.is_binary() { Head::binary(message.len()) } else { Head::text(message.len()) };
    out.extend_from_slice(head.bytes());
    out.extend_from_slice(message);
}

impl<R, W> Transport for WebSocket<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: Outlet,
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
