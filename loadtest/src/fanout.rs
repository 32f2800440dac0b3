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
use crate::fleet::seat::lock;
use crate::phase::{self, Phase};
use crate::publisher::Publisher;
use report::{FanoutReport, Plan, Run};

const WARM_UP: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    aim: Aim,
    /// Do the same with the bare server, on the same cores as the server, and compare.
    #[arg(long)]
    baseline: bool,
    /// Measure so often; with the bare server in turn, and what is compared is the median.
    #[arg(long, default_value_t = 1, conflicts_with_all = ["search", "stalled"])]
    rounds: u32,
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
    /// Raise the rate until it is not kept, from --rate on, --seconds each; then half of the server's best.
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
    ensure!(args.rounds > 0, "--rounds must be above 0");
    ensure!(args.rooms > 0 && args.subscribers > 0, "--rooms and --subscribers must be above 0");
    ensure!(args.stalled < args.rooms * args.subscribers, "--stalled leaves nobody to be measured");
    let site = args.aim.site();
    let mut server = Trial::open(&args, &site, args.stalled).await?;
    let bare = if args.baseline { Some(Bare::start(&site).await?) } else { None };
    // It keeps no bound on who reads slowly, so nobody stalls there.
    let mut baseline = match &bare {
        Some(bare) => Some(Trial::open(&args, &bare.site, 0).await?),
        None => None,
    };
    if args.search {
        let half = server.search(&args, None).await?;
        if let Some(baseline) = &mut baseline {
            baseline.search(&args, half).await?;
        }
    } else {
        for _ in 0..args.rounds {
            server.round(&args).await?;
            if let Some(baseline) = &mut baseline {
                baseline.round(&args).await?;
            }
        }
    }
    let server = server.finish().await?;
    let baseline = match baseline {
        Some(baseline) => Some(baseline.finish().await?),
        None => None,
    };
    let report = FanoutReport::new(Plan::of(&args), server, baseline);
    crate::report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}

/// One server with its rooms, its subscribers and its publisher.
struct Trial {
    site: Site,
    fleet: Fleet,
    publisher: Arc<Mutex<Publisher>>,
    patience: Duration,
    stalled: u32,
    run: Run,
}

impl Trial {
    async fn open(args: &Args, site: &Site, stalled: u32) -> Result<Self> {
        let before = site.usage()?;
        let mut seating = args.aim.seating(site, args.rooms * args.subscribers, args.rooms);
        seating.stalling = stalled;
        let prefix = seating.prefix.clone();
        let begin = Instant::now();
        let (fleet, _) = Fleet::open(seating, args.aim.processes).await?;
        let open_seconds = begin.elapsed().as_secs_f64();
        let opened = before.zip(site.usage()?);
        let publisher = Publisher::connect(&site.way, args.aim.publishers, args.rooms, &prefix, args.bytes)?;
        let mut trial = Self {
            site: site.clone(),
            fleet,
            publisher: Arc::new(Mutex::new(publisher)),
            patience: Duration::from_secs(args.drain_s),
            stalled,
            run: Run::new(open_seconds, opened, args.rooms * args.subscribers),
        };
        trial.phase("warm-up", args.rate, WARM_UP).await?;
        Ok(trial)
    }

    async fn phase(&mut self, name: &str, rate: f64, time: Duration) -> Result<(Phase, Seen)> {
        let Self { site, fleet, publisher, patience, .. } = self;
        phase::run(name, site, fleet, publisher, rate, time, *patience).await
    }

    async fn round(&mut self, args: &Args) -> Result<()> {
        let time = Duration::from_secs_f64(args.seconds);
        if self.stalled == 0 {
            let steady = self.phase("steady", args.rate, time).await?.0;
            self.run.phases.push(steady);
            return Ok(());
        }
        let before = self.phase("before", args.rate, time / 2).await?.0;
        self.fleet.order(&Order::Stall(true)).await?;
        let during = self.phase("during", args.rate, time).await?.0;
        self.run.phases.extend([before, during]);
        self.fleet.order(&Order::Stall(false)).await?;
        self.wait_for_cuts().await
    }

    /// Looks for the highest rate, and then at `half` of another server's, or else of its own, which it gives back.
    async fn search(&mut self, args: &Args, half: Option<f64>) -> Result<Option<f64>> {
        let time = Duration::from_secs_f64(args.seconds);
        self.run.found = search::search(self, args.rate, time, args.p99_ms).await?;
        let half = half.or(self.run.found.as_ref().map(|found| found.rate / 2.0));
        if let Some(half) = half {
            self.run.half = Some(self.phase("at half of it", half, time).await?.0);
        }
        Ok(half)
    }

    /// A subscriber that reads again finds out that it was cut.
    async fn wait_for_cuts(&mut self) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        loop {
            let seen = self.fleet.order(&Order::Look { published: None }).await?;
            if seen.stalled_closes.values().sum::<u64>() >= u64::from(self.stalled)
                || Instant::now() > deadline
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn finish(mut self) -> Result<Run> {
        let published = lock(&self.publisher).total();
        let seen = self.fleet.order(&Order::Look { published: Some(published) }).await?;
        self.run.saw(seen);
        Ok(self.run)
    }
}
