//! The port to an upgraded socket. [`crate::WebSocket`] implements it; an application may implement it over another
//! server's socket. Sessions see no HTTP, TLS or WebSocket framing.

use std::{
    future::Future,
    io,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::protocol::{Form, codes::CloseCode};

/// An upgraded socket. It answers WebSocket pings by itself, or returns them as [`Incoming::Ping`].
pub trait Transport: Send + 'static {
    type Reader: TransportReader;
    type Writer: TransportWriter;

    /// What was agreed on when the socket opened.
    fn agreed(&self) -> Agreed;

    /// The halves are used independently, in one task.
    fn split(self) -> (Self::Reader, Self::Writer);
}

/// What both ends have agreed on for the life of the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    pub form: Form,
    /// permessage-deflate in both directions, without context takeover.
    pub deflate: bool,
    /// Pings are frames of the WebSocket, which any client answers by itself, not messages of the protocol. Requested by
    /// `cf_ws_frame_ping_pong=true` in the query; for manual tools.
    pub native_pings: bool,
}

/// How long a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxBytes {
    /// As it is received.
    pub message: usize,
    /// After decompression.
    pub inflated: usize,
}

pub trait TransportReader: Send + 'static {
    /// The next message; `None` once the socket has ended. A message over `max`, which is called anew whenever bytes came
    /// in, is [`TransportError::TooLarge`] as soon as that is known. Must be cancel-safe.
    fn next(
        &mut self,
        max: impl Fn() -> MaxBytes + Send,
    ) -> impl Future<Output = Option<Result<Incoming, TransportError>>> + Send;
}

pub trait TransportWriter: Send + 'static {
    /// Writes each element as one frame, text or binary by the form, then flushes once.
    fn write(
        &mut self,
        form: Form,
        frames: &[Bytes],
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// The stream itself, if it takes whole WebSocket frames (RFC 6455) while this writer writes nothing. Publications are
    /// then written on the publisher's thread, without waking the session.
    fn outlet(&self) -> Option<Arc<dyn Outlet>> {
        None
    }

    /// The rest of a frame that the outlet took in part, to be written before anything else. Called only if there is an
    /// outlet.
    fn resume(&mut self, rest: Bytes) {
        let _ = rest;
    }

    /// Answers an [`Incoming::Ping`]; for transports that return them.
    fn pong(&mut self, data: &[u8]) -> impl Future<Output = Result<(), TransportError>> + Send {
        let _ = data;
        std::future::ready(Ok(()))
    }

    /// Sends a ping frame without data; for transports that agree on native pings.
    fn ping(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Sends a close frame, as the first or as the answer to the peer's. Called at most once, and last.
    fn close(&mut self, code: u16, reason: &str) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// The writing half of a stream, shared by publishers and the writer. At most one task waits for it.
pub trait Outlet: Send + Sync + 'static {
    /// Writes what it can without blocking and returns the number of bytes; `WouldBlock` if none. Called with locks of
    /// the engine held, so it must not call the engine.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until it may take bytes again.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Nothing more will be written.
    fn finish(&self) {}
}

/// Discards everything; for tests without a client.
impl Outlet for tokio::io::Sink {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    Text(Bytes),
    Binary(Bytes),
    /// The peer's ping frame, to be answered with the same data.
    Ping(Bytes),
    /// The peer's pong frame, with any data.
    Pong,
    /// A small fragment of an unfinished message. Without content; the session limits how many come.
    Fragment,
    /// The peer's close frame.
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The peer's message is over the limit.
    TooLarge,
    /// The peer violated the framing.
    Violation(&'static str),
    /// A text message that is not UTF-8.
    NotUtf8,
    /// The socket broke; the text is for the log.
    Lost(String),
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The peer closed, or its socket ended.
    Peer,
    /// The socket broke.
    Lost(TransportError),
    /// The engine or the application closed it.
    Server(CloseCode),
}

impl From<CloseCode> for Closed {
    fn from(code: CloseCode) -> Self {
        Closed::Server(code)
    }
}
