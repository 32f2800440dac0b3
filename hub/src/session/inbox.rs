//! Commands read but not yet run. The reader goes on reading (for pongs, and to notice the end) while a slow
//! command runs, but not without bound: a full inbox leaves the rest to the socket's own buffers.

use std::{collections::VecDeque, sync::Mutex};

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
    /// From the application, in line with the client's commands.
    Subscribe(Box<ServerSub>),
}

#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
}

impl Inbox {
    /// Takes the commands of one frame of this length.
    pub(crate) fn put(&self, items: impl Iterator<Item = Item>, bytes: usize) {
        let mut state = lock(&self.state);
        state.items.extend(items);
        if state.items.is_empty() {
            // Nothing but pongs: nothing is kept, and nobody would make room.
            return;
        }
        state.bytes += bytes;
        drop(state);
        self.filled.notify_one();
    }

    pub(crate) async fn next(&self) -> Item {
        loop {
            if let Some(item) = self.pop() {
                return item;
            }
            self.filled.notified().await;
        }
    }

    fn pop(&self) -> Option<Item> {
        let mut state = lock(&self.state);
        let item = state.items.pop_front();
        if item.is_some() && state.items.is_empty() {
            *state = State::default();
            drop(state);
            self.emptied.notify_one();
        }
        item
    }

    /// Drops what nobody will run any more.
    pub(crate) fn clear(&self) {
        *lock(&self.state) = State::default();
        self.emptied.notify_one();
    }

    /// The client waits for more answers than the one at hand.
    pub(crate) fn has_more(&self) -> bool {
        !lock(&self.state).items.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        let state = lock(&self.state);
        state.items.len() >= MAX_COMMANDS || state.bytes >= MAX_BYTES
    }

    /// Waits until a full inbox has been worked off.
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
        assert!(inbox.pop().is_some() && !inbox.is_full());
    }
}
