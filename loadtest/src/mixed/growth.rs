//! Whether something grows, and whether something is left: the slope of samples, and gauges in Prometheus text.

use std::collections::BTreeMap;

use anyhow::Result;

/// Gauges with these words in their name return to where they were when every client is gone.
const RETURNING: [&str; 4] = ["session", "room", "subscription", "queue"];

/// Least squares over the last two thirds of samples that were taken each second; the first third warms up.
pub(super) fn slope_per_minute(samples: &[u64]) -> Option<f64> {
    let rest = &samples[samples.len() / 3..];
    if rest.len() < 3 {
        return None;
    }
    let count = rest.len() as f64;
    let mean_x = (count - 1.0) / 2.0;
    let mean_y = rest.iter().map(|y| *y as f64).sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in rest.iter().enumerate() {
        covariance += (x as f64 - mean_x) * (*y as f64 - mean_y);
        variance += (x as f64 - mean_x).powi(2);
    }
    Some(covariance / variance * 60.0)
}

pub(super) async fn gauges(url: Option<&str>) -> Result<BTreeMap<String, f64>> {
    let Some(url) = url else { return Ok(BTreeMap::new()) };
    let http = reqwest::Client::builder().no_proxy().build()?;
    Ok(parse(&http.get(url).send().await?.error_for_status()?.text().await?))
}

fn parse(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter(|(name, _)| !name.ends_with("_total") && RETURNING.iter().any(|word| name.contains(word)))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// What is higher now than before.
pub(super) fn left(
    before: &BTreeMap<String, f64>,
    now: &BTreeMap<String, f64>,
) -> BTreeMap<String, (f64, f64)> {
    let was = |name: &String| before.get(name).copied().unwrap_or_default();
    let grown = now.iter().filter(|(name, value)| **value > was(name));
    grown.map(|(name, value)| (name.clone(), (was(name), *value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_leaves_the_warm_up_out() {
        let samples: Vec<u64> = [900, 500, 100].into_iter().chain((0..6).map(|n| 1000 + 2 * n)).collect();
        assert!((slope_per_minute(&samples).unwrap() - 120.0).abs() < 1e-9);
        assert_eq!(slope_per_minute(&[1, 2]), None);
    }

    #[test]
    fn only_gauges_that_rose_are_left() {
        let text = "# HELP x\nhub_sessions 3\nhub_rooms 5\nhub_sessions_total 900\nprocess_bytes 7\n";
        let now = parse(text);
        assert_eq!(now.len(), 2);
        let before = BTreeMap::from([("hub_sessions".to_owned(), 3.0), ("hub_rooms".to_owned(), 4.0)]);
        assert_eq!(left(&before, &now), BTreeMap::from([("hub_rooms".to_owned(), (4.0, 5.0))]));
    }
}
