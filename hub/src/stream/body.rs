//! The body of the answer, as the HTTP server reads it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;

use super::pipe::Pipe;

/// Carries a session's frames. The HTTP server must send each part at once. Dropped early, it ends the session: the
/// client is gone.
pub struct StreamBody(Arc<Pipe>);

impl StreamBody {
    pub(super) fn new(pipe: Arc<Pipe>) -> Self {
        StreamBody(pipe)
    }
}

impl Stream for StreamBody {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let broken = |()| io::Error::new(io::ErrorKind::ConnectionAborted, "the client reads too slowly");
        self.0.poll_body(cx).map(|part| part.map(|part| part.map_err(broken)))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.0.drop_body();
    }
}
