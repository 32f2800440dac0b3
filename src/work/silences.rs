//! Ends the silences of the AI whose time is over. The rows are the truth, looked at once a second, a page at a time.
//! One that cannot be ended keeps none from being ended, and is tried again later, longer each time.

use std::collections::HashMap;

use uuid::Uuid;

use super::retry;
use crate::inbox::silence::EndSilence;
use crate::store::Store;
use crate::store::ownership::{Over, OverSince};

/// Of one look; the next one goes on behind them.
const AT_ONCE: i64 = 200;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 600_000;
/// Failing ones that are remembered. Of more, some are tried at every look.
const REMEMBERED: usize = 10_000;

/// What one look tells the next.
#[derive(Default)]
pub(super) struct Silences {
    /// Where the next page begins; from the beginning after the last one.
    after: (i64, Uuid),
    failing: HashMap<Uuid, Failing>,
}

struct Failing {
    tries: i64,
    next_at: i64,
}

impl Silences {
    pub(super) async fn end(&mut self, store: &Store) {
        let now = store.clock().now_ms();
        let over = match store.read(Over { now, after: self.after, limit: AT_ONCE }).await {
            Ok(over) => over,
            Err(error) => return tracing::warn!(%error, "silences cannot be read"),
        };
        for (tenant, conversation) in self.page(now, &over) {
            match store.write(EndSilence { tenant, conversation }).await {
                Ok(_) => {
                    self.failing.remove(&conversation);
                }
                Err(error) => {
                    let wait_ms = self.failed(conversation, now, store.ids().next().as_u128() as u64);
                    tracing::warn!(%error, %conversation, wait_ms, "a silence could not be ended; it is tried again");
                }
            }
        }
    }

    /// Those of a page that are tried now. The next look goes on behind it.
    fn page(&mut self, now: i64, over: &[OverSince]) -> Vec<(Uuid, Uuid)> {
        let is_last = (over.len() as i64) < AT_ONCE;
        self.after = match over.last() {
            Some((_, conversation, since)) if !is_last => (*since, *conversation),
            _ => (0, Uuid::nil()),
        };
        let waits = |conversation| self.failing.get(conversation).is_some_and(|it| it.next_at > now);
        let due = over.iter().filter(|(_, conversation, _)| !waits(conversation));
        due.map(|(tenant, conversation, _)| (*tenant, *conversation)).collect()
    }

    /// Gives how long it is left alone.
    fn failed(&mut self, conversation: Uuid, now: i64, random: u64) -> i64 {
        if self.failing.len() >= REMEMBERED && !self.failing.contains_key(&conversation) {
            // Of those that were ended elsewhere, or are over, nobody comes to tell.
            self.failing.retain(|_, it| it.next_at > now);
            if self.failing.len() >= REMEMBERED {
                return 0;
            }
        }
        let it = self.failing.entry(conversation).or_insert(Failing { tries: 0, next_at: 0 });
        it.tries += 1;
        let wait_ms = retry::wait_ms(it.tries, FIRST_WAIT_MS, LONGEST_WAIT_MS, random);
        it.next_at = now + wait_ms;
        wait_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_left_alone_for_longer_each_time_and_the_others_are_not() {
        let (mut silences, tenant, now) = (Silences::default(), Uuid::from_u128(7), 1_000_000);
        let page: Vec<OverSince> = (1..=AT_ONCE as u128).map(|id| (tenant, Uuid::from_u128(id), 5)).collect();
        assert_eq!(silences.page(now, &page).len(), page.len());
        assert_eq!(silences.after, (5, Uuid::from_u128(AT_ONCE as u128)), "the next look goes on behind it");
        let waits: Vec<i64> = (0..4).map(|_| silences.failed(Uuid::from_u128(1), now, 0)).collect();
        assert!(waits.is_sorted() && waits[0] >= 1_000 && waits[3] >= 4 * waits[0], "{waits:?}");
        let tried = silences.page(now + 1_000, &page[..2]);
        assert_eq!(tried, [(tenant, Uuid::from_u128(2))]);
        assert_eq!(silences.after, (0, Uuid::nil()), "and the one after the last page from the beginning");
        assert_eq!(silences.page(now + LONGEST_WAIT_MS, &page[..2]).len(), 2);
        for id in 0..2 * REMEMBERED as u128 {
            silences.failed(Uuid::from_u128(id), now, 0);
        }
        assert_eq!(silences.failing.len(), REMEMBERED);
    }
}
