//! The report of a fan-out run: the server's results, and the bare server's if it was measured.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::args::Args;
use crate::fleet::order::Seen;
use crate::phase::Phase;
use crate::process::Usage;

#[derive(Serialize)]
pub(super) struct FanoutReport {
    command: &'static str,
    plan: Plan,
    server: Run,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_baseline: Option<OfBaseline>,
    pub(super) problems: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Plan {
    rooms: u32,
    subscribers: u32,
    rate: f64,
    seconds: f64,
    bytes: usize,
    stalled: u32,
    search: bool,
    rounds: u32,
}

impl Plan {
    pub(super) fn of(args: &Args) -> Self {
        let Args { rooms, subscribers, rate, seconds, bytes, stalled, search, rounds, .. } = *args;
        Self { rooms, subscribers, rate, seconds, bytes, stalled, search, rounds }
    }
}

#[derive(Serialize)]
pub(super) struct Run {
    open_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rss_bytes_per_connection: Option<f64>,
    pub(super) phases: Vec<Phase>,
    /// The best step of a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) found: Option<Phase>,
    /// Measured at half of the best step's rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) half: Option<Phase>,
    /// CPU time of each publication into rooms without subscribers, in microseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cpu_us_per_publication_alone: Vec<f64>,
    lost: u64,
    doubled: u64,
    disordered: u64,
    others: u64,
    closes: BTreeMap<String, u64>,
    stalled_closes: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
}

/// The server's results relative to the bare server's, round by round.
#[derive(Serialize)]
struct OfBaseline {
    deliveries_per_second: Share,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries_per_server_cpu_second: Option<Share>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Share {
    median: f64,
    min: f64,
    max: f64,
}

impl Share {
    /// `None` without shares.
    fn of(mut shares: Vec<f64>) -> Option<Self> {
        shares.sort_by(f64::total_cmp);
        let (min, max) = (*shares.first()?, *shares.last()?);
        let half = shares.len() / 2;
        let low = shares[(shares.len() - 1) / 2];
        Some(Self { median: f64::midpoint(low, shares[half]), min, max })
    }
}

impl Display for Share {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{:.0} %", self.median * 100.0)?;
        if self.min < self.max {
            write!(out, " ({:.0} to {:.0})", self.min * 100.0, self.max * 100.0)?;
        }
        Ok(())
    }
}

impl Run {
    pub(super) fn new(open_seconds: f64, opened: Option<(Usage, Usage)>, connections: u32) -> Self {
        let rss = |(before, after): (Usage, Usage)| {
            (after.rss_kib as f64 - before.rss_kib as f64) * 1024.0 / f64::from(connections.max(1))
        };
        Self {
            open_seconds,
            rss_bytes_per_connection: opened.map(rss),
            phases: Vec::new(),
            found: None,
            half: None,
            cpu_us_per_publication_alone: Vec::new(),
            lost: 0,
            doubled: 0,
            disordered: 0,
            others: 0,
            closes: BTreeMap::new(),
            stalled_closes: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    pub(super) fn saw(&mut self, seen: Seen) {
        (self.lost, self.doubled, self.disordered) = (seen.lost, seen.doubled, seen.disordered);
        self.others = seen.others;
        (self.closes, self.stalled_closes, self.errors) = (seen.closes, seen.stalled_closes, seen.errors);
    }

    /// The phases that are compared.
    fn main(&self, plan: &Plan) -> &[Phase] {
        match &self.found {
            Some(found) => std::slice::from_ref(found),
            None if plan.stalled > 0 => &self.phases[self.phases.len().saturating_sub(1)..],
            None => &self.phases,
        }
    }

    fn problems(&self, name: &str, plan: &Plan) -> Vec<String> {
        let mut problems = Vec::new();
        let (lost, doubled, disordered) = (self.lost, self.doubled, self.disordered);
        if lost + doubled + disordered > 0 {
            problems.push(format!("{name}: {lost} lost, {doubled} doubled, {disordered} out of order"));
        }
        if !(self.closes.is_empty() && self.errors.is_empty()) {
            problems
                .push(format!("{name}: closed by the server {:?}, errors {:?}", self.closes, self.errors));
        }
        let cut = self.stalled_closes.get("3008").copied().unwrap_or_default();
        if plan.stalled > 0 && cut < u64::from(plan.stalled) && name == "server" {
            problems.push(format!(
                "{cut} of {} stalled subscribers were closed with 3008, all closes: {:?}",
                plan.stalled, self.stalled_closes
            ));
        }
        if plan.search && self.found.is_none() {
            problems.push(format!("{name}: already {}/s is too much", plan.rate));
        }
        problems
    }
}

impl FanoutReport {
    pub(super) fn new(plan: Plan, server: Run, baseline: Option<Run>) -> Self {
        let mut problems = server.problems("server", &plan);
        problems.extend(baseline.iter().flat_map(|run| run.problems("baseline", &plan)));
        let of_baseline = baseline.as_ref().and_then(|bare| {
            let pairs = || server.main(&plan).iter().zip(bare.main(&plan));
            let cpu = |phase: &Phase| phase.deliveries_per_server_cpu_second;
            let per_second =
                pairs().map(|(ours, bare)| ours.deliveries_per_second / bare.deliveries_per_second);
            let per_cpu = pairs().filter_map(|(ours, bare)| Some(cpu(ours)? / cpu(bare)?));
            Some(OfBaseline {
                deliveries_per_second: Share::of(per_second.collect())?,
                deliveries_per_server_cpu_second: Share::of(per_cpu.collect()),
            })
        });
        Self { command: "fanout", plan, server, baseline, of_baseline, problems }
    }
}

impl Display for FanoutReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        writeln!(
            out,
            "fanout: {} rooms x {} subscribers, {} bytes, {}/s for {} s",
            plan.rooms, plan.subscribers, plan.bytes, plan.rate, plan.seconds
        )?;
        crate::report::latency_head(out)?;
        for (name, run) in [("server", Some(&self.server)), ("baseline", self.baseline.as_ref())] {
            let Some(run) = run else { continue };
            write!(out, "{name}: opened in {:.2} s", run.open_seconds)?;
            match run.rss_bytes_per_connection {
                Some(bytes) => writeln!(out, ", {:.1} KiB a connection", bytes / 1024.0)?,
                None => writeln!(out)?,
            }
            if let Some(found) = &run.found {
                writeln!(out, "  {} steps, the best:", run.phases.len())?;
                write!(out, "{found}")?;
                run.half.iter().try_for_each(|half| write!(out, "{half}"))?;
            } else {
                run.phases.iter().try_for_each(|phase| write!(out, "{phase}"))?;
            }
            if let Some(Share { median, min, max }) = Share::of(run.cpu_us_per_publication_alone.clone()) {
                let costs = run.phases.iter().filter_map(|phase| phase.server_cpu_us_per_delivery);
                let delivery = Share::of(costs.collect()).map_or(0.0, |share| share.median);
                writeln!(
                    out,
                    "  a publication alone {median:.1} us ({min:.1} to {max:.1}), a delivery {delivery:.1} us with its \
                     share of that, {:.1} us without",
                    delivery - median / f64::from(plan.subscribers)
                )?;
            }
            if plan.stalled > 0 {
                writeln!(out, "  {} stalled subscribers, closes {:?}", plan.stalled, run.stalled_closes)?;
            }
        }
        if let Some(of) = &self.of_baseline {
            write!(out, "of the bare server: {} of its deliveries/s", of.deliveries_per_second)?;
            match &of.deliveries_per_server_cpu_second {
                Some(share) => writeln!(out, ", {share} of its deliveries a cpu second")?,
                None => writeln!(out)?,
            }
        }
        crate::report::verdict(out, &self.problems, crate::report::EXACTLY_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_median_of_its_rounds() {
        let share = Share::of(vec![0.9, 0.7, 0.8, 0.86]).unwrap();
        assert_eq!(share.to_string(), "83 % (70 to 90)");
        assert_eq!(Share::of(vec![0.5]).unwrap().to_string(), "50 %");
        assert_eq!(Share::of(Vec::new()), None);
    }
}
