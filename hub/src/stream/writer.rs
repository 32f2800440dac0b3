//! The writing half: frames as lines, events or bare messages. A close code becomes a `disconnect` push, which clients
//! treat like a close frame, and then the body ends.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;

use super::{kind::StreamKind, pipe::Pipe};
use crate::{
    protocol::{Form, codes::CloseCode},
    transport::{TransportError, TransportWriter},
};

pub(crate) struct Writer {
    pipe: Arc<Pipe>,
    kind: StreamKind,
}

impl Writer {
    pub(super) fn new(pipe: Arc<Pipe>, kind: StreamKind) -> Self {
        Writer { pipe, kind }
    }

    /// Returns when the HTTP server has taken everything, so that a slow client slows this down.
    async fn send(&self, frames: &[Bytes]) -> Result<(), TransportError> {
        self.pipe.write(self.kind.encode(frames));
        if poll_fn(|cx| self.pipe.poll_taken(cx)).await {
            Ok(())
        } else {
            Err(TransportError::Lost("the client is gone".to_owned()))
        }
    }
}

impl TransportWriter for Writer {
    async fn write(&mut self, _: Form, frames: &[Bytes]) -> Result<(), TransportError> {
        self.send(frames).await
    }

    async fn close(&mut self, code: u16, reason: &str) -> Result<(), TransportError> {
        // The client has ended the stream, and reads nothing.
        if code == CloseCode::NORMAL.code {
            return Ok(());
        }
        self.send(&[self.kind.form().disconnect(code, reason)]).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.pipe.end();
    }
}
