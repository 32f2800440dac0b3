//! `loadtest storm`: every connection is dropped at once and resumed with the backoff of the protocol's clients, while
//! publishing into durable rooms continues. Measures the recovery time, and checks that each subscriber got each event
//! exactly once.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::aim::Aim;
use crate::fleet::Fleet;
use crate::fleet::order::{Backoff, Order};
use crate::fleet::subscriber::lock;
use crate::histogram::{Latency, Summary};
use crate::process::Spent;
use crate::publisher::Publisher;
use crate::{phase, report};

/// Time of publishing before the drop, and after the last resumption.
const AROUND: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    #[arg(long, default_value_t = 1000)]
    connections: u32,
    /// Rooms that each connection has to recover.
    #[arg(long, default_value_t = 2)]
    subscriptions: u32,
    #[arg(long, default_value_t = 100)]
    rooms: u32,
    /// Publications per second in all rooms. A room's publications during its subscribers' absence have to fit into
    /// the server's history of it.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    #[arg(long, default_value_t = 128)]
    bytes: usize,
    #[arg(long, default_value_t = 500)]
    backoff_min_ms: u64,
    #[arg(long, default_value_t = 20_000)]
    backoff_max_ms: u64,
    /// Number of drops.
    #[arg(long, default_value_t = 1)]
    drops: u32,
    /// Seconds for all to reconnect.
    #[arg(long, default_value_t = 60)]
    give_up_s: u64,
    #[arg(long, default_value_t = 15)]
    drain_s: u64,
}

#[derive(Serialize)]
struct StormReport {
    command: &'static str,
    connections: u32,
    subscriptions: u32,
    rooms: u32,
    rate: f64,
    drops: u32,
    resumed: u64,
    /// Time until all were resumed, of the slowest drop.
    all_resumed_seconds: f64,
    /// From the drop to the resumption, backoff included.
    resumption: Summary,
    attempts: u64,
    recovered_rooms: u64,
    unrecovered_rooms: u64,
    replayed: u64,
    published: u64,
    lost: u64,
    doubled: u64,
    disordered: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Spent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_cpu_us_per_resumption: Option<f64>,
    generator_cpu_seconds: f64,
    errors: BTreeMap<String, u64>,
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let site = args.aim.site();
    let mut subscriber_plan = args.aim.subscriber_plan(&site, args.connections, args.rooms);
    (subscriber_plan.rooms_per_subscriber, subscriber_plan.positions) = (args.subscriptions, true);
    let (prefix, rooms) = (subscriber_plan.prefix.clone(), subscriber_plan.rooms);
    let (mut fleet, opened) = Fleet::open(subscriber_plan, args.aim.processes).await?;
    let publisher = Publisher::connect(&site.transport, args.aim.publishers, rooms, &prefix, args.bytes)?;
    let (before, generator_before) = (site.usage()?, fleet.cpu_seconds());

    let schedule = publisher.schedule(args.rate, None);
    let publisher = Arc::new(Mutex::new(publisher));
    let (keeper, running) = (Arc::clone(&publisher), Arc::clone(&schedule));
    let publishing = tokio::task::spawn_blocking(move || lock(&keeper).run(&running));
    let (mut resumption, mut slowest, mut resumed) = (Latency::default(), 0.0_f64, 0);
    let backoff = Backoff { min_ms: args.backoff_min_ms, max_ms: args.backoff_max_ms };
    for drop in 1..=u64::from(args.drops) {
        sleep(AROUND).await;
        let begin = Instant::now();
        fleet.order(&Order::Storm(backoff)).await?;
        loop {
            sleep(LOOK_EVERY).await;
            let seen = fleet.order(&Order::Report { published: None }).await?;
            resumption.add_steps(&seen.resume);
            resumed = seen.resumed;
            let wanted = u64::from(args.connections) * drop;
            if resumed >= wanted || begin.elapsed() > Duration::from_secs(args.give_up_s) {
                break;
            }
        }
        slowest = slowest.max(begin.elapsed().as_secs_f64());
    }
    sleep(AROUND).await;
    schedule.stop();
    let published = publishing.await??;
    let (seen, _) = phase::drain(&mut fleet, published.total, Duration::from_secs(args.drain_s)).await?;

    let server = before.zip(site.usage()?).map(|(before, after)| Spent::between(before, after));
    let mut report = StormReport {
        command: "storm",
        connections: args.connections,
        subscriptions: args.subscriptions,
        rooms,
        rate: args.rate,
        drops: args.drops,
        resumed,
        all_resumed_seconds: slowest,
        resumption: resumption.summary(),
        attempts: seen.attempts - opened.attempts,
        recovered_rooms: seen.recovered,
        unrecovered_rooms: seen.unrecovered,
        replayed: seen.replayed,
        published: published.total,
        lost: seen.lost,
        doubled: seen.doubled,
        disordered: seen.disordered,
        server,
        server_cpu_us_per_resumption: server.map(|spent| spent.cpu_seconds * 1e6 / resumed.max(1) as f64),
        generator_cpu_seconds: fleet.cpu_seconds() - generator_before,
        errors: seen.errors,
        problems: Vec::new(),
    };
    report.judge();
    report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

impl StormReport {
    fn judge(&mut self) {
        let wanted = u64::from(self.connections) * u64::from(self.drops);
        if self.resumed < wanted {
            self.problems.push(format!("only {} of {wanted} connections were resumed in time", self.resumed));
        }
        if self.unrecovered_rooms > 0 {
            self.problems.push(format!("{} rooms were not recovered", self.unrecovered_rooms));
        }
        let (lost, doubled, disordered) = (self.lost, self.doubled, self.disordered);
        if lost + doubled + disordered > 0 {
            self.problems.push(format!("{lost} lost, {doubled} doubled, {disordered} out of order"));
        }
        if !self.errors.is_empty() {
            self.problems.push(format!("errors {:?}", self.errors));
        }
    }
}

impl Display for StormReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "storm: {} connections x {} of {} rooms, {}/s published, dropped {} times",
            self.connections, self.subscriptions, self.rooms, self.rate, self.drops
        )?;
        report::latency_head(out)?;
        report::latency(out, "drop to resumed", &self.resumption)?;
        writeln!(
            out,
            "  {} resumed with {} attempts, all of a drop within {:.2} s; {} rooms recovered, {} not, \
             {} of {} publications replayed",
            self.resumed,
            self.attempts,
            self.all_resumed_seconds,
            self.recovered_rooms,
            self.unrecovered_rooms,
            self.replayed,
            self.published
        )?;
        if let Some(server) = &self.server {
            writeln!(
                out,
                "  server {:.2} cpu s, {:.0} us a resumption, rss {} -> {} KiB, peak {} KiB",
                server.cpu_seconds,
                self.server_cpu_us_per_resumption.unwrap_or_default(),
                server.rss_kib_before,
                server.rss_kib_after,
                server.peak_rss_kib
            )?;
        }
        writeln!(out, "  generator {:.2} cpu s", self.generator_cpu_seconds)?;
        report::verdict(out, &self.problems, report::EXACTLY_ONCE)
    }
}
