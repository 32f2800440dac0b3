//! Detects growth and leaks: trends of samples, and a server's own gauges, read as Prometheus text or as one flat JSON
//! object.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

/// Gauges with these words in their name return to their initial value when every client has disconnected.
const RETURNING: [&str; 6] = ["session", "room", "subscription", "queue", "task", "rpcs_running"];

/// By name; empty without a metrics address.
pub(crate) type Counts = BTreeMap<String, f64>;

/// The trend of samples taken once a second, without the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Trend {
    pub(crate) samples: usize,
    pub(crate) mean_kib: f64,
    /// Slope by least squares.
    pub(crate) kib_per_minute: f64,
    /// The slope relative to the mean.
    pub(crate) percent_per_hour: f64,
    /// Medians of the first and of the last quarter; single peaks do not move them.
    pub(crate) first_quarter_kib: f64,
    pub(crate) last_quarter_kib: f64,
    /// Growth between these two medians, which are three quarters of the time apart.
    pub(crate) quarters_kib_per_minute: f64,
    pub(crate) quarters_percent_per_hour: f64,
}

impl Trend {
    /// `None` when there are too few samples after the first `warm_up`.
    pub(crate) fn of(samples: &[u64], warm_up: usize) -> Option<Self> {
        let rest = samples.get(warm_up..).filter(|rest| rest.len() >= 4)?;
        let mean = rest.iter().map(|y| *y as f64).sum::<f64>() / rest.len() as f64;
        let slope = slope_per_minute(rest);
        let quarter = rest.len() / 4;
        let (first, last) = (median(&rest[..quarter]), median(&rest[rest.len() - quarter..]));
        let between = (last - first) / (rest.len() - quarter) as f64 * 60.0;
        let share = |per_minute: f64| per_minute * 60.0 / mean.max(1.0) * 100.0;
        Some(Self {
            samples: rest.len(),
            mean_kib: mean,
            kib_per_minute: slope,
            percent_per_hour: share(slope),
            first_quarter_kib: first,
            last_quarter_kib: last,
            quarters_kib_per_minute: between,
            quarters_percent_per_hour: share(between),
        })
    }
}

/// Slope by least squares.
fn slope_per_minute(samples: &[u64]) -> f64 {
    let count = samples.len() as f64;
    let mean_x = (count - 1.0) / 2.0;
    let mean_y = samples.iter().map(|y| *y as f64).sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in samples.iter().enumerate() {
        covariance += (x as f64 - mean_x) * (*y as f64 - mean_y);
        variance += (x as f64 - mean_x).powi(2);
    }
    covariance / variance * 60.0
}

fn median(samples: &[u64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or_default() as f64;
    if sorted.len() % 2 == 1 || middle == 0 { upper } else { f64::midpoint(upper, sorted[middle - 1] as f64) }
}

/// All gauges of the server.
pub(crate) async fn counts(url: Option<&str>) -> Result<Counts> {
    let Some(url) = url else { return Ok(Counts::new()) };
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http.get(url).header("connection", "close");
    Ok(parse(&request.send().await?.error_for_status()?.text().await?))
}

fn parse(text: &str) -> Counts {
    if let Ok(object) = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(text) {
        return object.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?))).collect();
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

fn returns(name: &str) -> bool {
    !name.ends_with("_total") && RETURNING.iter().any(|word| name.contains(word))
}

/// The gauges that are expected to return to their initial value.
pub(crate) fn returning(counts: &Counts) -> Counts {
    let gauges = counts.iter().filter(|(name, _)| returns(name));
    gauges.map(|(name, value)| (name.clone(), *value)).collect()
}

/// Expected-to-return gauges that are higher now than before.
pub(crate) fn left(before: &Counts, now: &Counts) -> BTreeMap<String, (f64, f64)> {
    let was = |name: &String| before.get(name).copied().unwrap_or_default();
    let grown = now.iter().filter(|(name, value)| returns(name) && **value > was(name));
    grown.map(|(name, value)| (name.clone(), (was(name), *value))).collect()
}

/// The growth of the other gauges.
pub(crate) fn grown(before: &Counts, now: &Counts) -> Counts {
    let was = |name: &String| before.get(name).copied().unwrap_or_default();
    let counters = now.iter().filter(|(name, value)| !returns(name) && **value > was(name));
    counters.map(|(name, value)| (name.clone(), value - was(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trend_leaves_the_warm_up_out_and_the_quarters_bear_a_peak() {
        let steady: Vec<u64> = [900, 500, 100].into_iter().chain((0..8).map(|n| 1000 + 2 * n)).collect();
        let trend = Trend::of(&steady, 3).unwrap();
        assert!((trend.kib_per_minute - 120.0).abs() < 1e-9);
        assert_eq!((trend.first_quarter_kib, trend.last_quarter_kib), (1001.0, 1013.0));
        assert!((trend.quarters_kib_per_minute - 120.0).abs() < 1e-9);
        assert!((trend.percent_per_hour - 120.0 * 60.0 / 1007.0 * 100.0).abs() < 1e-9);
        let mut peak = vec![1000; 40];
        peak[39] = 9000;
        let trend = Trend::of(&peak, 0).unwrap();
        assert!(trend.kib_per_minute > 100.0 && trend.quarters_kib_per_minute == 0.0, "{trend:?}");
        assert_eq!(Trend::of(&steady, 8), None);
        assert_eq!(Trend::of(&[1, 2], 5), None);
    }

    #[test]
    fn only_gauges_that_rose_are_left_and_only_the_others_grow() {
        let text = "# HELP x\nhub_sessions 3\nhub_rooms 5\nhub_sessions_total 900\nprocess_bytes 7\n";
        let now = parse(text);
        assert_eq!(
            now,
            parse(
                "{\"hub_sessions\":3,\"hub_rooms\":5,\"hub_sessions_total\":900,\"process_bytes\":7,\"x\":[]}"
            )
        );
        let before: Counts = [("hub_sessions", 3.0), ("hub_rooms", 4.0), ("hub_sessions_total", 100.0)]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        assert_eq!(left(&before, &now), BTreeMap::from([("hub_rooms".to_owned(), (4.0, 5.0))]));
        let counters = [("hub_sessions_total", 800.0), ("process_bytes", 7.0)];
        assert_eq!(grown(&before, &now), counters.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(returning(&now).len(), 2);
    }
}
