//! `loadtest soak`: simulates a day of a server's life in minutes. Connections come and go in every way, most recover
//! what they missed and must get it once; rooms are short-lived; some connections never read. Checks that memory does
//! not grow and that nothing is left after all have disconnected.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::aim::Aim;
use crate::fleet::Fleet;
use crate::fleet::order::Order;
use crate::growth::{Counts, Trend, counts, grown, returning};
use crate::mixed::{OWN_DESCRIPTORS, leftovers, sample};
use crate::process::Spent;
use crate::publisher::Publisher;
use crate::{phase, report};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    #[arg(long, default_value_t = 300)]
    connections: u32,
    #[arg(long, default_value_t = 3)]
    subscriptions: u32,
    #[arg(long, default_value_t = 60)]
    rooms: u32,
    /// Connections that at times request much and read nothing.
    #[arg(long, default_value_t = 4)]
    deaf: u32,
    /// Marked publications per second, in addition to those of the connections. The publications of a room in a few
    /// seconds have to fit into the server's history of it.
    #[arg(long, default_value_t = 120.0)]
    rate: f64,
    #[arg(long, default_value_t = 256)]
    bytes: usize,
    /// Mean time between two actions of a connection.
    #[arg(long, default_value_t = 500)]
    every_ms: u64,
    /// The same seed chooses the same actions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of the time in which memory may settle.
    #[arg(long, default_value_t = 0.4)]
    warm_up: f64,
    /// Seconds for all to reconnect and recover.
    #[arg(long, default_value_t = 30)]
    drain_s: u64,
    /// Metrics of the server, in Prometheus text or as one flat JSON object: sessions, rooms, subscriptions and tasks
    /// have to return to their initial values.
    #[arg(long)]
    stats_url: Option<String>,
    /// Fail if both trends of the memory say that it grows faster than this share of itself.
    #[arg(long)]
    max_percent_per_hour: Option<f64>,
}

