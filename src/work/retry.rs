//! Exponential backoff with jitter and an upper bound.

/// Milliseconds to wait before the try after `tries` failed ones: random in `[base/2, base)`, where base
/// doubles from `first_ms` up to `longest_ms`. `random` is any number; only its low bits matter.
pub fn wait_ms(tries: i64, first_ms: i64, longest_ms: i64, random: u64) -> i64 {
    let doublings = u32::try_from(tries.clamp(1, 30) - 1).unwrap_or(0);
    let base = first_ms.saturating_mul(1_i64 << doublings).min(longest_ms).max(2);
    let half = base / 2;
    half + i64::try_from(random % u64::try_from(half.max(1)).unwrap_or(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_are_bounded_and_never_nothing(tries in 0i64..100, random: u64) {
            let wait = wait_ms(tries, 1_000, 60_000, random);
            prop_assert!((500..60_000).contains(&wait));
        }
    }

    #[test]
    fn waits_double() {
        assert!(wait_ms(1, 1_000, 60_000, 0) < wait_ms(3, 1_000, 60_000, 0));
        assert_eq!(wait_ms(4, 1_000, 60_000, 0), 4_000);
    }
}
