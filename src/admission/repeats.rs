//! Who has just been here: a bounded table in memory of digests that mean nothing outside of this process. It is lost at a
//! restart, and each node has its own, so it makes counts better and proves nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For so long one who comes again is the same.
const WITHIN: Duration = Duration::from_mins(30);
const CAPACITY: usize = 50_000;

#[derive(Default)]
pub struct Repeats {
    /// Random for each process.
    hasher: RandomState,
    seen: Mutex<HashMap<u64, Instant>>,
}

impl Repeats {
    /// Whether it was seen within half an hour; notes it if not.
    pub fn is_known(&self, who: impl Hash, now: Instant) -> bool {
        let digest = self.hasher.hash_one(who);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(&digest).is_some_and(|at| now.duration_since(*at) < WITHIN) {
            return true;
        }
        if seen.len() >= CAPACITY {
            seen.retain(|_, at| now.duration_since(*at) < WITHIN);
            if seen.len() >= CAPACITY {
                seen.clear();
            }
        }
        seen.insert(digest, now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_comes_again_is_known_for_half_an_hour_and_memory_is_bounded() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        assert!(!repeats.is_known(("a", 1), start));
        assert!(repeats.is_known(("a", 1), start + WITHIN / 2) && !repeats.is_known(("a", 2), start));
        assert!(!repeats.is_known(("a", 1), start + WITHIN));
        for n in 0..CAPACITY * 2 {
            repeats.is_known(("many", n), start);
        }
        assert!(repeats.seen.lock().expect("lock").len() <= CAPACITY);
    }
}
