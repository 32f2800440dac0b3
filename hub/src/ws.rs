//! WebSocket framing (RFC 6455) over an upgraded stream, for the server's side: the engine's own transport.
//! It knows no HTTP: the application answers the upgrade request and passes the stream. An idle connection holds no
//! buffer; reads and writes use buffers of the thread.

mod deflate;
mod fault;
mod frame;
mod handshake;
mod head;
mod inflate;
mod make;
mod offer;
mod reader;
mod tcp;
mod upgrade;
mod writer;

use std::sync::Arc;

use bytes::Bytes;
use tokio::{io::AsyncRead, net::TcpStream};

pub use self::handshake::{Handshake, Refusal};
pub(crate) use self::make::add_frame;
pub use self::upgrade::{FirstRequest, UpgradeRequest};
use self::{
    reader::Reader,
    tcp::{ReadHalf, WriteHalf},
    writer::Writer,
};
use crate::transport::{Agreed, Outlet, Transport};

/// The two halves of an upgraded stream as a [`Transport`].
pub struct WebSocket<R = ReadHalf, W: Outlet = WriteHalf> {
    reader: Reader<R>,
    writer: Writer<W>,
    agreed: Agreed,
}

impl<R, W> WebSocket<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: Outlet,
{
    /// The stream in two halves. `early`: bytes read beyond the upgrade request. It is dropped at once, because it may
    /// keep the whole buffer of the HTTP server alive.
    pub fn new(reader: R, writer: W, early: Bytes, agreed: Agreed) -> Self {
        WebSocket::join(reader, Arc::new(writer), early, agreed)
    }

    fn join(reader: R, writer: Arc<W>, early: Bytes, agreed: Agreed) -> Self {
        let reader = Reader::new(reader, &early, agreed.deflate);
        drop(early);
        WebSocket { reader, writer: Writer::new(writer, agreed.deflate), agreed }
    }
}

impl WebSocket {
    /// See [`WebSocket::new`].
    pub fn tcp(stream: TcpStream, early: Bytes, agreed: Agreed) -> Self {
        let (reader, writer) = tcp::split(stream);
        WebSocket::join(reader, writer, early, agreed)
    }
}

impl<R, W> Transport for WebSocket<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: Outlet,
{
    type Reader = Reader<R>;
    type Writer = Writer<W>;

    fn agreed(&self) -> Agreed {
        self.agreed
    }

    fn split(self) -> (Reader<R>, Writer<W>) {
        (self.reader, self.writer)
    }
}
