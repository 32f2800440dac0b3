//! `loadtest mixed`: random joins, leaves, publications, calls, disconnects and slow readers for a while. Checks that
//! the server's memory does not grow and that nothing is left after all have disconnected.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::{Instant, interval, sleep};

use crate::aim::{Aim, Site};
use crate::fleet::Fleet;
use crate::fleet::order::Order;
use crate::growth::{Counts, Trend, counts, left};
use crate::process::Spent;
use crate::publisher::Publisher;
use crate::report;

/// Time for the server to notice the disconnects and remove empty rooms.
const GONE_WITHIN: Duration = Duration::from_secs(40);
/// Descriptors that a server may open for its own use meanwhile.
pub(crate) const OWN_DESCRIPTORS: u64 = 4;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    #[arg(long, default_value_t = 500)]
    connections: u32,
    #[arg(long, default_value_t = 3)]
    subscriptions: u32,
    #[arg(long, default_value_t = 50)]
    rooms: u32,
    /// Marked publications per second, in addition to those of the connections.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    #[arg(long, default_value_t = 256)]
    bytes: usize,
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Mean time between two actions of a connection.
    #[arg(long, default_value_t = 500)]
    every_ms: u64,
    /// The same seed chooses the same actions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Gauges of the server in Prometheus text or as one flat JSON object; sessions, rooms, subscriptions and tasks are
    /// compared before and after.
    #[arg(long)]
    stats_url: Option<String>,
    /// Fail if the memory grows faster than this.
    #[arg(long)]
    max_kib_per_minute: Option<f64>,
}

#[derive(Serialize)]
struct MixedReport {
    command: &'static str,
    connections: u32,
    subscriptions: u32,
    rooms: u32,
    seconds: f64,
    seed: u64,
    actions: BTreeMap<String, u64>,
    published: u64,
    marked_deliveries: u64,
    other_pushes: u64,
    lost: u64,
    doubled: u64,
    disordered: u64,
    /// Connections that the server ended, by code.
    closes: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Spent>,
    /// Slope over the last two thirds, by least squares.
    #[serde(skip_serializing_if = "Option::is_none")]
    rss_kib_per_minute: Option<f64>,
    rss_kib: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptors_left: Option<u64>,
    /// Gauges that did not return to their initial value: before, after.
    gauges_left: BTreeMap<String, (f64, f64)>,
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let site = args.aim.site();
    let counts_before = counts(args.stats_url.as_deref()).await?;
    let before = site.usage()?;
    let mut subscriber_plan = args.aim.subscriber_plan(&site, args.connections, args.rooms);
    subscriber_plan.rooms_per_subscriber = args.subscriptions.min(args.rooms).max(1);
    let (prefix, rooms) = (subscriber_plan.prefix.clone(), subscriber_plan.rooms);
    let (mut fleet, _) = Fleet::open(subscriber_plan, args.aim.processes).await?;
    let mut publisher = Publisher::connect(&site.transport, args.aim.publishers, rooms, &prefix, args.bytes)?;

    let Args { seconds, every_ms, seed, rate, .. } = args;
    fleet.order(&Order::Churn { seconds, every_ms: every_ms.max(1), seed }).await?;
    let time = Duration::from_secs_f64(seconds);
    let publishing = tokio::task::spawn_blocking(move || {
        let schedule = publisher.schedule(rate, Some(time));
        publisher.run(&schedule)
    });
    let rss_kib = sample(&site, time).await?;
    let published = publishing.await??;
    // First order for the report, second to close the open connections.
    let seen = fleet.order(&Order::Report { published: None }).await?;
    fleet.order(&Order::Leave).await?;
    let (descriptors_left, gauges_left) =
        leftovers(&site, before.map(|usage| usage.descriptors), args.stats_url.as_deref(), &counts_before)
            .await?;
    let mut report = MixedReport {
        command: "mixed",
        connections: args.connections,
        subscriptions: args.subscriptions,
        rooms,
        seconds,
        seed,
        actions: seen.actions,
        published: published.count,
        marked_deliveries: seen.deliveries,
        other_pushes: seen.others,
        lost: seen.lost,
        doubled: seen.doubled,
        disordered: seen.disordered,
        closes: seen.closes,
        errors: seen.errors,
        server: before.zip(site.usage()?).map(|(before, after)| Spent::between(before, after)),
        rss_kib_per_minute: Trend::of(&rss_kib, rss_kib.len() / 3).map(|trend| trend.kib_per_minute),
        rss_kib,
        descriptors_left,
        gauges_left,
        problems: Vec::new(),
    };
    report.judge(args.max_kib_per_minute);
    report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

/// Samples the server's memory once a second.
pub(crate) async fn sample(site: &Site, time: Duration) -> Result<Vec<u64>> {
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_secs(1));
    let mut samples = Vec::new();
    while begin.elapsed() < time {
        ticks.tick().await;
        samples.extend(site.usage()?.map(|usage| usage.rss_kib));
    }
    Ok(samples)
}

