//! The outgoing queue of one client. While it is empty, the caller writes to the socket directly; what the socket does
//! not take waits here for the writer. Pushes are bounded in bytes: over the bound the session ends, and the caller never
//! waits. Replies are never refused; instead the session runs no further command while unread replies are over the bound.
//! So at most the bound is queued here, and as much again is held by the writer.

mod encoded_frame;
mod waiting;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::{sync::Notify, time::Instant};

pub(crate) use self::encoded_frame::{EncodedFrame, pack};
use self::waiting::{Gate, MessageClass, Waiting};
use crate::{
    lock::lock,
    protocol::codes::CloseCode,
    transport::{Closed, Outlet},
};

pub(crate) struct Queue {
    state: Mutex<QueueState>,
    ended: Notify,
    drained: Notify,
}

/// Small, because a publication touches that of every subscriber.
struct QueueState {
    /// The socket, if the caller can write to it directly.
    outlet: Option<Arc<dyn Outlet>>,
    /// `None` while it is empty.
    waiting: Option<Box<Waiting>>,
    closed: Option<Box<Closed>>,
    max_push_bytes: usize,
    writer: Option<Waker>,
    /// When the writer was last idle.
    written_at: Option<Instant>,
    /// Frames are compressed.
    deflate: bool,
    /// The writer holds messages, which must go out first.
    writing: bool,
}

pub(crate) enum Taken {
    /// Goes out before anything else, even before a close frame.
    Rest(Bytes),
    Messages(VecDeque<Bytes>),
    Pong(Bytes),
    Ping,
    /// Everything was taken, and the session has ended.
    Closed(Closed),
}

/// Whether messages that wait could not be written any more, or would not be read.
fn hopeless(why: &Closed) -> bool {
    match why {
        Closed::Peer | Closed::Lost(_) => true,
        Closed::Server(code) => matches!(*code, CloseCode::SLOW | CloseCode::WRITE_ERROR),
    }
}

impl Queue {
    pub(crate) fn new(max_push_bytes: usize) -> Self {
        let state = QueueState {
            outlet: None,
            waiting: None,
            closed: None,
            max_push_bytes,
            writer: None,
            written_at: None,
            deflate: false,
            writing: false,
        };
        Queue { state: Mutex::new(state), ended: Notify::new(), drained: Notify::new() }
    }

    pub(crate) fn set_limit(&self, max_push_bytes: usize) {
        lock(&self.state).max_push_bytes = max_push_bytes;
    }

