//! What waits in a queue, as a value: messages, the place reserved for a reply, ping and pong.

use std::collections::VecDeque;

use bytes::Bytes;

#[derive(Default)]
pub(super) struct Waiting {
    /// The rest of a frame that the socket took in part.
    pub(super) rest: Bytes,
    pub(super) rest_class: MessageClass,
    pub(super) messages: VecDeque<Bytes>,
    pub(super) push_bytes: usize,
    pub(super) reply_bytes: usize,
    /// Set while a reply is being made that must go out before what came later.
    pub(super) gate: Option<Gate>,
    /// The answer to the last ping frame; earlier ones need none.
    pub(super) pong: Option<Bytes>,
    /// A ping frame has to be sent.
    pub(super) ping: bool,
}

#[derive(Default)]
pub(super) struct Gate {
    /// The number of messages before it.
    pub(super) place: usize,
    /// Bytes of what came after it.
    pub(super) push_bytes: usize,
    pub(super) reply_bytes: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum MessageClass {
    Push,
    #[default]
    Reply,
}

impl Waiting {
    /// Nothing is left, not even a gate.
    pub(super) fn is_over(&self) -> bool {
        self.is_empty() && self.gate.is_none() && self.pong.is_none() && !self.ping
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.rest.is_empty()
    }

    /// Takes everything before the gate.
    pub(super) fn take_messages(&mut self) -> VecDeque<Bytes> {
        let ready = self.gate.as_ref().map_or(self.messages.len(), |gate| gate.place);
        if ready == 0 {
            return VecDeque::new();
        }
        let behind = self.messages.split_off(ready);
        let (push_bytes, reply_bytes) = match &mut self.gate {
            Some(gate) => {
                gate.place = 0;
                (gate.push_bytes, gate.reply_bytes)
            }
            None => (0, 0),
        };
        (self.push_bytes, self.reply_bytes) = (push_bytes, reply_bytes);
        std::mem::replace(&mut self.messages, behind)
    }

    pub(super) fn rest_push_bytes(&self) -> usize {
        match self.rest_class {
            MessageClass::Push => self.rest.len(),
            MessageClass::Reply => 0,
        }
    }

    pub(super) fn count(&mut self, class: MessageClass, bytes: usize) {
        let mut none = Gate::default();
        let gate = self.gate.as_mut().unwrap_or(&mut none);
        match class {
            MessageClass::Push => {
                self.push_bytes += bytes;
                gate.push_bytes += bytes;
            }
            MessageClass::Reply => {
                self.reply_bytes += bytes;
                gate.reply_bytes += bytes;
            }
        }
    }
}
