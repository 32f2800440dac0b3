//! The pace of a channel: how many of its sends may begin now within its provider's rate. It is kept with the channel's queue
//! (`free_at_us`), so that all nodes keep to it together, and what waits for it costs one row, however much it is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use adapters::Provider;
use uuid::Uuid;

use super::jobs::Class;
use super::queues::Queue;
use super::{StoreError, Tx};
use crate::args;

const KIND: &str = "select kind from channels where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[KIND];

/// Channels whose rate is remembered.
const KNOWN: usize = 10_000;

/// A rate of calls, as a bucket of a tenth of a second's calls that is refilled by the rest: in no second more begin than the
/// provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    interval_us: i64,
    /// How far ahead of the pace a burst may be.
    ahead_us: i64,
}

impl Pace {
    pub fn per_second(calls: u32) -> Self {
        let calls = i64::from(calls.max(1));
        let burst = (calls / 10).max(1);
        let interval_us = 1_000_000 / (calls - burst).max(1) + 1;
        Self { interval_us, ahead_us: (burst - 1) * interval_us }
    }

    /// How many calls may begin now.
    pub fn allowance(self, free_at_us: i64, now_ms: i64) -> i64 {
        let now = now_ms * 1_000;
        let room = now + self.ahead_us - free_at_us.max(now);
        if room < 0 { 0 } else { room / self.interval_us + 1 }
    }

    /// The pace after calls that begin now.
    pub fn after(self, free_at_us: i64, now_ms: i64, calls: i64) -> i64 {
        if calls == 0 { free_at_us } else { free_at_us.max(now_ms * 1_000) + calls * self.interval_us }
    }

    /// From when on another call may begin, Unix milliseconds.
    pub fn next_ms(self, free_at_us: i64) -> i64 {
        (free_at_us - self.ahead_us).div_euclid(1_000) + 1
    }
}

/// The providers of channels, with the paces that they take. A channel's provider never changes, so it is read once.
#[derive(Default)]
pub struct Paces(Mutex<HashMap<Uuid, &'static dyn Provider>>);

impl Paces {
    /// The pace of a queue; `None`: it has none.
    pub(super) async fn of(&self, tx: &mut Tx<'_>, queue: &Queue) -> Result<Option<Pace>, StoreError> {
        if queue.class != Class::Send as i64 {
            return Ok(None);
        }
        let provider = self.provider(tx, queue).await?;
        Ok(provider.map(|provider| Pace::per_second(provider.limits().rates.per_second)))
    }

    /// The provider of a queue's channel.
    pub(super) async fn provider(
        &self,
        tx: &mut Tx<'_>,
        queue: &Queue,
    ) -> Result<Option<&'static dyn Provider>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&queue.id).copied();
        if known.is_some() {
            return Ok(known);
        }
        let kind = tx.one::<(String,)>(KIND, args![queue.tenant, queue.id]).await?;
        let provider = kind.as_ref().and_then(|(kind,)| adapters::provider(kind));
        // A channel that is gone, or whose provider is not built in, is not remembered.
        if let Some(provider) = provider {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(queue.id, provider);
        }
        Ok(provider)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whenever it is asked, no second has more calls than the provider takes, and the pace is nearly reached.
        #[test]
        fn no_second_has_more_calls_than_the_rate(calls in 1_u32..400, waits in prop::collection::vec(0_i64..200, 50..300)) {
            let pace = Pace::per_second(calls);
            let (mut free, mut now) = (0, 1_794_312_000_000);
            let mut begun: Vec<i64> = Vec::new();
            for wait in waits {
                now += wait;
                let count = pace.allowance(free, now).min(8);
                free = pace.after(free, now, count);
                begun.extend((0..count).map(|_| now));
                let within = begun.iter().rev().take_while(|at| **at > now - 1_000).count();
                prop_assert!(within <= calls as usize + usize::from(calls == 1), "{within} in a second of {calls}");
                if pace.allowance(free, now) == 0 {
                    let next = pace.next_ms(free);
                    prop_assert!(next > now && pace.allowance(free, next) >= 1);
                }
            }
        }
    }
}
