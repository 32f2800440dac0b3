//! `loadtest idle`: connections that only answer pings. Measures the server's memory and CPU per connection.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::aim::{Aim, Bare, Site};
use crate::fleet::Fleet;
use crate::fleet::order::Order;
use crate::process::Spent;
use crate::report;

/// Lets the work of connecting finish before the idle phase is measured.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    /// Do the same with the bare server, and compare.
    #[arg(long)]
    baseline: bool,
    #[arg(long, default_value_t = 1000)]
    connections: u32,
    #[arg(long, default_value_t = 2)]
    subscriptions: u32,
    /// Rooms of all connections together; 0 gives every tenth subscription a room of its own.
    #[arg(long, default_value_t = 0)]
    rooms: u32,
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
}

#[derive(Serialize)]
struct IdleReport {
    command: &'static str,
    connections: u32,
    subscriptions: u32,
    seconds: f64,
    server: Idle,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Idle>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Idle {
    open_seconds: f64,
    pings: u64,
    still_open: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<Spent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resting: Option<Spent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rss_bytes_per_connection: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_us_per_connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_us_per_connection_second: Option<f64>,
    generator_cpu_seconds: f64,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let site = args.aim.site();
    let server = measure(&args, &site).await?;
    let baseline = if args.baseline {
        let bare = Bare::start(&site, 0).await?;
        Some(measure(&args, &bare.site).await?)
    } else {
        None
    };
    let mut problems = Vec::new();
    for (name, idle) in [("server", Some(&server)), ("baseline", baseline.as_ref())] {
        if let Some(idle) = idle.filter(|idle| idle.still_open < u64::from(args.connections)) {
            problems.push(format!("{name}: only {} of {} are open", idle.still_open, args.connections));
        }
    }
    let Args { connections, subscriptions, seconds, .. } = args;
    let passed = problems.is_empty();
    let report =
        IdleReport { command: "idle", connections, subscriptions, seconds, server, baseline, problems };
    report::publish(&report, args.aim.json.as_deref())?;
    Ok(passed)
}

async fn measure(args: &Args, site: &Site) -> Result<Idle> {
    let rooms = if args.rooms > 0 { args.rooms } else { args.connections * args.subscriptions / 10 };
    let mut subscriber_plan = args.aim.subscriber_plan(site, args.connections, rooms.max(args.subscriptions));
    subscriber_plan.rooms_per_subscriber = args.subscriptions;
    let before = site.usage()?;
    let begin = Instant::now();
    let (mut fleet, first) = Fleet::open(subscriber_plan, args.aim.processes).await?;
    let open_seconds = begin.elapsed().as_secs_f64();
    sleep(SETTLE).await;
    let (opened, generator_before) = (site.usage()?, fleet.cpu_seconds());
    sleep(Duration::from_secs_f64(args.seconds)).await;
    let after = site.usage()?;
    let generator_cpu_seconds = fleet.cpu_seconds() - generator_before;
    let seen = fleet.order(&Order::Report { published: None }).await?;
    let connections = f64::from(args.connections.max(1));
    let opening = before.zip(opened).map(|(before, after)| Spent::between(before, after));
    let resting = opened.zip(after).map(|(before, after)| Spent::between(before, after));
    let grown = |spent: Spent| spent.rss_kib_after as f64 - spent.rss_kib_before as f64;
    Ok(Idle {
        open_seconds,
        pings: seen.pings - first.pings,
        still_open: seen.open,
        opening,
        resting,
        rss_bytes_per_connection: opening.map(|spent| grown(spent) * 1024.0 / connections),
        cpu_us_per_connect: opening.map(|spent| spent.cpu_seconds * 1e6 / connections),
        cpu_us_per_connection_second: resting
            .map(|spent| spent.cpu_seconds * 1e6 / connections / args.seconds.max(1e-9)),
        generator_cpu_seconds,
    })
}

impl Display for IdleReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "idle: {} connections x {} subscriptions for {} s",
            self.connections, self.subscriptions, self.seconds
        )?;
        for (name, idle) in [("server", Some(&self.server)), ("baseline", self.baseline.as_ref())] {
            let Some(idle) = idle else { continue };
            writeln!(out, "{name}: opened in {:.2} s, {} pings answered", idle.open_seconds, idle.pings)?;
            if let (Some(opening), Some(resting)) = (idle.opening, idle.resting) {
                writeln!(
                    out,
                    "  rss {} -> {} KiB, {:.2} KiB a connection; then {} KiB",
                    opening.rss_kib_before,
                    opening.rss_kib_after,
                    idle.rss_bytes_per_connection.unwrap_or_default() / 1024.0,
                    resting.rss_kib_after
                )?;
                writeln!(
                    out,
                    "  {:.1} cpu us to connect, {:.2} cpu us a connection and second, {} context switches, \
                     {} descriptors",
                    idle.cpu_us_per_connect.unwrap_or_default(),
                    idle.cpu_us_per_connection_second.unwrap_or_default(),
                    resting.context_switches,
                    resting.descriptors
                )?;
            }
            writeln!(out, "  generator {:.2} cpu s", idle.generator_cpu_seconds)?;
        }
        report::verdict(out, &self.problems, "every connection stayed open")
    }
}
