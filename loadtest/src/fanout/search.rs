//! Searches the saturation of a server: doubles the rate until a step fails, then halves the gap between the last good
//! and the first bad rate a few times. A failed step is repeated once, because a busy machine disturbs some.

use std::time::Duration;

use anyhow::Result;

use super::args::Args;
use super::trial::Trial;
use crate::phase::Phase;

const DOUBLINGS: u32 = 14;
const HALVINGS: u32 = 3;

/// Searches the highest rate, then measures at `half` of another server's best rate, or else at half of this one's.
/// Returns the rate of that last measurement.
pub(super) async fn run(trial: &mut Trial, args: &Args, half: Option<f64>) -> Result<Option<f64>> {
    let time = Duration::from_secs_f64(args.seconds);
    trial.run.found = search(trial, args.rate, time, args.p99_ms).await?;
    let half = half.or(trial.run.found.as_ref().map(|found| found.rate / 2.0));
    if let Some(half) = half {
        trial.run.half = Some(trial.phase("at half of it", half, time).await?.0);
    }
    Ok(half)
}

/// The best step within its schedule and p99; `None` if already the first failed.
async fn search(trial: &mut Trial, rate: f64, time: Duration, p99_ms: f64) -> Result<Option<Phase>> {
    let mut range = Range { good: None, bad: None, next: rate };
    let mut again = false;
    for _ in 0..2 * (DOUBLINGS + HALVINGS) {
        let (phase, seen) = trial.phase("step", range.next, time).await?;
        let kept = phase.on_schedule && seen.lost == 0 && phase.latency.p99_us as f64 <= p99_ms * 1000.0;
        eprintln!(
            "  {:.0}/s: {:.0} deliveries/s, p99 {:.1} ms, {}",
            phase.rate,
            phase.deliveries_per_second,
            phase.latency.p99_us as f64 / 1000.0,
            if kept { "kept" } else { "too much" }
        );
        trial.run.phases.push(phase.clone());
        again = !(kept || again);
        if again {
            continue;
        }
        if !range.narrow(kept, phase) {
            break;
        }
    }
    Ok(range.good)
}

struct Range<T> {
    good: Option<T>,
    bad: Option<f64>,
    next: f64,
}

impl<T> Range<T>
where
    T: Rated,
{
    /// False when the range is small enough, or no step passed.
    fn narrow(&mut self, kept: bool, step: T) -> bool {
        if kept {
            self.good = Some(step);
        } else {
            self.bad = Some(self.next);
        }
        let smallest = 0.5f64.powi(HALVINGS as i32);
        match (self.good.as_ref().map(Rated::rate), self.bad) {
            (Some(good), None) => self.next = good * 2.0,
            (Some(good), Some(bad)) => {
                self.next = f64::midpoint(good, bad);
                return bad - good > good * smallest;
            }
            (None, _) => return false,
        }
        true
    }
}

trait Rated {
    fn rate(&self) -> f64;
}

impl Rated for Phase {
    fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Rated for f64 {
        fn rate(&self) -> f64 {
            *self
        }
    }

    /// Every rate tried against a server with the capacity `limit`, and the best of them.
    fn tried(limit: f64) -> (Vec<f64>, Option<f64>) {
        let mut range = Range { good: None, bad: None, next: 100.0 };
        let mut tried = Vec::new();
        loop {
            let rate = range.next;
            tried.push(rate);
            if !range.narrow(rate <= limit, rate) {
                return (tried, range.good);
            }
        }
    }

    #[test]
    fn doubles_and_then_closes_in_from_both_sides() {
        let (steps, best) = tried(700.0);
        assert_eq!(steps, [100.0, 200.0, 400.0, 800.0, 600.0, 700.0, 750.0]);
        assert_eq!(best, Some(700.0));
    }

    #[test]
    fn gives_up_when_the_first_step_is_too_much() {
        assert_eq!(tried(50.0), (vec![100.0], None));
    }
}
