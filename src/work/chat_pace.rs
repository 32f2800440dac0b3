//! The pace within one chat: a gap between two messages, with a burst that is forgiven. In memory, and so for each node alone:
//! a lane is one chat's and runs on one node at a time, so that others matter only for the first message after a move. A
//! shared one would answer the same two calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use adapters::Rates;
use uuid::Uuid;

/// Chats from which on those are forgotten that may be written to at once.
const MANY: usize = 10_000;

#[derive(Default)]
pub struct ChatPaces(Mutex<HashMap<(Uuid, String), i64>>);

impl ChatPaces {
    /// Takes the turn of a message to a chat of a channel. `Err`: not before this time.
    pub(super) fn take(&self, (channel, chat): (Uuid, &str), rates: Rates, now: i64) -> Result<(), i64> {
        let (gap, ahead) = times(rates);
        if gap == 0 {
            return Ok(());
        }
        let mut chats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if chats.len() >= MANY {
            chats.retain(|_, free_at| *free_at > now);
        }
        let free_at = chats.entry((channel, chat.to_owned())).or_insert(now);
        let begins = (*free_at).max(now);
        if begins > now + ahead {
            return Err(begins - ahead);
        }
        *free_at = begins + gap;
        Ok(())
    }

    /// From when on the next message may leave for the chat.
    pub(super) fn next(&self, (channel, chat): (Uuid, &str), rates: Rates) -> Option<i64> {
        let (_, ahead) = times(rates);
        let chats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chats.get(&(channel, chat.to_owned())).map(|free_at| free_at - ahead)
    }
}

/// The gap, and how far ahead of it a burst may be.
fn times(rates: Rates) -> (i64, i64) {
    let gap = i64::try_from(rates.chat_gap_ms).unwrap_or(i64::MAX / 1_000_000);
    (gap, gap * i64::from(rates.chat_burst.max(1) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates { per_second: 25, chat_gap_ms: 1_000, chat_burst: 3 };

    #[test]
    fn a_burst_is_forgiven_and_then_there_is_a_gap() {
        let (paces, channel) = (ChatPaces::default(), Uuid::max());
        for _ in 0..3 {
            assert_eq!(paces.take((channel, "a"), RATES, 10_000), Ok(()));
        }
        assert_eq!(paces.take((channel, "a"), RATES, 10_000), Err(11_000));
        assert_eq!(paces.next((channel, "a"), RATES), Some(11_000));
        assert_eq!(paces.take((channel, "b"), RATES, 10_000), Ok(()), "another chat");
        assert_eq!(paces.take((Uuid::nil(), "a"), RATES, 10_000), Ok(()), "another channel");
        assert_eq!(paces.take((channel, "a"), RATES, 11_000), Ok(()));
        assert_eq!(paces.take((channel, "a"), RATES, 11_000), Err(12_000));
        let none = Rates { chat_gap_ms: 0, ..RATES };
        assert_eq!(paces.take((channel, "a"), none, 11_000), Ok(()));
    }

    #[test]
    fn chats_that_wait_for_nothing_are_forgotten() {
        let (paces, channel) = (ChatPaces::default(), Uuid::max());
        for n in 0..3 * MANY as i64 {
            assert_eq!(paces.take((channel, &n.to_string()), RATES, n), Ok(()));
        }
        assert!(paces.0.lock().unwrap().len() <= MANY);
    }
}
