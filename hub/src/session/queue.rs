//! What waits to be written to one client. Bounded in bytes for pushes, which never wait: over the bound the
//! session ends. Replies are never refused; instead the session takes no further command until they are gone.
//! At most one bound's worth is here and one more in the writer's hands.

use std::{
    collections::VecDeque,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{CloseCode, Closed, lock::lock};

pub(crate) struct Queue {
    state: Mutex<State>,
    ended: Notify,
    drained: Notify,
}

struct State {
    messages: VecDeque<Bytes>,
    push_bytes: usize,
    reply_bytes: usize,
    max_push_bytes: usize,
    /// A reply is being made that must stand before the messages from here on.
    gate: Option<usize>,
    closed: Option<Closed>,
    /// The answer to the last ping frame; earlier ones need none.
    pong: Option<Bytes>,
    writer: Option<Waker>,
}

pub(crate) enum Taken {
    Messages(VecDeque<Bytes>),
    Pong(Bytes),
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
            messages: VecDeque::new(),
            push_bytes: 0,
            reply_bytes: 0,
            max_push_bytes,
            gate: None,
            closed: None,
            pong: None,
            writer: None,
        };
        Queue { state: Mutex::new(state), ended: Notify::new(), drained: Notify::new() }
    }

    pub(crate) fn set_limit(&self, max_push_bytes: usize) {
        lock(&self.state).max_push_bytes = max_push_bytes;
    }

    /// Puts the frames in line, all or as far as they fit, and says how many. Whoever does not fit ends the
    /// session, except that an empty queue takes any one frame.
    pub(crate) fn push<'a>(&self, frames: impl Iterator<Item = &'a Bytes>) -> usize {
        let mut state = lock(&self.state);
        if state.closed.is_some() {
            return 0;
        }
        let mut taken = 0;
        for frame in frames {
            if state.push_bytes > 0 && state.push_bytes + frame.len() > state.max_push_bytes {
                self.end(&mut state, CloseCode::SLOW.into());
                break;
            }
            state.push_bytes += frame.len();
            state.messages.push_back(frame.clone());
            taken += 1;
        }
        wake(state);
        taken
    }

    pub(crate) fn reply(&self, frame: Bytes) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.reply_bytes += frame.len();
            state.messages.push_back(frame);
            wake(state);
        }
    }

    /// Answers a ping frame of the WebSocket.
    pub(crate) fn pong(&self, data: Bytes) {
        let mut state = lock(&self.state);
        state.pong = Some(data);
        wake(state);
    }

    /// Keeps the place for a reply: what is pushed from now on goes out after it.
    /// Only for commands, which run one at a time. `false` if it is kept already.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = lock(&self.state);
        let fresh = state.gate.is_none();
        if fresh {
            state.gate = Some(state.messages.len());
        }
        fresh
    }

    /// Gives the place up: there is no reply yet.
    pub(crate) fn release(&self) {
        let mut state = lock(&self.state);
        state.gate = None;
        wake(state);
    }

    /// Puts the reply in its place and lets go what waits behind it.
    pub(crate) fn fill(&self, frame: Bytes) {
        let mut state = lock(&self.state);
        if state.closed.is_some() {
            return;
        }
        state.reply_bytes += frame.len();
        match state.gate.take() {
            Some(place) => state.messages.insert(place, frame),
            None => state.messages.push_back(frame),
        }
        wake(state);
    }

    /// Ends the session; the first reason counts. What waits is still written, unless it cannot be.
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
        state.gate = None;
        state.messages = VecDeque::new();
        state.push_bytes = 0;
        state.reply_bytes = 0;
        state.pong = None;
        wake(state);
    }

    /// The session ended in a way after which nothing needs to be written.
    pub(crate) fn is_hopeless(&self) -> bool {
        lock(&self.state).closed.as_ref().is_some_and(hopeless)
    }

    /// The answer to the peer's ping, if one is owed.
    pub(crate) fn take_pong(&self) -> Option<Bytes> {
        lock(&self.state).pong.take()
    }

    fn end(&self, state: &mut State, why: Closed) {
        let hopeless = hopeless(&why);
        state.gate = None;
        state.closed = Some(why);
        if hopeless {
            state.messages = VecDeque::new();
            state.push_bytes = 0;
            state.reply_bytes = 0;
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
        lock(&self.state).closed.clone()
    }

    /// Waits while unread replies are over the bound. For one waiter.
    pub(crate) async fn room_for_replies(&self) {
        loop {
            {
                let state = lock(&self.state);
                if state.reply_bytes <= state.max_push_bytes || state.closed.is_some() {
                    return;
                }
            }
            self.drained.notified().await;
        }
    }

    /// All that may be written now. For one writer.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Taken> {
        let mut state = lock(&self.state);
        if let Some(data) = state.pong.take() {
            return Poll::Ready(Taken::Pong(data));
        }
        let ready = state.gate.unwrap_or(state.messages.len());
        if ready > 0 {
            let rest = state.messages.split_off(ready);
            let taken = std::mem::replace(&mut state.messages, rest);
            state.push_bytes = state.messages.iter().map(Bytes::len).sum();
            state.reply_bytes = 0;
            if state.gate.is_some() {
                state.gate = Some(0);
            }
            drop(state);
            self.drained.notify_one();
            return Poll::Ready(Taken::Messages(taken));
        }
        if let Some(why) = &state.closed {
            return Poll::Ready(Taken::Closed(why.clone()));
        }
        if !state.writer.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(crate) fn bytes(&self) -> usize {
        let state = lock(&self.state);
        state.push_bytes + state.reply_bytes
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
mod tests {
    use super::*;

    fn take(queue: &Queue) -> Option<Result<Vec<Bytes>, Closed>> {
        match queue.poll_take(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(Taken::Messages(messages)) => Some(Ok(messages.into())),
            Poll::Ready(Taken::Closed(why)) => Some(Err(why)),
            Poll::Ready(Taken::Pong(_)) => panic!("nobody pinged"),
        }
    }

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_push_before_the_subscribe_reply_goes_out_after_it() {
        let queue = Queue::new(100);
        queue.reply(frame("earlier"));
        queue.reserve();
        queue.push([frame("push")].iter());
        assert_eq!(take(&queue), Some(Ok(vec![frame("earlier")])));
        assert_eq!(take(&queue), None, "the push waits for the reply");
        queue.fill(frame("reply"));
        assert_eq!(take(&queue), Some(Ok(vec![frame("reply"), frame("push")])));
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn over_the_bound_the_session_ends_as_slow() {
        let queue = Queue::new(10);
        assert_eq!(queue.push([frame("0123456789abc")].iter()), 1, "an empty queue takes any one frame");
        assert_eq!(queue.push([frame("x")].iter()), 0);
        assert_eq!(take(&queue), Some(Err(CloseCode::SLOW.into())));
        assert_eq!(queue.push([frame("x")].iter()), 0);
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn replies_do_not_count_as_slow() {
        let queue = Queue::new(10);
        queue.reply(frame("a reply over the bound"));
        assert_eq!(queue.push([frame("0123456789")].iter()), 1);
        assert_eq!(queue.closed(), None);
    }

    #[test]
    fn what_waits_is_written_before_a_shutdown_and_the_first_reason_counts() {
        let queue = Queue::new(10);
        queue.push([frame("last")].iter());
        queue.close(CloseCode::SHUTDOWN.into());
        queue.close(Closed::Peer);
        assert_eq!(take(&queue), Some(Ok(vec![frame("last")])));
        assert_eq!(take(&queue), Some(Err(CloseCode::SHUTDOWN.into())));
    }
}
