//! `loadtest storm`: every connection is dropped at once and resumed with the backoff of the protocol's clients, while
//! publishing into durable rooms continues. Measures the recovery time, and checks that each subscriber got each event
//! exactly once. The bare server and another server are measured in turn with the first.

mod args;
mod trial;

use std::fmt::{self, Display, Formatter};

use anyhow::Result;
use serde::Serialize;

pub(crate) use self::args::Args;
use self::trial::Storm;
use crate::aim::Bare;
use crate::report;

const SERVER: &str = "server";
const BARE: &str = "bare server";
const RIVAL: &str = "rival";

/// Publications that the bare server keeps of each room.
const BARE_HISTORY: u32 = 100;

#[derive(Serialize)]
struct StormReport {
    command: &'static str,
    connections: u32,
    subscriptions: u32,
    rooms: u32,
    rate: f64,
    drops: u32,
    /// The last storm of the server under test.
    #[serde(flatten)]
    last: Storm,
    /// All others, in order.
    others: Vec<Storm>,
    costs: Vec<Cost>,
    problems: Vec<String>,
}

/// CPU time of a resumption in microseconds, over the rounds.
#[derive(Serialize)]
struct Cost {
    server_name: &'static str,
    median: f64,
    least: f64,
    most: f64,
    /// The cost of the server under test, by this one's.
    server_by_this: f64,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let site = args.aim.site();
    let bare = if args.baseline { Some(Bare::start(&site, BARE_HISTORY).await?) } else { None };
    let mut sites = Vec::new();
    sites.extend(bare.as_ref().map(|bare| (BARE, bare.site.clone())));
    if let Some(url) = &args.rival_url {
        sites.push((RIVAL, args.aim.other(url, args.rival_publish_url.as_deref(), args.rival_pid)));
    }
    sites.push((SERVER, site));
    let mut storms = Vec::new();
    for _ in 0..args.rounds.max(1) {
        for (name, site) in &sites {
            storms.push(trial::measure(&args, name, site).await?);
        }
    }
    let costs = costs(&storms);
    let problems = storms
        .iter()
        .flat_map(|storm| {
            storm.problems().into_iter().map(|problem| format!("{}: {problem}", storm.server_name))
        })
        .collect();
    let Some(last) = storms.pop() else { return Ok(false) };
    let report = StormReport {
        command: "storm",
        connections: args.connections,
        subscriptions: args.subscriptions,
        rooms: args.rooms.max(1),
        rate: args.rate,
        drops: args.drops,
        last,
        others: storms,
        costs,
        problems,
    };
    report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

/// Of each server that says what it used, the one under test first.
fn costs(storms: &[Storm]) -> Vec<Cost> {
    let of = |name: &str| {
        let named = storms.iter().filter(|storm| storm.server_name == name);
        let mut all: Vec<f64> = named.filter_map(|storm| storm.server_cpu_us_per_resumption).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let median = |all: &[f64]| f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2]);
    let server = of(SERVER);
    let cost = |server_name| {
        let all = of(server_name);
        let (Some(least), Some(most)) = (all.first(), all.last()) else { return None };
        let of_server = if server.is_empty() { 0.0 } else { median(&server) };
        let (median, least, most) = (median(&all), *least, *most);
        Some(Cost { server_name, median, least, most, server_by_this: of_server / median.max(1e-9) })
    };
    [SERVER, BARE, RIVAL].into_iter().filter_map(cost).collect()
}

impl Display for StormReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "storm: {} connections x {} of {} rooms, {}/s published, dropped {} times",
            self.connections, self.subscriptions, self.rooms, self.rate, self.drops
        )?;
        report::latency_head(out)?;
        for storm in self.others.iter().chain([&self.last]) {
            storm.fmt(out)?;
        }
        for Cost { server_name, median, least, most, server_by_this } in &self.costs {
            writeln!(
                out,
                "{server_name}: {median:.1} us a resumption ({least:.1} to {most:.1}), the server costs {server_by_this:.2} of it"
            )?;
        }
        report::verdict(out, &self.problems, report::EXACTLY_ONCE)
    }
}