    /// From now on callers write to the socket directly.
    pub(crate) fn attach(&self, outlet: Option<Arc<dyn Outlet>>, deflate: bool) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.outlet = outlet;
            state.deflate = deflate;
        }
    }

    /// Sends or queues the messages, as many as fit, and returns how many. If one does not fit, the session ends as slow;
    /// an empty queue takes one message of any length.
    pub(crate) fn push(&self, frame: &EncodedFrame) -> usize {
        let mut state = lock(&self.state);
        if state.closed.is_some() {
            return 0;
        }
        if state.send(frame, MessageClass::Push) {
            wake_for_rest(state);
            return frame.messages().len();
        }
        let mut taken = 0;
        for message in frame.messages() {
            let max = state.max_push_bytes;
            let waiting = state.waiting();
            let bytes = waiting.push_bytes + waiting.rest_push_bytes();
            if bytes > 0 && bytes + message.len() > max {
                self.end(&mut state, CloseCode::SLOW.into());
                break;
            }
            waiting.count(MessageClass::Push, message.len());
            waiting.messages.push_back(message.clone());
            taken += 1;
        }
        wake(state);
        taken
    }

    /// `more`: further replies follow at once, so this one is queued to go out with them.
    pub(crate) fn reply(&self, frame: &EncodedFrame, more: bool) {
        let mut state = lock(&self.state);
        if state.closed.is_some() {
            return;
        }
        if !more && state.send(frame, MessageClass::Reply) {
            return wake_for_rest(state);
        }
        let waiting = state.waiting();
        for message in frame.messages() {
            waiting.count(MessageClass::Reply, message.len());
            waiting.messages.push_back(message.clone());
        }
        wake(state);
    }

    /// Answers a ping frame of the WebSocket.
    pub(crate) fn pong(&self, data: Bytes) {
        let mut state = lock(&self.state);
        state.waiting().pong = Some(data);
        wake(state);
    }

    /// Sends a ping frame of the WebSocket.
    pub(crate) fn ping(&self) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.waiting().ping = true;
            wake(state);
        }
    }

    /// Reserves the place for a reply: what is pushed from now on goes out after it. Only for commands, which run one at
    /// a time. `false` if it is reserved already.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = lock(&self.state);
        let waiting = state.waiting();
        let fresh = waiting.gate.is_none();
        if fresh {
            waiting.gate = Some(Gate { place: waiting.messages.len(), ..Gate::default() });
        }
        fresh
    }

    /// Gives the reservation up.
    pub(crate) fn release(&self) {
        let mut state = lock(&self.state);
        state.open_gate();
        wake(state);
    }

    /// Puts the reply in its reserved place and releases what waits behind it.
    pub(crate) fn fill(&self, frame: &EncodedFrame, more: bool) {
        let mut state = lock(&self.state);
        if state.closed.is_some() {
            return;
        }
        let place = state.open_gate();
        if !more && state.send(frame, MessageClass::Reply) {
            return wake_for_rest(state);
        }
        let waiting = state.waiting();
        let place = place.unwrap_or(waiting.messages.len());
        for (at, message) in (place..).zip(frame.messages()) {
            waiting.count(MessageClass::Reply, message.len());
            waiting.messages.insert(at, message.clone());
        }
        wake(state);
    }

    /// Ends the session; the first reason counts. Messages that wait are still written, except those behind a reply that
    /// will not come, and unless the socket cannot take them any more.
    pub(crate) fn close(&self, why: Closed) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            self.end(&mut state, why);
            wake(state);
        }
    }

    /// A write failed half-way. Nothing more is written, even if the session ended for another reason before, because
    /// the client would not notice the gap.
    pub(crate) fn fail(&self, why: Closed) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            self.end(&mut state, why);
        }
        state.waiting = None;
        wake(state);
    }

    /// The session ended for a reason after which nothing is written any more.
    pub(crate) fn is_hopeless(&self) -> bool {
        lock(&self.state).closed.as_deref().is_some_and(hopeless)
    }

    /// The answer to the peer's ping, if there is one to send.
    pub(crate) fn take_pong(&self) -> Option<Bytes> {
        lock(&self.state).waiting.as_mut()?.pong.take()
    }

    fn end(&self, state: &mut QueueState, why: Closed) {
        let hopeless = hopeless(&why);
        state.outlet = None;
        state.closed = Some(Box::new(why));
        if hopeless {
            state.forget();
        } else {
            state.cut_at_gate();
        }
        self.ended.notify_one();
        self.drained.notify_one();
    }

    /// Waits for `close`. For one waiter.
    pub(crate) async fn ended(&self) {
        while lock(&self.state).closed.is_none() {
            self.ended.notified().await;
        }
    }

    pub(crate) fn closed(&self) -> Option<Closed> {
        lock(&self.state).closed.as_deref().cloned()
    }

    /// Waits while unread replies are over the bound. For one waiter.
    pub(crate) async fn room_for_replies(&self) {
        loop {
            {
                let state = lock(&self.state);
                let waiting = state.waiting.as_ref().map_or(0, |waiting| waiting.reply_bytes);
                if waiting <= state.max_push_bytes || state.closed.is_some() {
                    return;
                }
            }
            self.drained.notified().await;
        }
    }

    /// Takes everything that may be written now. For one writer.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Taken> {
        let mut state = lock(&self.state);
        state.writing = true;
        if let Some(waiting) = &mut state.waiting {
            if !waiting.rest.is_empty() {
                let rest = std::mem::take(&mut waiting.rest);
                return Poll::Ready(Taken::Rest(rest));
            }
            if let Some(data) = waiting.pong.take() {
                return Poll::Ready(Taken::Pong(data));
            }
            if std::mem::take(&mut waiting.ping) {
                return Poll::Ready(Taken::Ping);
            }
            let taken = waiting.take_messages();
            if waiting.is_over() {
                state.waiting = None;
            }
            if !taken.is_empty() {
                drop(state);
                self.drained.notify_one();
                return Poll::Ready(Taken::Messages(taken));
            }
        }
        if let Some(why) = &state.closed {
            return Poll::Ready(Taken::Closed(Closed::clone(why)));
        }
        state.writing = false;
        state.written_at = Some(Instant::now());
        if !state.writer.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The writer will take what is queued before the task that calls this waits again, so it need not be woken.
    pub(crate) fn writer_follows(&self) {
        lock(&self.state).writer = None;
    }

    /// Until when messages waited or were being written: now, if they still do; `None` before the writer has begun.
    pub(crate) fn busy_until(&self) -> Option<Instant> {
        let state = lock(&self.state);
        if state.is_idle() { state.written_at } else { Some(Instant::now()) }
    }

    pub(crate) fn bytes(&self) -> usize {
        let state = lock(&self.state);
        state
            .waiting
            .as_ref()
            .map_or(0, |waiting| waiting.push_bytes + waiting.reply_bytes + waiting.rest.len())
    }
}

