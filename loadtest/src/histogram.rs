//! Latencies in microseconds, kept in an HDR histogram (three significant digits, up to ten minutes).

use hdrhistogram::Histogram;
use serde::Serialize;

const MAX_US: u64 = 600_000_000;

pub(crate) struct Latency(Histogram<u64>);

#[derive(Clone, Default, Serialize)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) mean_us: u64,
    pub(crate) p50_us: u64,
    pub(crate) p90_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) max_us: u64,
}

impl Default for Latency {
    fn default() -> Self {
        // Fails only for invalid bounds or digits, and these constants are valid.
        Self(Histogram::new_with_bounds(1, MAX_US, 3).expect("histogram bounds are valid"))
    }
}

impl Latency {
    pub(crate) fn record_us(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        // Both histograms have the same bounds, so this cannot fail.
        self.0.add(&other.0).expect("histograms share their bounds");
    }

    /// Value and count of every non-empty bucket, to be sent to another process.
    pub(crate) fn steps(&self) -> Vec<(u64, u64)> {
        self.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    pub(crate) fn add_steps(&mut self, steps: &[(u64, u64)]) {
        for (us, count) in steps {
            self.0.saturating_record_n(*us, *count);
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        if self.0.is_empty() {
            return Summary::default();
        }
        Summary {
            count: self.0.len(),
            mean_us: self.0.mean() as u64,
            p50_us: self.0.value_at_quantile(0.5),
            p90_us: self.0.value_at_quantile(0.9),
            p99_us: self.0.value_at_quantile(0.99),
            p999_us: self.0.value_at_quantile(0.999),
            max_us: self.0.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_merged_ramp() {
        let (mut low, mut high) = (Latency::default(), Latency::default());
        for n in 1..=500 {
            low.record_us(n);
            high.record_us(500 + n);
        }
        low.merge(&high);
        let summary = low.summary();
        assert_eq!(summary.count, 1000);
        assert_eq!(summary.p50_us, 500);
        assert_eq!(summary.p90_us, 900);
        assert_eq!(summary.max_us, 1000);
        let mut copy = Latency::default();
        copy.add_steps(&low.steps());
        assert_eq!((copy.summary().count, copy.summary().p90_us), (1000, 900));
    }
}
