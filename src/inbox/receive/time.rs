//! When an event happened, and whether it is too old to be acted on as news. Pure.

use adapters::event::Told;

/// Nobody delivers what is older than this: providers keep what they could not deliver for a day, and a gateway says itself
/// how late it is. An older message means that one of the two clocks is wrong, and a wrong clock silences nobody.
const TRUSTED_MS: i64 = 7 * 24 * 3_600_000;

/// Unix milliseconds; nothing if the provider does not say. A clock that is ahead means now.
pub(super) fn of(told: &Told, now: i64) -> Option<i64> {
    told.at_ms.filter(|at| *at > 0).map(|at| at.min(now))
}

/// The same, and now if the provider does not say.
pub(super) fn or_now(told: &Told, now: i64) -> i64 {
    of(told, now).unwrap_or(now)
}

/// The last moment that a time may mean: many providers give whole seconds.
pub(super) const fn end_of(at: i64) -> i64 {
    if at % 1_000 == 0 { at + 999 } else { at }
}

/// Was it written so long before it came that it is shown, and not answered? 0: never.
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
        // The gateway's own word counts whatever the age.
        let months = 90 * 24 * HOUR;
        assert!(backlog(Some(NOW - months), Some(NOW)));
        // The gateway's clock is as far back as its messages: it is the clocks that differ.
        assert!(!backlog(Some(NOW - months), Some(NOW - months + 200)) && !backlog(Some(NOW - months), None));
        assert!(!is_backlog(&told(Some(NOW - 24 * HOUR), None), NOW, 0), "switched off");
    }
}
