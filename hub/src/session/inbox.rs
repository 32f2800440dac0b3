//! Commands that are read and not yet run. The reader goes on while a slow command runs (for pongs, and to notice the end
//! of the socket), but within bounds: it does not read while the inbox is full. The reader and the commands are polled in
//! one task, so neither wakes the other through the scheduler.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use crate::{authority::ServerSub, lock::lock, protocol::command::Command};

const MAX_COMMANDS: usize = 32;
const MAX_BYTES: usize = 128 * 1024;

pub(crate) enum Item {
    Command {
        id: u32,
        command: Command,
    },
    Bad(&'static str),
    /// From the application, in order with the client's commands.
    Subscribe(Box<ServerSub>),
}

#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<InboxState>,
    emptied: Notify,
}

#[derive(Default)]
struct InboxState {
    items: VecDeque<Item>,
    bytes: usize,
    /// Of the task that polls both.
    session: Option<Waker>,
}

impl Inbox {
    /// Takes the commands of one frame of this length. Wakes nobody: the reader, which calls it, is polled before the
    /// commands.
    pub(crate) fn put(&self, items: impl Iterator<Item = Item>, bytes: usize) {
        let mut state = lock(&self.state);
        state.items.extend(items);
        if state.items.is_empty() {
            // Only pongs: the bytes would never be subtracted.
            return;
        }
        state.bytes += bytes;
    }

    /// Takes an item from outside the session's task.
    pub(crate) fn put_from_outside(&self, item: Item) {
        let mut state = lock(&self.state);
        state.items.push_back(item);
        let session = state.session.take();
        drop(state);
        if let Some(session) = session {
            session.wake();
        }
    }

    pub(crate) async fn next(&self) -> Item {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &Context<'_>) -> Poll<Item> {
        let mut state = lock(&self.state);
        let Some(item) = state.items.pop_front() else {
            if !state.session.as_ref().is_some_and(|session| session.will_wake(cx.waker())) {
                state.session = Some(cx.waker().clone());
            }
            return Poll::Pending;
        };
        if state.items.is_empty() {
            state.items = VecDeque::new();
            state.bytes = 0;
            drop(state);
            self.emptied.notify_one();
        }
        Poll::Ready(item)
    }

    /// Drops commands that will not run any more.
    pub(crate) fn clear(&self) {
        *lock(&self.state) = InboxState::default();
        self.emptied.notify_one();
    }

    /// Whether further commands wait, whose replies will follow soon.
    pub(crate) fn has_more(&self) -> bool {
        !lock(&self.state).items.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        let state = lock(&self.state);
        state.items.len() >= MAX_COMMANDS || state.bytes >= MAX_BYTES
    }

    /// Waits while the inbox is full.
    pub(crate) async fn has_room(&self) {
        while self.is_full() {
            self.emptied.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_nothing_but_pongs_never_fill_it() {
        let inbox = Inbox::default();
        for _ in 0..3 {
            inbox.put(std::iter::empty(), MAX_BYTES);
        }
        assert!(!inbox.is_full());
        inbox.put(std::iter::once(Item::Bad("x")), MAX_BYTES);
        assert!(inbox.is_full());
        let taken = inbox.poll_next(&Context::from_waker(Waker::noop()));
        assert!(taken.is_ready() && !inbox.is_full());
    }
}
