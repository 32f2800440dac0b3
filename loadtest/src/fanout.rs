//! `loadtest fanout`: rooms with subscribers, publications on an open-loop schedule. How late they arrive, what a
//! delivery costs the server, where it saturates, and whether each subscriber got each one once and in order.

mod report;
mod search;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::Instant;

use crate::aim::{Aim, Bare, Site};
use crate::fleet::Fleet;
use crate::fleet::order::{Order, Seen};
use crate::phase;
use crate::publisher::Publisher;
use report::{FanoutReport, Plan, Run};

const WARM_UP: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    /// Do the same with the bare server, and compare.
    #[arg(long)]
    baseline: bool,
    #[arg(long, default_value_t = 1)]
    rooms: u32,
    /// In each room, each with a connection of its own.
    #[arg(long, default_value_t = 1000)]
    subscribers: u32,
    /// Publications a second, dealt to the rooms in turn.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Size of a publication's JSON data.
    #[arg(long, default_value_t = 256)]
    bytes: usize,
    /// Raise the rate until it is not kept, from --rate on, --seconds each; then half of the best.
    #[arg(long)]
    search: bool,
    /// A step of the search with a higher p99 is over the limit.
    #[arg(long, default_value_t = 100.0)]
    p99_ms: f64,
    /// Subscribers that stop reading half-way; they have to be closed with 3008.
    #[arg(long, default_value_t = 0, conflicts_with = "search")]
    stalled: u32,
    /// Seconds for the last deliveries to arrive, and for stalled subscribers to find out that they were cut.
    #[arg(long, default_value_t = 30)]
    drain_s: u64,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    ensure!(args.rate > 0.0 && args.seconds > 0.0, "--rate and --seconds must be above 0");
    ensure!(args.rooms > 0 && args.subscribers > 0, "--rooms and --subscribers must be above 0");
    ensure!(args.stalled < args.rooms * args.subscribers, "--stalled leaves nobody to be measured");
    let site = args.aim.site();
    let server = measure(&args, &site).await?;
    let baseline = if args.baseline {
        let bare = Bare::start(&site).await?;
        Some(measure(&Args { stalled: 0, ..args_for_bare(&args) }, &bare.site).await?)
    } else {
        None
    };
    let report = FanoutReport::new(Plan::of(&args), server, baseline);
    crate::report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

/// The bare server keeps no bound on who reads slowly, so nobody stalls there.
fn args_for_bare(args: &Args) -> Args {
    Args { aim: args.aim.clone(), ..*args }
}

async fn measure(args: &Args, site: &Site) -> Result<Run> {
    let before = site.usage()?;
    let mut seating = args.aim.seating(site, args.rooms * args.subscribers, args.rooms);
    seating.stalling = args.stalled;
    let prefix = seating.prefix.clone();
    let begin = Instant::now();
    let (mut fleet, _) = Fleet::open(seating, args.aim.processes).await?;
    let open_seconds = begin.elapsed().as_secs_f64();
    let opened = before.zip(site.usage()?);
    let publisher = Publisher::connect(&site.way, args.aim.publishers, args.rooms, &prefix, args.bytes)?;
    let publisher = Arc::new(Mutex::new(publisher));
    let mut stretch =
        Stretch { site, fleet: &mut fleet, publisher, patience: Duration::from_secs(args.drain_s) };

    stretch.run("warm-up", args.rate, WARM_UP).await?;
    let time = Duration::from_secs_f64(args.seconds);
    let mut run = Run::new(open_seconds, opened, args.rooms * args.subscribers);
    if args.search {
        run.found = search::search(&mut stretch, args.rate, time, args.p99_ms, &mut run.phases).await?;
        if let Some(found) = &run.found {
            run.half = Some(stretch.run("at half of it", found.rate / 2.0, time).await?.0);
        }
    } else if args.stalled > 0 {
        run.phases.push(stretch.run("before", args.rate, time / 2).await?.0);
        stretch.fleet.order(&Order::Stall(true)).await?;
        run.phases.push(stretch.run("during", args.rate, time).await?.0);
        stretch.fleet.order(&Order::Stall(false)).await?;
        wait_for_cuts(stretch.fleet, u64::from(args.stalled), stretch.patience).await?;
    } else {
        run.phases.push(stretch.run("steady", args.rate, time).await?.0);
    }
    let total = Order::Look { published: Some(stretch.total()) };
    run.saw(fleet.order(&total).await?);
    Ok(run)
}

/// A subscriber that reads again finds out that it was cut.
async fn wait_for_cuts(fleet: &mut Fleet, stalled: u64, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        let seen = fleet.order(&Order::Look { published: None }).await?;
        if seen.stalled_closes.values().sum::<u64>() >= stalled || Instant::now() > deadline {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What stays the same through the phases of a run.
struct Stretch<'a> {
    site: &'a Site,
    fleet: &'a mut Fleet,
    publisher: Arc<Mutex<Publisher>>,
    patience: Duration,
}

impl Stretch<'_> {
    async fn run(&mut self, name: &str, rate: f64, time: Duration) -> Result<(phase::Phase, Seen)> {
        phase::run(name, self.site, self.fleet, &self.publisher, rate, time, self.patience).await
    }

    fn total(&self) -> u64 {
        crate::fleet::seat::lock(&self.publisher).total()
    }
}
