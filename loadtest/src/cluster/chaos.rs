//! Runs one seed after the other on one installation, and reports what was done and what was found.

mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::report::{Report, SeedReport};
use super::check::{Findings, check};
use super::collect;
use super::evidence::Evidence;
use super::faults::{Counts, Trouble};
use super::postgres;
use super::traffic::{Manager, Tag, customers};
use super::watcher::{Goal, Seen, Watcher};
use super::world::{ANSWERED, Parts, Ways, World};
use crate::clock::unix_ms;

const SOCKETS_WITHIN: Duration = Duration::from_mins(1);
const PEOPLE: [&str; 2] = ["anna", "ben"];

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    parts: Parts,
    /// The first seed. It chooses the faults, the customers and the managers; what the server makes of it is not
    /// repeatable.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How long faults are made for each seed.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Messages of customers a second.
    #[arg(long, default_value_t = 15.0)]
    rate: f64,
    #[arg(long, default_value_t = 3)]
    sockets: usize,
    /// Faults that are made at the same time.
    #[arg(long, default_value_t = 2)]
    hands: u64,
    /// Seconds for turns, sends and jobs to end.
    #[arg(long, default_value_t = 240)]
    settle_s: u64,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let folder = args.parts.place()?;
    eprintln!("the installation is in {}", folder.display());
    let world = Arc::new(World::start(&args.parts, &folder, ANSWERED, Ways::Links).await?);
    let trouble = Trouble::new(Arc::clone(&world)).await;
    let mut report = Report::new(args.parts.nodes, world.redis.is_some(), postgres::version().await?);
    report.left_out = trouble.left_out().await;
    for seed in args.seed..args.seed + args.seeds {
        let seed = match one(&args, &world, &trouble, seed).await {
            Ok(done) => done,
            Err(error) => SeedReport::broken(seed, &error),
        };
        eprintln!("{seed}");
        let passed = seed.passed();
        report.add(seed);
        if !passed {
            // The file system of PostgreSQL goes with it.
            postgres::dump(&world.database().await, &folder.join("database.sql")).await?;
            break;
        }
    }
    report.publish(args.json.as_deref())?;
    let passed = report.passed();
    drop((trouble, world));
    if passed {
        args.parts.leave(&folder);
    } else {
        eprintln!("logs are in {}", folder.display());
    }
    Ok(passed)
}

/// How long each stage of a seed took, in seconds.
struct Stages {
    last: Instant,
    seconds: BTreeMap<&'static str, f64>,
}

impl Stages {
    fn new() -> Self {
        Self { last: Instant::now(), seconds: BTreeMap::new() }
    }

    fn end(&mut self, name: &'static str) {
        self.seconds.insert(name, self.last.elapsed().as_secs_f64());
        self.last = Instant::now();
    }
}

async fn one(args: &Args, world: &Arc<World>, trouble: &Arc<Trouble>, seed: u64) -> Result<SeedReport> {
    let (begun, mut stages) = (Instant::now(), Stages::new());
    world.until_ready().await?;
    let owner = world.person(&world.url(), "owner").await?;
    let start = owner.top(&world.tenant).await?;
    let tag = Tag(format!("{:x}-{seed}", unix_ms()));
    // Chats that no other seed or run has: tenths of a second since the epoch, as far as phone numbers go.
    let base = unix_ms() / 100 % 1_000_000;

    let (goal, seen) = (watch::Sender::new(None), Seen::default());
    let mut sockets = JoinSet::new();
    for _ in 0..args.sockets {
        let api = world.person(&world.url(), "owner").await?;
        let watcher = Watcher::join(api, &world.socket_url(), &world.tenant, seen.clone()).await?;
        sockets.spawn(watcher.run(goal.subscribe()));
    }
    let (stop, stop_people) = (watch::Sender::new(false), watch::Sender::new(false));
    let mut people = JoinSet::new();
    for (number, name) in PEOPLE.iter().enumerate() {
        let api = world.person(&world.url(), name).await?;
        let manager = Manager { api, base: world.url(), tag: tag.clone(), number, seen: seen.clone() };
        people.spawn(manager.work(seed * 1_000 + 100 + number as u64, stop_people.subscribe()));
    }
    let mut hands = JoinSet::new();
    for hand in 0..args.hands {
        hands.spawn(Arc::clone(trouble).make(seed * 1_000 + hand, stop.subscribe()));
    }
    let writing =
        customers(Arc::clone(&world.providers), tag, base, args.rate, seed, stop_people.subscribe());
    let writing = tokio::spawn(writing);
    tokio::time::sleep(Duration::from_secs_f64(args.seconds)).await;

    stop.send_replace(true);
    let mut faults = Counts::new();
    while let Some(counts) = hands.join_next().await {
        for (name, count) in counts?? {
            *faults.entry(name).or_default() += count;
        }
    }
    // A channel whose sends fail is tried more and more seldom: each failure that is left would cost minutes.
    world.providers.well().await?;
    stop_people.send_replace(true);
    let said = writing.await??;
    let mut evidence = Evidence { said, start, ..Evidence::default() };
    while let Some(sends) = people.join_next().await {
        evidence.sends.extend(sends??);
    }
    stages.end("faults");
    world.until_ready().await?;
    let mut findings = Findings::default();
    let record = collect::accepted(&world.providers, &evidence.said, &mut findings).await?;
    stages.end("webhooks accepted");
    let rest = collect::settle(&world.database().await, Duration::from_secs(args.settle_s)).await?;
    for rest in rest {
        findings.broke("everything ends", || format!("{rest} are left after {} s", args.settle_s));
    }
    stages.end("at rest");
    let top = collect::still(&owner, &world.tenant).await?;
    goal.send_replace(Some(Goal { cursor: top, deadline: Instant::now() + SOCKETS_WITHIN }));
    while let Some(log) = sockets.join_next().await {
        evidence.sockets.push(log?);
    }
    stages.end("sockets at the top");
    collect::fill(&mut evidence, world, &owner, &record).await?;
    findings.add(&check(&evidence));
    Ok(SeedReport {
        seed,
        seconds: begun.elapsed().as_secs_f64(),
        stages: stages.seconds,
        faults,
        attempts: record.attempts,
        given_up_by_provider: record.given_up,
        given_up: collect::given_up(&world.database().await).await?,
        findings,
        error: None,
    })
}
