//! The time of an event, and whether it arrived too late for the AI to answer. Pure.

use adapters::event::Told;

/// The greatest plausible delay: providers keep undelivered events for a day, and a gateway reports its own delay. An
/// older message means that one of the two clocks is wrong, which must not keep the AI from answering.
const TRUSTED_MS: i64 = 7 * 24 * 3_600_000;

/// The event's time in Unix milliseconds, if the provider gives one. A time in the future becomes `now`.
pub(super) fn of(told: &Told, now: i64) -> Option<i64> {
    told.at_ms.filter(|at| *at > 0).map(|at| at.min(now))
}

/// As [`of`], or `now` if the provider gives no time.
pub(super) fn or_now(told: &Told, now: i64) -> i64 {
    of(told, now).unwrap_or(now)
}

/// The latest moment that a time can mean: many providers round down to seconds.
pub(super) const fn end_of(at: i64) -> i64 {
    if at % 1_000 == 0 { at + 999 } else { at }
}

/// Whether the message was delivered too late to be answered by the AI. A `backlog_ms` of 0 switches this off.
pub(super) fn is_backlog(told: &Told, now: i64, backlog_ms: i64) -> bool {
    let Some(at) = of(told, now).filter(|_| backlog_ms > 0) else { return false };
    let told_late = told.told_ms.map_or(0, |told| told.min(now) - at);
    let age = now - at;
    told_late > backlog_ms || (age > backlog_ms && age <= TRUSTED_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_794_312_000_000;
    const HOUR: i64 = 3_600_000;

    fn told(at_ms: Option<i64>, told_ms: Option<i64>) -> Told {
        Told { at_ms, told_ms, delivery: None }
    }

    #[test]
    fn a_time_that_cannot_be_is_now_or_none() {
        assert_eq!(of(&told(Some(NOW + 5), None), NOW), Some(NOW));
        assert_eq!(of(&told(Some(0), None), NOW), None);
        assert_eq!(of(&told(None, None), NOW), None);
        assert_eq!((end_of(5_000), end_of(5_001)), (5_999, 5_001));
    }

    #[test]
    fn a_backlog_is_what_was_written_long_before_it_came() {
        let backlog = |at, late| is_backlog(&told(at, late), NOW, HOUR);
        assert!(backlog(Some(NOW - 2 * HOUR), None) && backlog(Some(NOW - 24 * HOUR), None));
        assert!(
            !backlog(Some(NOW - HOUR / 2), None) && !backlog(Some(NOW + HOUR), None) && !backlog(None, None)
        );
        // A delay that the gateway reports counts at any age.
        let months = 90 * 24 * HOUR;
        assert!(backlog(Some(NOW - months), Some(NOW)));
        // The gateway's clock is as far behind as its messages, so the clock is wrong.
        assert!(!backlog(Some(NOW - months), Some(NOW - months + 200)) && !backlog(Some(NOW - months), None));
        assert!(!is_backlog(&told(Some(NOW - 24 * HOUR), None), NOW, 0), "switched off");
    }
}