#[derive(Serialize)]
struct SoakReport {
    command: &'static str,
    minutes: f64,
    connections: u32,
    subscriptions: u32,
    rooms: u32,
    seed: u64,
    /// Connections made in any way, including the first ones.
    connects: u64,
    /// Publications, scheduled and random.
    publications: u64,
    marked_publications: u64,
    /// Deliveries to the connections: with a mark, and others.
    marked_deliveries: u64,
    other_pushes: u64,
    recovered_rooms: u64,
    unrecovered_rooms: u64,
    replayed: u64,
    lost: u64,
    doubled: u64,
    disordered: u64,
    skipped: u64,
    actions: BTreeMap<String, u64>,
    closes: BTreeMap<String, u64>,
    /// Close codes of the connections that read nothing.
    deaf_closes: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Spent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Trend>,
    /// After all have disconnected.
    #[serde(skip_serializing_if = "Option::is_none")]
    rss_kib_at_end: Option<u64>,
    /// Growth of the server's counters.
    server_counted: Counts,
    /// Sessions, rooms, tasks before the load and after all have disconnected.
    gauges_before: Counts,
    gauges_after: Counts,
    gauges_left: BTreeMap<String, (f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptors_left: Option<u64>,
    problems: Vec<String>,
    rss_kib: Vec<u64>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let (site, stats_url) = (args.aim.site(), args.stats_url.as_deref());
    let counts_before = counts(stats_url).await?;
    let before = site.usage()?;
    let mut subscriber_plan = args.aim.subscriber_plan(&site, args.connections, args.rooms);
    subscriber_plan.rooms_per_subscriber = args.subscriptions.clamp(1, subscriber_plan.rooms);
    (subscriber_plan.positions, subscriber_plan.stalling) = (true, args.deaf);
    let (prefix, rooms) = (subscriber_plan.prefix.clone(), subscriber_plan.rooms);
    let (mut fleet, opened) = Fleet::open(subscriber_plan, args.aim.processes).await?;
    let mut publisher = Publisher::connect(&site.transport, args.aim.publishers, rooms, &prefix, args.bytes)?;

    let time = Duration::from_secs_f64(args.minutes * 60.0);
    let (seconds, every_ms, seed, rate) = (time.as_secs_f64(), args.every_ms.max(1), args.seed, args.rate);
    fleet.order(&Order::Roam { seconds, every_ms, seed }).await?;
    let publishing = tokio::task::spawn_blocking(move || {
        let schedule = publisher.schedule(rate, Some(time));
        publisher.run(&schedule)
    });
    let rss_kib = sample(&site, time).await?;
    let published = publishing.await??;
    let (seen, _) = phase::drain(&mut fleet, published.total, Duration::from_secs(args.drain_s)).await?;
    let usage = site.usage()?;
    fleet.order(&Order::Leave).await?;
    let descriptors = before.map(|usage| usage.descriptors);
    let (descriptors_left, gauges_left) = leftovers(&site, descriptors, stats_url, &counts_before).await?;
    let counts_after = counts(stats_url).await?;

    let of = |names: &[&str]| names.iter().filter_map(|name| seen.actions.get(*name)).sum::<u64>();
    let mut report = SoakReport {
        command: "soak",
        minutes: args.minutes,
        connections: args.connections,
        subscriptions: args.subscriptions,
        rooms,
        seed,
        connects: opened.open + of(&["connect", "resume"]),
        publications: published.count + of(&["publish"]) + 3 * of(&["visit"]),
        marked_publications: published.count,
        marked_deliveries: seen.deliveries,
        other_pushes: seen.others,
        recovered_rooms: seen.recovered,
        unrecovered_rooms: seen.unrecovered,
        replayed: seen.replayed,
        lost: seen.lost,
        doubled: seen.doubled,
        disordered: seen.disordered,
        skipped: seen.skipped,
        closes: seen.closes,
        deaf_closes: seen.stalled_closes,
        errors: seen.errors,
        actions: seen.actions,
        server: before.zip(usage).map(|(before, after)| Spent::between(before, after)),
        memory: Trend::of(&rss_kib, (rss_kib.len() as f64 * args.warm_up) as usize),
        rss_kib_at_end: site.usage()?.map(|usage| usage.rss_kib),
        server_counted: grown(&counts_before, &counts_after),
        gauges_before: returning(&counts_before),
        gauges_after: returning(&counts_after),
        gauges_left,
        descriptors_left,
        problems: Vec::new(),
        rss_kib,
    };
    report.judge(args.max_percent_per_hour);
    report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

impl SoakReport {
    fn judge(&mut self, max_percent_per_hour: Option<f64>) {
        let (lost, doubled, disordered) = (self.lost, self.doubled, self.disordered);
        if lost + doubled + disordered > 0 {
            self.problems.push(format!("{lost} lost, {doubled} doubled, {disordered} out of order"));
        }
        if self.skipped > 0 {
            self.problems.push(format!("{} offsets were left out", self.skipped));
        }
        if self.unrecovered_rooms > 0 {
            self.problems.push(format!("{} rooms were not recovered", self.unrecovered_rooms));
        }
        if self.marked_deliveries == 0 {
            self.problems.push("no subscriber saw any publication".to_owned());
        }
        // An error reply is accepted; an unreadable or missing reply is not.
        for (text, count) in self.errors.iter().filter(|(text, _)| !text.starts_with("error ")) {
            self.problems.push(format!("{count} times {text}"));
        }
        for (code, count) in &self.closes {
            self.problems.push(format!("{count} connections that read were ended by the server: {code}"));
        }
        if let Some(left) = self.descriptors_left.filter(|left| *left > OWN_DESCRIPTORS) {
            self.problems.push(format!("{left} descriptors are left"));
        }
        if !self.gauges_left.is_empty() {
            self.problems.push(format!("left in the server, before and after: {:?}", self.gauges_left));
        }
        if let (Some(memory), Some(limit)) = (self.memory, max_percent_per_hour)
            && memory.percent_per_hour.min(memory.quarters_percent_per_hour) > limit
        {
            self.problems.push("memory grows".to_owned());
        }
    }
}

impl Display for SoakReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "soak: {} connections x {} of {} rooms for {} minutes, seed {}",
            self.connections, self.subscriptions, self.rooms, self.minutes, self.seed
        )?;
        writeln!(out, "  did {:?}", self.actions)?;
        writeln!(
            out,
            "  {} connects, {} publications ({} with a mark), {} deliveries of marked ones seen, {} other pushes",
            self.connects,
            self.publications,
            self.marked_publications,
            self.marked_deliveries,
            self.other_pushes
        )?;
        writeln!(
            out,
            "  {} rooms recovered with {} publications replayed, {} not; closes {:?}, of the deaf {:?}, errors {:?}",
            self.recovered_rooms,
            self.replayed,
            self.unrecovered_rooms,
            self.closes,
            self.deaf_closes,
            self.errors
        )?;
        if let (Some(server), Some(at_end)) = (&self.server, self.rss_kib_at_end) {
            writeln!(
                out,
                "  server {:.2} cpu s, rss {} KiB before, {} after, {at_end} when all were gone, peak {}",
                server.cpu_seconds, server.rss_kib_before, server.rss_kib_after, server.peak_rss_kib
            )?;
        }
        if let Some(memory) = &self.memory {
            writeln!(
                out,
                "  memory over the last {} s: mean {:.0} KiB, {:+.1} KiB a minute ({:+.2} % an hour)",
                memory.samples, memory.mean_kib, memory.kib_per_minute, memory.percent_per_hour
            )?;
            writeln!(
                out,
                "  medians of the first and last quarter {:.0} and {:.0} KiB, {:+.1} KiB a minute ({:+.2} % an hour)",
                memory.first_quarter_kib,
                memory.last_quarter_kib,
                memory.quarters_kib_per_minute,
                memory.quarters_percent_per_hour
            )?;
        }
        if !self.gauges_after.is_empty() {
            writeln!(out, "  server counted {:?}", self.server_counted)?;
            writeln!(out, "  before {:?}", self.gauges_before)?;
            writeln!(out, "  after  {:?}", self.gauges_after)?;
        }
        if let Some(left) = self.descriptors_left {
            writeln!(out, "  {left} descriptors left")?;
        }
        report::verdict(out, &self.problems, "nothing lost, doubled, out of order or left behind")
    }
}
