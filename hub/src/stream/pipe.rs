//! What a stream's session and the HTTP server share: bytes for the body, frames of the client, and who is gone.
//! At most one frame of the client is held here, and requests with further ones wait, which stands in for the flow control
//! of a socket. Their order is that of the ids of their commands: requests that a client makes one after another may arrive
//! on different connections in any order.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};

use crate::{lock::lock, transport::Incoming};

/// Requests that wait at a time. More than a client has in flight that keeps to the rate of commands.
const MAX_WAITING: usize = 256;
/// The longest wait of a request, shorter than a proxy's patience.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How long a request waits for one with lower ids, which may be lost. Longer than a new connection takes to open.
const MAX_HOLD: Duration = Duration::from_millis(500);

/// The ids of the first and the last command of a frame, if all have one.
pub(crate) type FrameIds = Option<(u32, u32)>;

pub(crate) struct Pipe {
    state: Mutex<State>,
    /// A permit when the frame before was taken. Fair: frames are taken in the order in which they wait for it.
    place: Semaphore,
    /// Notified when the next id is another.
    moved_on: Notify,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    to_client: VecDeque<Bytes>,
    from_client: Option<Incoming>,
    /// The id of the command that comes next, if clients count.
    next_id: u32,
    body: Option<Waker>,
    writer: Option<Waker>,
    reader: Option<Waker>,
    /// The session writes nothing more.
    ended: bool,
    /// It gave up before the body took everything.
    broken: bool,
    /// The HTTP server dropped the body: it is written, or the client is gone.
    dropped: bool,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutError {
    /// The stream has ended.
    Gone,
    /// Too many requests wait already.
    TooMany,
    /// The session took nothing for too long.
    TooSlow,
}

impl Pipe {
    pub(super) fn new(first: Incoming, ids: FrameIds) -> Self {
        let next_id = ids.map_or(0, |(_, last)| last.saturating_add(1));
        let state = State { from_client: Some(first), next_id, ..State::default() };
        Pipe {
            state: Mutex::new(state),
            place: Semaphore::new(0),
            moved_on: Notify::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Gives a frame of the client to the session, after those before it.
    pub(crate) async fn put(&self, frame: Incoming, ids: FrameIds) -> Result<(), PutError> {
        let _waiting = WaitingRequest::enter(&self.waiting).ok_or(PutError::TooMany)?;
        if let Some((first, _)) = ids {
            let _ = timeout(MAX_HOLD, self.turn_of(first)).await;
        }
        let mut place = pin!(self.place.acquire());
        // Polled once, it has its position among those who wait.
        let polled = poll_fn(|cx| Poll::Ready(place.as_mut().poll(cx))).await;
        if let Some((_, last)) = ids {
            let mut state = lock(&self.state);
            state.next_id = state.next_id.max(last.saturating_add(1));
            drop(state);
            self.moved_on.notify_waiters();
        }
        let place = match polled {
            Poll::Ready(place) => place,
            Poll::Pending => timeout(MAX_WAIT, place).await.map_err(|_| PutError::TooSlow)?,
        };
        place.map_err(|_| PutError::Gone)?.forget();
        let mut state = lock(&self.state);
        state.from_client = Some(frame);
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        Ok(())
    }

    /// Waits until no command with a lower id is missing.
    async fn turn_of(&self, id: u32) {
        loop {
            let mut moved_on = pin!(self.moved_on.notified());
            moved_on.as_mut().enable();
            if lock(&self.state).next_id >= id {
                return;
            }
            moved_on.await;
        }
    }

    /// The next frame of the client; `None` when the body was dropped.
    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let mut state = lock(&self.state);
        if state.dropped {
            return Poll::Ready(None);
        }
        let Some(frame) = state.from_client.take() else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        self.place.add_permits(1);
        Poll::Ready(Some(frame))
    }

    /// The session reads no more: whoever waits is told so.
    pub(super) fn stop_reading(&self) {
        self.place.close();
        let mut state = lock(&self.state);
        state.from_client = None;
        state.next_id = u32::MAX;
        drop(state);
        self.moved_on.notify_waiters();
    }

    /// Adds to the body.
    pub(super) fn write(&self, parts: Vec<Bytes>) {
        let mut state = lock(&self.state);
        if state.dropped || parts.is_empty() {
            return;
        }
        state.to_client.extend(parts);
        let body = state.body.take();
        drop(state);
        wake(body);
    }

    /// Waits until the HTTP server has taken everything; `false` if it dropped the body.
    pub(super) fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = lock(&self.state);
        if state.dropped {
            return Poll::Ready(false);
        }
        if state.to_client.is_empty() {
            return Poll::Ready(true);
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends the body: properly if everything was taken, and otherwise as broken off.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.broken = !std::mem::take(&mut state.to_client).is_empty();
        let body = state.body.take();
        drop(state);
        wake(body);
    }

    /// The next part of the body; `None` at its end, `Err` if it was broken off.
    pub(super) fn poll_body(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ()>>> {
        let mut state = lock(&self.state);
        if let Some(bytes) = state.to_client.pop_front() {
            let writer = if state.to_client.is_empty() {
                state.to_client = VecDeque::new();
                state.writer.take()
            } else {
                None
            };
            drop(state);
            wake(writer);
            return Poll::Ready(Some(Ok(bytes)));
        }
        if state.ended {
            return Poll::Ready(state.broken.then_some(Err(())));
        }
        state.body = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The HTTP server is done with the body.
    pub(super) fn drop_body(&self) {
        let mut state = lock(&self.state);
        state.dropped = true;
        state.to_client = VecDeque::new();
        let (reader, writer) = (state.reader.take(), state.writer.take());
        drop(state);
        wake(reader);
        wake(writer);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

struct WaitingRequest<'a>(&'a AtomicUsize);

impl<'a> WaitingRequest<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Option<Self> {
        if waiting.fetch_add(1, Relaxed) < MAX_WAITING {
            return Some(WaitingRequest(waiting));
        }
        waiting.fetch_sub(1, Relaxed);
        None
    }
}

impl Drop for WaitingRequest<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
