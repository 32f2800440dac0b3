//! The reading half: the frames that came with requests, in the order of the requests.

use std::{future::poll_fn, sync::Arc};

use super::pipe::Pipe;
use crate::transport::{Incoming, MaxBytes, TransportError, TransportReader};

pub(crate) struct Reader(Arc<Pipe>);

impl Reader {
    pub(super) fn new(pipe: Arc<Pipe>) -> Self {
        Reader(pipe)
    }
}

impl TransportReader for Reader {
    async fn next(&mut self, max: impl Fn() -> MaxBytes + Send) -> Option<Result<Incoming, TransportError>> {
        let frame = poll_fn(|cx| self.0.poll_frame(cx)).await?;
        let length = match &frame {
            Incoming::Text(bytes) | Incoming::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        Some(if length > max().message { Err(TransportError::TooLarge) } else { Ok(frame) })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.stop_reading();
    }
}