/// Waits for the cleanup, then returns the remaining descriptors, and the gauges with their initial values.
pub(crate) async fn leftovers(
    site: &Site,
    descriptors_before: Option<u64>,
    stats_url: Option<&str>,
    counts_before: &Counts,
) -> Result<(Option<u64>, BTreeMap<String, (f64, f64)>)> {
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let now = site.usage()?.map(|usage| usage.descriptors);
        let descriptors = descriptors_before.zip(now).map(|(before, now)| now.saturating_sub(before));
        let gauges_left = left(counts_before, &counts(stats_url).await?);
        let clean = descriptors.is_none_or(|left| left <= OWN_DESCRIPTORS) && gauges_left.is_empty();
        if clean || Instant::now() > deadline {
            return Ok((descriptors, gauges_left));
        }
        sleep(Duration::from_millis(200)).await;
    }
}

impl MixedReport {
    fn judge(&mut self, max_kib_per_minute: Option<f64>) {
        let (lost, doubled, disordered) = (self.lost, self.doubled, self.disordered);
        if lost + doubled + disordered > 0 {
            self.problems.push(format!("{lost} lost, {doubled} doubled, {disordered} out of order"));
        }
        if self.marked_deliveries == 0 {
            self.problems.push("no subscriber saw any publication".to_owned());
        }
        // An error reply is accepted; an unreadable or missing reply is not.
        for (text, count) in self.errors.iter().filter(|(text, _)| !text.starts_with("error ")) {
            self.problems.push(format!("{count} times {text}"));
        }
        if let Some(left) = self.descriptors_left.filter(|left| *left > OWN_DESCRIPTORS) {
            self.problems.push(format!("{left} descriptors are left"));
        }
        if !self.gauges_left.is_empty() {
            self.problems.push(format!("left in the server, before and after: {:?}", self.gauges_left));
        }
        if let (Some(slope), Some(limit)) = (self.rss_kib_per_minute, max_kib_per_minute)
            && slope > limit
        {
            self.problems.push(format!("memory grows by {slope:.0} KiB a minute"));
        }
    }
}

impl Display for MixedReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "mixed: {} connections x {} of {} rooms for {} s, seed {}",
            self.connections, self.subscriptions, self.rooms, self.seconds, self.seed
        )?;
        writeln!(out, "  did {:?}", self.actions)?;
        writeln!(
            out,
            "  {} published on schedule, {} deliveries of them seen, {} other pushes, closes {:?}, errors {:?}",
            self.published, self.marked_deliveries, self.other_pushes, self.closes, self.errors
        )?;
        if let Some(server) = &self.server {
            writeln!(
                out,
                "  server {:.2} cpu s, rss {} -> {} KiB, peak {} KiB, {:+.0} KiB a minute, {} descriptors left",
                server.cpu_seconds,
                server.rss_kib_before,
                server.rss_kib_after,
                server.peak_rss_kib,
                self.rss_kib_per_minute.unwrap_or_default(),
                self.descriptors_left.unwrap_or_default()
            )?;
        }
        report::verdict(out, &self.problems, report::EXACTLY_ONCE)
    }
}
