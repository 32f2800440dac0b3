//! Webhooks straight into the nodes and sockets on every node: how many are stored a second, how long one takes from a node to a
//! socket of the same node and of another one, and what each part of the installation costs.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Url;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::world::{Parts, SILENT, Ways, World};
use crate::histogram::{Latency, Summary};
use crate::process;
use crate::report;
use crate::sender::Stream;
use crate::target::{ProviderKind, Target};
use crate::verify::Tally;
use crate::watch::{ConnectionCounts, Goal, Watcher};
use crate::webhook::{Factory, Run};

const DRAIN: Duration = Duration::from_mins(1);
const GIVE_UP: Duration = Duration::from_mins(1);
/// Two runs that begin within less than this have the same chats.
const APART: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    parts: Parts,
    /// Nodes that get webhooks, from the first on; 0: all.
    #[arg(long, default_value_t = 0)]
    into: usize,
    /// Webhooks a second in all; 0: as fast as they are answered.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Webhooks in all.
    #[arg(long, default_value_t = 10_000)]
    messages: usize,
    /// Connections that send, to each node.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// Of each tenant.
    #[arg(long, default_value_t = 100)]
    conversations: usize,
    /// Shops that the webhooks are spread over.
    #[arg(long, default_value_t = 1)]
    tenants: usize,
    /// Sockets of each tenant on each node.
    #[arg(long, default_value_t = 2)]
    sockets: usize,
    /// Fails when the p99 from node to node is above this.
    #[arg(long)]
    p99_ms: Option<f64>,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    command: &'static str,
    nodes: usize,
    into: usize,
    redis: bool,
    tenants: usize,
    sockets: usize,
    messages: u64,
    seconds: f64,
    stored_per_second: f64,
    deliveries: u64,
    acknowledgement: Summary,
    lag: Summary,
    same_node: Summary,
    other_node: Summary,
    connections: ConnectionCounts,
    /// Microseconds of CPU for each message, by part.
    cpu_us_per_message: BTreeMap<String, f64>,
    tally: Tally,
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let folder = args.parts.place()?;
    let world = World::start(&args.parts, &folder, SILENT, Ways::Straight).await?;
    let report = measure(&args, &world).await?;
    report::publish(&report, args.json.as_deref())?;
    drop(world);
    args.parts.leave(&folder);
    Ok(report.problems.is_empty())
}

fn target(world: &World, node: usize, hook: &super::control::Hook) -> Result<Target> {
    Ok(Target {
        url: world.nodes[node].url().parse()?,
        hook: hook.url.parse::<Url>()?.path().to_owned(),
        kind: ProviderKind::Telegram,
        secret: hook.secret.clone(),
        session: String::new(),
        email: None,
        password: None,
        token: None,
        tenant: None,
    })
}

