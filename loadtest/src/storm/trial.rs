//! One server under a storm: its subscribers are dropped, and resume while publishing goes on.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::args::Args;
use crate::aim::Site;
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

#[derive(Serialize)]
pub(super) struct Storm {
    pub(super) server_name: &'static str,
    wanted: u64,
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
    pub(super) server_cpu_us_per_resumption: Option<f64>,
    generator_cpu_seconds: f64,
    errors: BTreeMap<String, u64>,
}

pub(super) async fn measure(args: &Args, server_name: &'static str, site: &Site) -> Result<Storm> {
    let mut subscriber_plan = args.aim.subscriber_plan(site, args.connections, args.rooms);
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
    Ok(Storm {
        server_name,
        wanted: u64::from(args.connections) * u64::from(args.drops),
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
    })
}

impl Storm {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.resumed < self.wanted {
            problems
                .push(format!("only {} of {} connections were resumed in time", self.resumed, self.wanted));
        }
        if self.unrecovered_rooms > 0 {
            problems.push(format!("{} rooms were not recovered", self.unrecovered_rooms));
        }
        let (lost, doubled, disordered) = (self.lost, self.doubled, self.disordered);
        if lost + doubled + disordered > 0 {
            problems.push(format!("{lost} lost, {doubled} doubled, {disordered} out of order"));
        }
        if !self.errors.is_empty() {
            problems.push(format!("errors {:?}", self.errors));
        }
        problems
    }
}

impl Display for Storm {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}:", self.server_name)?;
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
        writeln!(out, "  generator {:.2} cpu s", self.generator_cpu_seconds)
    }
}
