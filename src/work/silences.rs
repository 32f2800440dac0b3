//! Ends expired silences of the AI: reads one page of them from the database each second. One that fails does not block
//! the others, and is retried with growing waits.

use std::collections::HashMap;

use uuid::Uuid;

use super::retry;
use crate::inbox::silence::EndSilence;
use crate::store::Store;
use crate::store::ownership::{Over, OverSince};

/// Page size of one pass; the next pass continues after it.
const AT_ONCE: i64 = 200;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 600_000;
/// Failing silences that are remembered. Those over the limit are retried at every pass.
const REMEMBERED: usize = 10_000;

/// State between passes.
#[derive(Default)]
pub(super) struct Silences {
    /// Where the next page begins; reset after the last page.
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
                    tracing::warn!(%error, %conversation, wait_ms, "a silence cannot be ended; it is retried");
                }
            }
        }
    }

    /// The silences of a page that are tried now. The next pass continues after the page.
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

    /// Records a failure and returns the wait until the next try.
    fn failed(&mut self, conversation: Uuid, now: i64, random: u64) -> i64 {
        if self.failing.len() >= REMEMBERED && !self.failing.contains_key(&conversation) {
            // Silences that ended elsewhere are removed here, because nothing else removes them.
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