impl QueueState {
    fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_default()
    }

    /// Nothing waits and nothing is being written. A gate alone does not count.
    fn is_idle(&self) -> bool {
        !self.writing && self.waiting.as_ref().is_none_or(|waiting| waiting.is_empty())
    }

    /// Returns the reserved place of the reply.
    fn open_gate(&mut self) -> Option<usize> {
        let waiting = self.waiting.as_mut()?;
        let place = waiting.gate.take().map(|gate| gate.place);
        if waiting.is_over() {
            self.waiting = None;
        }
        place
    }

    /// The reply will not come, so what is behind it is dropped: the client would take it for the continuation.
    fn cut_at_gate(&mut self) {
        let Some(waiting) = self.waiting.as_mut() else { return };
        if let Some(gate) = waiting.gate.take() {
            waiting.messages.truncate(gate.place);
            waiting.push_bytes -= gate.push_bytes;
            waiting.reply_bytes -= gate.reply_bytes;
        }
        if waiting.is_over() {
            self.waiting = None;
        }
    }

    /// Drops everything except a frame that the socket has begun to take.
    fn forget(&mut self) {
        if let Some(old) = self.waiting.take() {
            let Waiting { rest, rest_class, pong, .. } = *old;
            let kept = Waiting { rest, rest_class, pong, ..Waiting::default() };
            self.waiting = (!kept.is_over()).then(|| Box::new(kept));
        }
    }

    /// Writes to the socket directly. `false` if the messages have to be queued; the rest of a frame that the socket took
    /// in part is kept. A broken socket is left to the writer, which meets the same error.
    fn send(&mut self, frame: &EncodedFrame, class: MessageClass) -> bool {
        let Some(outlet) = &self.outlet else { return false };
        if self.writing || self.waiting.is_some() {
            return false;
        }
        if frame.bytes() > self.max_push_bytes && frame.messages().len() > 1 {
            return false;
        }
        let Some(wire) = frame.wire(self.deflate) else { return false };
        // A panic of one socket must not reach the publisher.
        let tried = catch_unwind(AssertUnwindSafe(|| outlet.try_write(wire)));
        let Ok(Ok(written)) = tried else { return false };
        if written < wire.len() {
            let rest = wire.slice(written..);
            self.waiting = Some(Box::new(Waiting { rest, rest_class: class, ..Waiting::default() }));
        }
        true
    }
}

fn wake_for_rest(state: std::sync::MutexGuard<'_, QueueState>) {
    if state.waiting.is_some() {
        wake(state);
    }
}

/// Wakes the writer, with the lock released.
fn wake(mut state: std::sync::MutexGuard<'_, QueueState>) {
    let writer = state.writer.take();
    drop(state);
    if let Some(writer) = writer {
        writer.wake();
    }
}

#[cfg(test)]
mod tests;
