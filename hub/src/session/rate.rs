//! A token bucket: a rate per second with a burst. The caller decides what happens over the rate.

use tokio::time::Instant;

pub(super) struct Rate {
    per_second: Option<u32>,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Rate {
    /// For frames without a command: pings, pongs, small fragments. Client libraries send one in 20 seconds, while a flood
    /// of them would keep a core busy. 100 at once, 10 per second.
    pub(super) fn of_control_frames() -> Self {
        Rate::new(Some(10), 10.0)
    }

    /// `burst_s`: the tokens of so many seconds may be taken at once.
    pub(super) fn new(per_second: Option<u32>, burst_s: f64) -> Self {
        let burst = per_second.map_or(0.0, f64::from) * burst_s;
        Rate { per_second, burst, tokens: burst, filled: Instant::now() }
    }

    pub(super) fn take(&mut self) -> bool {
        self.per_second.is_none() || self.take_at(Instant::now())
    }

    fn take_at(&mut self, now: Instant) -> bool {
        let Some(rate) = self.per_second.map(f64::from) else { return true };
        self.tokens = (self.tokens + (now - self.filled).as_secs_f64() * rate).min(self.burst);
        self.filled = now;
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn of_control_frames_a_hundred_come_at_once_and_ten_a_second() {
        let mut rate = Rate::of_control_frames();
        let start = rate.filled;
        assert_eq!((0..500).filter(|_| rate.take_at(start)).count(), 100);
        assert_eq!((0..500).filter(|_| rate.take_at(start + Duration::from_secs(1))).count(), 10);
    }

    #[test]
    fn a_rate_allows_its_burst_and_refills() {
        let mut rate = Rate::new(Some(3), 1.0);
        let start = rate.filled;
        assert_eq!([(); 4].map(|()| rate.take_at(start)), [true, true, true, false]);
        assert!(!rate.take_at(start + Duration::from_millis(300)));
        assert!(rate.take_at(start + Duration::from_millis(400)));
        assert!(Rate::new(None, 1.0).take());
    }
}