async fn measure(args: &Args, world: &World) -> Result<Report> {
    let into = if args.into == 0 { world.nodes.len() } else { args.into.min(world.nodes.len()) };
    let shops = world.shops(args.tenants, SILENT).await?;
    let lanes = into * shops.len();
    let mut streams = Vec::new();
    // Socket `n` of a tenant measures the messages of one stream, and checks the cursors of all.
    let mut goals = Vec::new();
    let mut sockets = JoinSet::new();
    for shop in &shops {
        let hook = shop.providers.hook().await?;
        let mut of_shop = Vec::new();
        for node in 0..into {
            let target = target(world, node, &hook)?;
            let run = Run::new(args.messages / lanes, args.conversations);
            let (rate, address) = (args.rate / lanes as f64, target.address()?);
            let factory = Factory::new(run, &target)?;
            let connections = args.concurrency.div_ceil(shops.len());
            of_shop.push(Arc::new(Stream::new(factory, address, rate, connections, GIVE_UP)));
            tokio::time::sleep(APART).await;
        }
        let goal = watch::Sender::new(None);
        for (node, place) in world.nodes.iter().enumerate() {
            let api = world.owner(&place.url(), shop).await?;
            let url = format!("{}/connection/websocket", place.url().replacen("http", "ws", 1));
            for number in 0..args.sockets {
                let from = (node + number + 1) % into;
                let stream = Arc::clone(&of_shop[from]);
                let watcher = Watcher::join(stream, Arc::clone(&api), &url, &shop.tenant).await?;
                let watching = watcher.run(goal.subscribe());
                sockets.spawn(async move { (from == node, watching.await) });
            }
        }
        streams.extend(of_shop);
        goals.push(goal);
    }
    let parts = programs(world).await;
    let before = usage(&parts)?;
    let mut sending = JoinSet::new();
    for stream in &streams {
        let stream = Arc::clone(stream);
        sending.spawn(async move { stream.send_all().await });
    }
    let (mut acknowledgement, mut lag) = (Latency::default(), Latency::default());
    let mut seconds: f64 = 0.0;
    while let Some(sent) = sending.join_next().await {
        let sent = sent??;
        acknowledgement.merge(&sent.acknowledgement);
        lag.merge(&sent.lag);
        seconds = seconds.max(sent.elapsed.as_secs_f64());
    }
    for (shop, goal) in shops.iter().zip(&goals) {
        let api = world.owner(&world.nodes[0].url(), shop).await?;
        let top = api.top(&shop.tenant).await?;
        goal.send_replace(Some(Goal { cursor: top, deadline: Instant::now() + DRAIN }));
    }
    let (mut same, mut other) = (Latency::default(), Latency::default());
    let (mut tally, mut connections) = (Tally::default(), ConnectionCounts::default());
    while let Some(watched) = sockets.join_next().await {
        let (is_same, watched) = watched?;
        if is_same {
            same.merge(&watched.latency);
        } else {
            other.merge(&watched.latency);
        }
        connections.add(&watched.connections);
        tally.add(watched.tally);
    }
    let after = usage(&parts)?;
    let messages = acknowledgement.summary().count;
    let cpu = after
        .iter()
        .zip(&before)
        .map(|((name, after), (_, before))| (name.clone(), (after - before) * 1e6 / messages.max(1) as f64));
    let mut problems = Vec::new();
    if !tally.passed() {
        problems.push(format!("sockets: {tally:?}"));
    }
    let p99_ms = other.summary().p99_us as f64 / 1000.0;
    if args.p99_ms.is_some_and(|most| p99_ms > most) {
        problems.push(format!("from node to node p99 is {p99_ms:.1} ms"));
    }
    Ok(Report {
        command: "cluster load",
        nodes: world.nodes.len(),
        into,
        redis: world.redis.is_some(),
        tenants: shops.len(),
        sockets: args.sockets * world.nodes.len() * shops.len(),
        messages,
        seconds,
        stored_per_second: messages as f64 / seconds.max(1e-9),
        deliveries: tally.events,
        acknowledgement: acknowledgement.summary(),
        lag: lag.summary(),
        same_node: same.summary(),
        other_node: other.summary(),
        connections,
        cpu_us_per_message: cpu.collect(),
        tally,
        problems,
    })
}

/// Name and process of each part whose CPU counts. All are children of the generator, which counts without them.
async fn programs(world: &World) -> Vec<(String, u32)> {
    let mut parts = Vec::new();
    for (index, node) in world.nodes.iter().enumerate() {
        parts.extend(node.program.lock().await.id().map(|id| (format!("node {index}"), id)));
    }
    if let Some(redis) = &world.redis {
        parts.extend(redis.lock().await.id().map(|id| ("Redis".to_owned(), id)));
    }
    parts.extend(world.postgres.lock().await.id().map(|id| ("PostgreSQL".to_owned(), id)));
    parts.push(("the generator".to_owned(), std::process::id()));
    parts
}

/// CPU seconds of each part, with those of its children that live: PostgreSQL's connections.
fn usage(parts: &[(String, u32)]) -> Result<Vec<(String, f64)>> {
    parts
        .iter()
        .map(|(name, id)| {
            let mut seconds = process::usage(*id).with_context(|| name.clone())?.cpu_seconds;
            let own = *id == std::process::id();
            let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            let children = children.ok().filter(|_| !own);
            for child in children.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()) {
                seconds += process::usage(child).map_or(0.0, |usage| usage.cpu_seconds);
            }
            Ok((name.clone(), seconds))
        })
        .collect()
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let bus = if self.redis { "Redis" } else { "no Redis" };
        writeln!(
            out,
            "{} nodes, webhooks into {}, {} tenants, {} sockets, {bus}: {} messages in {:.1} s, {:.0}/s",
            self.nodes,
            self.into,
            self.tenants,
            self.sockets,
            self.messages,
            self.seconds,
            self.stored_per_second
        )?;
        report::latency_head(out)?;
        report::latency(out, "acknowledged", &self.acknowledgement)?;
        report::latency(out, "generator lag", &self.lag)?;
        report::latency(out, "socket, same node", &self.same_node)?;
        report::latency(out, "socket, other node", &self.other_node)?;
        writeln!(out, "  {} deliveries", self.deliveries)?;
        for (name, us) in &self.cpu_us_per_message {
            writeln!(out, "  {us:>8.0} µs of CPU a message: {name}")?;
        }
        report::verdict(out, &self.problems, "every socket got every event once")
    }
}
