//! `loadtest surge`: many connections are dropped and resumed at a steady pace, while others get publications as before.
//! Measures what the others notice of it, and checks that everybody gets each event exactly once.

use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::aim::Aim;
use crate::fleet::Fleet;
use crate::fleet::order::{Order, Seen};
use crate::histogram::{Latency, Summary};
use crate::phase::{self, Phase};
use crate::publisher::Publisher;
use crate::report;

/// From the first resumption to the measurement, and from its end to the last resumption.
const AROUND: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    /// Connections that stay, each in one room.
    #[arg(long, default_value_t = 1000)]
    others: u32,
    #[arg(long, default_value_t = 100)]
    others_rooms: u32,
    /// Publications per second in the rooms of those that stay.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// Connections that are dropped and resumed in turn.
    #[arg(long, default_value_t = 6000)]
    connections: u32,
    /// Rooms that each of these has to recover.
    #[arg(long, default_value_t = 2)]
    subscriptions: u32,
    #[arg(long, default_value_t = 1000)]
    rooms: u32,
    /// Publications per second in these rooms.
    #[arg(long, default_value_t = 100.0)]
    resuming_rate: f64,
    #[arg(long, default_value_t = 50_000.0)]
    per_minute: f64,
    /// Length of a measurement, with and without resumptions.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Pairs of measurements; the medians are compared.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[arg(long, default_value_t = 128)]
    bytes: usize,
    /// The others' p99 may be so many times what it is without resumptions.
    #[arg(long, default_value_t = 1.2)]
    times: f64,
    #[arg(long, default_value_t = 15)]
    drain_s: u64,
}

#[derive(Serialize)]
struct SurgeReport {
    command: &'static str,
    others: u32,
    connections: u32,
    per_minute: f64,
    phases: Vec<Phase>,
    /// From the drop to the resumption; the clients do not wait in between.
    resumption: Summary,
    /// While the others were measured.
    resumed: u64,
    resumed_per_minute: f64,
    quiet_p99_us: u64,
    resuming_p99_us: u64,
    times: f64,
    recovered_rooms: u64,
    replayed: u64,
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let site = args.aim.site();
    let patience = Duration::from_secs(args.drain_s);
    let time = Duration::from_secs_f64(args.seconds);
    let plan = args.aim.subscriber_plan(&site, args.others, args.others_rooms);
    let publisher =
        Publisher::connect(&site.transport, args.aim.publishers, plan.rooms, &plan.prefix, args.bytes)?;
    let publisher = Arc::new(Mutex::new(publisher));
    let (mut others, _) = Fleet::open(plan, args.aim.processes).await?;

    let mut plan = args.aim.subscriber_plan(&site, args.connections, args.rooms);
    (plan.rooms_per_subscriber, plan.positions) = (args.subscriptions, true);
    let mut busy =
        Publisher::connect(&site.transport, args.aim.publishers, plan.rooms, &plan.prefix, args.bytes)?;
    let (mut fleet, _) = Fleet::open(plan, args.aim.processes).await?;
    let schedule = busy.schedule(args.resuming_rate, None);
    let running = Arc::clone(&schedule);
    let publishing = tokio::task::spawn_blocking(move || busy.run(&running));

    let per_second = args.per_minute / 60.0;
    let (mut phases, mut problems) = (Vec::new(), Vec::new());
    let (mut resumption, mut resumed, mut resuming_seconds) = (Latency::default(), 0, 0.0);
    for _ in 0..args.rounds.max(1) {
        for resuming in [false, true] {
            if resuming {
                let seconds = (time + AROUND * 2).as_secs_f64();
                fleet.order(&Order::Cycle { seconds, per_second }).await?;
            }
            sleep(AROUND).await;
            let counted = fleet.order(&Order::Report { published: None }).await?;
            resumption.add_steps(&counted.resume);
            let begin = Instant::now();
            let name = if resuming { "resuming" } else { "quiet" };
            let (phase, seen) =
                phase::run(name, &site, &mut others, &publisher, args.rate, time, patience).await?;
            problems.extend(wrong(name, &seen));
            phases.push(phase);
            if resuming {
                let seen = fleet.order(&Order::Report { published: None }).await?;
                resumption.add_steps(&seen.resume);
                resumed += seen.resumed - counted.resumed;
                resuming_seconds += begin.elapsed().as_secs_f64();
            }
        }
        sleep(AROUND * 2).await;
        // Those whose turn was still to come when the time was over.
        sleep(Duration::from_secs_f64(f64::from(args.connections) / per_second.max(1e-3))).await;
    }
    schedule.stop();
    let published = publishing.await??;
    let (seen, _) = phase::drain(&mut fleet, published.total, patience).await?;
    problems.extend(wrong("resumed connections", &seen));

    let (quiet_p99_us, resuming_p99_us) = (median_p99(&phases, "quiet"), median_p99(&phases, "resuming"));
    let times = resuming_p99_us as f64 / quiet_p99_us.max(1) as f64;
    if times > args.times {
        problems.push(format!("the others' p99 is {times:.2} times what it is without resumptions"));
    }
    let resumed_per_minute = resumed as f64 / resuming_seconds * 60.0;
    if resumed_per_minute < args.per_minute * 0.95 {
        problems.push(format!("only {resumed_per_minute:.0} resumptions a minute"));
    }
    let report = SurgeReport {
        command: "surge",
        others: args.others,
        connections: args.connections,
        per_minute: args.per_minute,
        phases,
        resumption: resumption.summary(),
        resumed,
        resumed_per_minute,
        quiet_p99_us,
        resuming_p99_us,
        times,
        recovered_rooms: seen.recovered,
        replayed: seen.replayed,
        problems,
    };
    report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

fn wrong(name: &str, seen: &Seen) -> Option<String> {
    let Seen { lost, doubled, disordered, unrecovered, errors, .. } = seen;
    let is_right = lost + doubled + disordered + unrecovered == 0 && errors.is_empty();
    (!is_right).then(|| {
        format!(
            "{name}: {lost} lost, {doubled} doubled, {disordered} out of order, {unrecovered} rooms not recovered, \
             errors {errors:?}"
        )
    })
}

fn median_p99(phases: &[Phase], name: &str) -> u64 {
    let named = phases.iter().filter(|phase| phase.name == name);
    let mut all: Vec<u64> = named.map(|phase| phase.latency.p99_us).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

impl Display for SurgeReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "surge: {} connections stay, {} resume in turn, {:.0} a minute",
            self.others, self.connections, self.per_minute
        )?;
        report::latency_head(out)?;
        for phase in &self.phases {
            phase.fmt(out)?;
        }
        report::latency(out, "drop to resumed", &self.resumption)?;
        writeln!(
            out,
            "  {} resumed, {:.0} a minute; {} rooms recovered, {} publications replayed",
            self.resumed, self.resumed_per_minute, self.recovered_rooms, self.replayed
        )?;
        writeln!(
            out,
            "  the others' p99: {:.2} ms without, {:.2} ms with resumptions, {:.2} times",
            self.quiet_p99_us as f64 / 1e3,
            self.resuming_p99_us as f64 / 1e3,
            self.times
        )?;
        report::verdict(out, &self.problems, report::EXACTLY_ONCE)
    }
}
