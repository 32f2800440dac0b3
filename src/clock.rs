//! Time and ids, injected everywhere, so that tests control both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use uuid::{ContextV7, Timestamp, Uuid};

/// Wall-clock time in Unix milliseconds, from the system or from a test.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// The clock of a database that several machines share, each of which has its own idea of the time.
    Followed(Arc<Followed>),
    Manual(Arc<AtomicI64>),
}

/// Another clock, as it was told last. It goes on by this process's monotonic clock: one that is set is of no account.
#[derive(Debug)]
pub struct Followed {
    begun: Instant,
    /// The other clock's time at `begun`, Unix milliseconds.
    begun_ms: AtomicI64,
}

/// A difference of so much may come of the measuring.
const TOLERANCE_MS: i64 = 5;

impl Followed {
    fn now_ms(&self) -> i64 {
        self.begun_ms.load(Ordering::Relaxed) + millis(self.begun.elapsed())
    }

    /// The other clock said this when it was asked at `asked`, and has just answered. Somewhere in between it looked: a
    /// difference that may be due to that is left alone.
    pub fn told(&self, at_ms: i64, asked: Instant) {
        let half = millis(asked.elapsed()) / 2;
        let difference = at_ms + half - self.now_ms();
        if difference.abs() > half + TOLERANCE_MS {
            self.begun_ms.fetch_add(difference, Ordering::Relaxed);
        }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Clock {
    /// The machine's clock until another one is told. A test's stays as it is.
    #[must_use]
    pub fn following(self) -> Self {
        let Self::System = self else { return self };
        let begun_ms = AtomicI64::new(self.now_ms());
        Self::Followed(Arc::new(Followed { begun: Instant::now(), begun_ms }))
    }

    pub fn manual(start_ms: i64) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(start_ms));
        (Self::Manual(Arc::clone(&hand)), hand)
    }

    /// Unix milliseconds.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Self::Followed(other) => other.now_ms(),
            Self::Manual(hand) => hand.load(Ordering::Relaxed),
        }
    }
}

/// Generates UUIDv7 ids that ascend within the process, with timestamps of the given clock.
#[derive(Clone)]
pub struct Ids {
    clock: Clock,
    context: Arc<std::sync::Mutex<ContextV7>>,
}

impl Ids {
    pub fn new(clock: Clock) -> Self {
        Self { clock, context: Arc::new(std::sync::Mutex::new(ContextV7::new())) }
    }

    pub fn next(&self) -> Uuid {
        let now = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        let context = self.context.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, now / 1000, ((now % 1000) * 1_000_000) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn another_clock_is_followed_whatever_the_machine_says() {
        let clock = Clock::System.following();
        let Clock::Followed(other) = &clock else { panic!("it follows") };
        let ahead = clock.now_ms() + 1_200_000;
        other.told(ahead, Instant::now());
        assert_eq!(clock.now_ms(), ahead);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(clock.now_ms(), ahead + 4_000);
        // It answered after two seconds, and may have looked at any time between.
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(2)).await;
        other.told(ahead + 4_100, asked);
        assert_eq!(clock.now_ms(), ahead + 6_000);
        other.told(ahead + 3_000, asked);
        assert_eq!(clock.now_ms(), ahead + 4_000);
    }

    #[test]
    fn the_clock_of_a_test_follows_nothing() {
        let (clock, _) = Clock::manual(7);
        assert_eq!(clock.following().now_ms(), 7);
    }
}
