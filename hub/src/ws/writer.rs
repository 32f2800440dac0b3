//! The writing half. Frames are gathered in a buffer of the thread and written with one call; only what the socket does
//! not take at once is kept. Large payloads are written without a copy.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::{head::Head, make::make_frame};
use crate::{
    protocol::Form,
    transport::{Agreed, Outlet, TransportError, TransportWriter},
};

/// Frames are gathered up to this size.
const GATHER_BYTES: usize = 64 * 1024;
/// Payloads of at least this size are not copied.
const LARGE_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

pub struct Writer<W: Outlet> {
    stream: Arc<W>,
    deflate: bool,
    /// The rest of a frame that was written in part.
    rest: Bytes,
}

impl<W: Outlet> Writer<W> {
    pub(super) fn new(stream: Arc<W>, deflate: bool) -> Self {
        Writer { stream, deflate, rest: Bytes::new() }
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_ready(cx))?;
            match self.stream.try_write(bytes) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Writes some frames from `at` on, at least one, and returns the next.
    fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        form: Form,
        frames: &[Bytes],
        at: usize,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(cx))?;
        let agreed = Agreed { form, deflate: self.deflate, ..Agreed::default() };
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            let mut next = at;
            let mut large = None;
            while let Some(frame) = frames.get(next)
                && scratch.len() < GATHER_BYTES
                && large.is_none()
            {
                let (head, payload) = make_frame(agreed, frame);
                scratch.extend_from_slice(head.bytes());
                if payload.len() < LARGE_BYTES {
                    scratch.extend_from_slice(&payload);
                } else {
                    large = Some(payload);
                }
                next += 1;
            }
            // If this is pending, the next poll gathers the same frames again.
            let written = ready!(self.poll_write(cx, scratch))?;
            self.rest = match large {
                None => Bytes::copy_from_slice(&scratch[written..]),
                Some(payload) if written == scratch.len() => payload,
                Some(payload) => [&scratch[written..], &payload].concat().into(),
            };
            Poll::Ready(Ok(next))
        })
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(self.poll_write(cx, &self.rest))?;
            drop(self.rest.split_to(written));
        }
        self.rest = Bytes::new();
        Poll::Ready(Ok(()))
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        poll_fn(|cx| self.poll_rest(cx)).await.map_err(|error| lost(&error))
    }

    async fn control(&mut self, head: Head, payload: &[u8]) -> Result<(), TransportError> {
        let mut whole = Vec::with_capacity(self.rest.len() + payload.len() + 2);
        whole.extend_from_slice(&self.rest);
        whole.extend_from_slice(head.bytes());
        whole.extend_from_slice(payload);
        self.rest = whole.into();
        self.flush().await
    }
}

impl<W: Outlet> TransportWriter for Writer<W> {
    async fn write(&mut self, form: Form, frames: &[Bytes]) -> Result<(), TransportError> {
        let mut at = 0;
        while at < frames.len() {
            let some = poll_fn(|cx| self.poll_frames(cx, form, frames, at)).await;
            at = some.map_err(|error| lost(&error))?;
        }
        self.flush().await
    }

    fn outlet(&self) -> Option<Arc<dyn Outlet>> {
        let stream = Arc::clone(&self.stream);
        Some(stream)
    }

    fn resume(&mut self, rest: Bytes) {
        self.rest = rest;
    }

    async fn pong(&mut self, data: &[u8]) -> Result<(), TransportError> {
        self.control(Head::pong(data.len()), data).await
    }

    async fn ping(&mut self) -> Result<(), TransportError> {
        self.control(Head::ping(), &[]).await
    }

    async fn close(&mut self, code: u16, reason: &str) -> Result<(), TransportError> {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        self.control(Head::close(payload.len()), &payload).await
    }
}

impl<W: Outlet> Drop for Writer<W> {
    fn drop(&mut self) {
        self.stream.finish();
    }
}

fn lost(error: &io::Error) -> TransportError {
    TransportError::Lost(error.to_string())
}
