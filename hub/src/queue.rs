//! What goes to one client. While nothing waits it is written into the socket there and then, by whoever brings
//! it; what the socket does not take waits here for the writer. Bounded in bytes for pushes, which never wait: over
//! the bound the session ends. Replies are never refused; instead the session takes no further command until they
//! are gone. At most one bound's worth is here and one more in the writer's hands.

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
    state: Mutex<State>,
    ended: Notify,
    drained: Notify,
}

/// Small, because a publication looks at those of all its subscribers.
struct State {
    /// The socket, if it can be written to from here.
    outlet: Option<Arc<dyn Outlet>>,
    /// Only while there is something.
    waiting: Option<Box<Waiting>>,
    closed: Option<Box<Closed>>,
    max_push_bytes: usize,
    writer: Option<Waker>,
    /// When the writer last had nothing to do.
    written_at: Option<Instant>,
    /// What is written from here is deflated, as agreed on.
    deflate: bool,
    /// The writer has something in its hands, which must go out first.
    writing: bool,
}

pub(crate) enum Taken {
    /// Goes out before anything else, even before a close frame.
    Rest(Bytes),
    Messages(VecDeque<Bytes>),
    Pong(Bytes),
    Ping,
    /// All is taken, and this is the end.
    Closed(Closed),
}

/// What waits could not be written, or would not be read.
fn hopeless(why: &Closed) -> bool {
    match why {
        Closed::Peer | Closed::Lost(_) => true,
        Closed::Server(code) => matches!(*code, CloseCode::SLOW | CloseCode::WRITE_ERROR),
    }
}

impl Queue {
    pub(crate) fn new(max_push_bytes: usize) -> Self {
        let state = State {
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

    /// From now on the socket is tried first.
    pub(crate) fn attach(&self, outlet: Option<Arc<dyn Outlet>>, deflate: bool) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.outlet = outlet;
            state.deflate = deflate;
        }
    }

    /// Sends the messages or puts them in line, all or as far as they fit, and says how many. Whoever does not
    /// take them in time ends the session, except that an empty queue takes any one message.
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

    /// A reply of which more will follow at once goes out with them.
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

    /// Asks by a ping frame of the WebSocket.
    pub(crate) fn ping(&self) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.waiting().ping = true;
            wake(state);
        }
    }

    /// Keeps the place for a reply: what is pushed from now on goes out after it.
    /// Only for commands, which run one at a time. `false` if it is kept already.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = lock(&self.state);
        let waiting = state.waiting();
        let fresh = waiting.gate.is_none();
        if fresh {
            waiting.gate = Some(Gate { place: waiting.messages.len(), ..Gate::default() });
        }
        fresh
    }

    /// Gives the place up: there is no reply yet.
    pub(crate) fn release(&self) {
        let mut state = lock(&self.state);
        state.open_gate();
        wake(state);
    }

    /// Puts the reply in its place and lets go what waits behind it.
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

    /// Ends the session; the first reason counts. What waits is still written, unless it cannot be or a reply had to
    /// come before it.
    pub(crate) fn close(&self, why: Closed) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            self.end(&mut state, why);
            wake(state);
        }
    }

    /// Writing failed half-way: nothing more may follow, whatever the session ended for, because the client would
    /// not see the hole.
    pub(crate) fn fail(&self, why: Closed) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            self.end(&mut state, why);
        }
        state.waiting = None;
        wake(state);
    }

    /// The session ended in a way after which nothing needs to be written.
    pub(crate) fn is_hopeless(&self) -> bool {
        lock(&self.state).closed.as_deref().is_some_and(hopeless)
    }

    /// The answer to the peer's ping, if one is owed.
    pub(crate) fn take_pong(&self) -> Option<Bytes> {
        lock(&self.state).waiting.as_mut()?.pong.take()
    }

    fn end(&self, state: &mut State, why: Closed) {
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

    /// All that may be written now. For one writer.
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

    /// Until when something waited or was being written: now, if it still does; `None`
    /// before the writer has begun.
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

impl State {
    fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_default()
    }

    /// Nothing waits and nothing is being written; a gate alone does not count.
    fn is_idle(&self) -> bool {
        !self.writing && self.waiting.as_ref().is_none_or(|waiting| waiting.is_empty())
    }

    /// Says where the reply goes for which it was kept.
    fn open_gate(&mut self) -> Option<usize> {
        let waiting = self.waiting.as_mut()?;
        let place = waiting.gate.take().map(|gate| gate.place);
        if waiting.is_over() {
            self.waiting = None;
        }
        place
    }

    /// The reply will not come, so nothing may that stands behind it: the client would take it for what follows.
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

    /// Drops what was not begun.
    fn forget(&mut self) {
        if let Some(old) = self.waiting.take() {
            let Waiting { rest, rest_class, pong, .. } = *old;
            let kept = Waiting { rest, rest_class, pong, ..Waiting::default() };
            self.waiting = (!kept.is_over()).then(|| Box::new(kept));
        }
    }

    /// Tries the socket. `false` if the messages have to wait; what of them it took only a part of is kept.
    /// A socket that is broken is left to the writer, who finds out the same.
    fn send(&mut self, frame: &EncodedFrame, class: MessageClass) -> bool {
        let Some(outlet) = &self.outlet else { return false };
        if self.writing || self.waiting.is_some() {
            return false;
        }
        if frame.bytes() > self.max_push_bytes && frame.messages().len() > 1 {
            return false;
        }
        let Some(wire) = frame.wire(self.deflate) else { return false };
        // Panics as well: whoever publishes is not to suffer from one socket.
        let tried = catch_unwind(AssertUnwindSafe(|| outlet.try_write(wire)));
        let Ok(Ok(written)) = tried else { return false };
        if written < wire.len() {
            let rest = wire.slice(written..);
            self.waiting = Some(Box::new(Waiting { rest, rest_class: class, ..Waiting::default() }));
        }
        true
    }
}

fn wake_for_rest(state: std::sync::MutexGuard<'_, State>) {
    if state.waiting.is_some() {
        wake(state);
    }
}

/// Wakes the writer, if it sleeps, outside the lock.
fn wake(mut state: std::sync::MutexGuard<'_, State>) {
    let writer = state.writer.take();
    drop(state);
    if let Some(writer) = writer {
        writer.wake();
    }
}

#[cfg(test)]
mod tests;
