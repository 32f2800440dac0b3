//! One part of the installation is away for a while under load: Redis stopped, or PostgreSQL's primary killed and its standby
//! promoted. What counts is what was lost, how soon the sockets have everything again, and what readiness said.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::check::{Findings, check};
use super::collect;
use super::evidence::Evidence;
use super::traffic::{Tag, customers};
use super::watcher::{Goal, Seen, Watcher};
use super::world::{Parts, SILENT, Ways, World};
use crate::clock::unix_ms;
use crate::report;

const LOOK_AGAIN: Duration = Duration::from_millis(25);
const BEFORE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(5);
const WITHIN: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Redis,
    Postgres,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    parts: Parts,
    /// What is taken away.
    #[arg(long, value_enum, default_value = "redis")]
    of: Part,
    /// For how long; of PostgreSQL: until the standby is promoted.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Messages of customers a second.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Sockets, spread over the nodes.
    #[arg(long, default_value_t = 4)]
    sockets: usize,
    /// Fails when the sockets need longer than this after the return.
    #[arg(long)]
    caught_up_s: Option<f64>,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    command: &'static str,
    of: Part,
    nodes: usize,
    away_s: f64,
    /// From the beginning of the outage until some node was not ready.
    red_after_s: Option<f64>,
    /// From the return until all nodes were ready, once they stay so.
    green_after_s: f64,
    /// From the return until every socket had the newest event of that moment.
    caught_up_after_s: f64,
    attempts: std::collections::BTreeMap<String, u64>,
    findings: Findings,
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let folder = args.parts.place()?;
    let world = Arc::new(World::start(&args.parts, &folder, SILENT, Ways::Links).await?);
    let report = measure(&args, &world).await?;
    report::publish(&report, args.json.as_deref())?;
    drop(world);
    let passed = report.problems.is_empty();
    if passed {
        args.parts.leave(&folder);
    } else {
        eprintln!("logs are in {}", folder.display());
    }
    Ok(passed)
}

async fn measure(args: &Args, world: &Arc<World>) -> Result<Report> {
    ensure!(args.of != Part::Redis || world.redis.is_some(), "Redis is not installed");
    if args.of == Part::Postgres {
        world.postgres.lock().await.add_standby(&world.folder).await?;
    }
    let owner = world.person(&world.url(), "owner").await?;
    let start = owner.top(&world.tenant).await?;
    let goal = watch::Sender::new(None);
    let (mut sockets, mut places) = (JoinSet::new(), Vec::new());
    for _ in 0..args.sockets {
        let watcher =
            Watcher::join(Arc::clone(&owner), &world.socket_url(), &world.tenant, Seen::default()).await?;
        places.push(watcher.place());
        sockets.spawn(watcher.run(goal.subscribe()));
    }
    let stop = watch::Sender::new(false);
    let tag = Tag(format!("{:x}-outage", unix_ms()));
    let base = unix_ms() / 100 % 1_000_000;
    let providers = Arc::clone(&world.providers);
    let writing = tokio::spawn(customers(providers, tag, base, args.rate, 1, stop.subscribe()));
    tokio::time::sleep(BEFORE).await;

    let gone = Instant::now();
    take_away(args.of, world).await?;
    let (mut red_after_s, away) = (None, Duration::from_secs_f64(args.seconds));
    while gone.elapsed() < away {
        if red_after_s.is_none() && !all_ready(world).await {
            red_after_s = Some(gone.elapsed().as_secs_f64());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    bring_back(args.of, world).await?;
    let (back, away_s) = (Instant::now(), gone.elapsed().as_secs_f64());
    let caught_up = async {
        let top = loop {
            // The first try may still meet the outage.
            if let Ok(top) = owner.top(&world.tenant).await {
                break top;
            }
            ensure!(back.elapsed() < WITHIN, "the log cannot be read after the return");
        };
        for place in &mut places {
            let seen = tokio::time::timeout(WITHIN, place.wait_for(|seen| *seen >= top)).await;
            seen.context("a socket does not catch up")??;
        }
        anyhow::Ok(back.elapsed().as_secs_f64())
    };
    let green = async {
        loop {
            if all_ready(world).await {
                return anyhow::Ok(back.elapsed().as_secs_f64());
            }
            ensure!(back.elapsed() < WITHIN, "some node is not ready after the return");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let (caught_up_after_s, green_after_s) = tokio::try_join!(caught_up, green)?;
    tokio::time::sleep(AFTER).await;
    stop.send_replace(true);
    let failover = args.of == Part::Postgres;
    let mut evidence = Evidence { said: writing.await??, start, failover, ..Evidence::default() };
    let (mut findings, mut problems) = (Findings::default(), Vec::new());
    let record = collect::accepted(&world.providers, &evidence.said, &mut findings).await?;
    let rest = collect::settle(&world.database().await, WITHIN).await?;
    problems.extend(rest.into_iter().map(|rest| format!("{rest} are left")));
    let top = owner.top(&world.tenant).await?;
    goal.send_replace(Some(Goal { cursor: top, deadline: Instant::now() + WITHIN }));
    while let Some(log) = sockets.join_next().await {
        evidence.sockets.push(log?);
    }
    collect::fill(&mut evidence, world, &owner, &record).await?;
    findings.add(&check(&evidence));
    problems.extend(findings.broken.iter().map(|(name, count)| format!("not so: {name} ({count})")));
    problems.extend(findings.examples.iter().cloned());
    if red_after_s.is_none() {
        problems.push("readiness stayed green during the outage".into());
    }
    if args.caught_up_s.is_some_and(|most| caught_up_after_s > most) {
        problems.push(format!("the sockets needed {caught_up_after_s:.2} s"));
    }
    Ok(Report {
        command: "cluster outage",
        of: args.of,
        nodes: world.nodes.len(),
        away_s,
        red_after_s,
        green_after_s,
        caught_up_after_s,
        attempts: record.attempts,
        findings,
        problems,
    })
}

async fn all_ready(world: &World) -> bool {
    for node in &world.nodes {
        if world.readiness(node).await != Some(true) {
            return false;
        }
    }
    true
}

async fn take_away(part: Part, world: &World) -> Result<()> {
    match part {
        Part::Redis => world.redis.as_ref().context("no Redis")?.lock().await.kill().await,
        Part::Postgres => world.postgres.lock().await.kill().await,
    }
}

async fn bring_back(part: Part, world: &World) -> Result<()> {
    match part {
        Part::Redis => world.redis.as_ref().context("no Redis")?.lock().await.until_ready().await,
        Part::Postgres => world.postgres.lock().await.promote().await,
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:?} away for {:.1} s, {} nodes", self.of, self.away_s, self.nodes)?;
        if let Some(red) = self.red_after_s {
            writeln!(out, "  readiness red after   {red:>6.2} s")?;
        }
        writeln!(out, "  readiness green after {:>6.2} s of the return", self.green_after_s)?;
        writeln!(out, "  sockets caught up in  {:>6.2} s of the return", self.caught_up_after_s)?;
        for (name, count) in &self.findings.checked {
            writeln!(out, "  {count:>8} {name}")?;
        }
        report::verdict(out, &self.problems, "nothing lost, nothing twice, no gap")
    }
}
