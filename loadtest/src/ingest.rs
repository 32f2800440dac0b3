//! `loadtest ingest`: webhooks per second that become durable, their latency to the acknowledgement and to the
//! sockets, and whether each is stored exactly once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::api::Api;
use crate::audit;
use crate::histogram::Latency;
use crate::process::{self, Usage};
use crate::report::{Plan, Report, ServerUse, SocketReport};
use crate::sender::Stream;
use crate::target::Target;
use crate::verify::Tally;
use crate::watch::{ConnectionCounts, Goal, Watched, Watcher};
use crate::webhook::{Factory, Run};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Webhooks per second, sent on schedule regardless of the responses; 0 sends as fast as possible.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Kept-alive connections, and so the most requests in flight.
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
    #[arg(long, default_value_t = 10_000)]
    messages: usize,
    #[arg(long, default_value_t = 100)]
    conversations: usize,
    /// Manager sockets that watch the feed.
    #[arg(long, default_value_t = 1)]
    sockets: usize,
    /// Process whose CPU and memory are reported.
    #[arg(long)]
    server_pid: Option<u32>,
    /// Seconds that a single message may be repeated before the run fails.
    #[arg(long, default_value_t = 60)]
    give_up_s: u64,
    /// Seconds that the sockets have for the rest of the feed after the last acknowledgement.
    #[arg(long, default_value_t = 30)]
    drain_s: u64,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let target = &args.target;
    let run = Run::new(args.messages, args.conversations);
    let api = Arc::new(Api::open(target).await?);
    let tenant = api.tenant(target.tenant.as_deref()).await?;
    let start = api.top(&tenant).await?;
    let factory = Factory::new(run, target)?;
    let give_up = Duration::from_secs(args.give_up_s);
    let stream = Arc::new(Stream::new(factory, target.address()?, args.rate, args.concurrency, give_up));

    let audience = Audience::gather(&stream, &api, target, &tenant, args.sockets).await?;
    let before = usage(args.server_pid)?;
    let sent = stream.send_all().await?;
    let goal = Goal {
        cursor: api.top(&tenant).await?,
        deadline: Instant::now() + Duration::from_secs(args.drain_s),
    };
    let sockets = audience.dismiss(goal).await?;
    let after = usage(args.server_pid)?;
    let generator_cpu_seconds = process::usage(std::process::id())?.cpu_seconds;

    let feed = audit::feed(&api, &tenant, start, run, &mut |_| {}).await?;
    let stored = audit::stored(&api, run, &feed).await?;
    let mut report = Report {
        command: "ingest",
        plan: Plan {
            kind: format!("{:?}", target.kind).to_lowercase(),
            messages: run.messages,
            conversations: run.conversations,
            rate: args.rate,
            concurrency: args.concurrency,
            sockets: args.sockets,
        },
        sent: sent.into(),
        sockets,
        server: before.zip(after).map(|(before, after)| ServerUse::between(before, after, run.messages)),
        generator_cpu_seconds,
        chaos: None,
        feed: feed.finish(),
        stored,
        problems: Vec::new(),
    };
    report.judge();
    report.publish(args.json.as_deref())?;
    Ok(report.passed())
}

fn usage(pid: Option<u32>) -> Result<Option<Usage>> {
    pid.map(process::usage).transpose()
}

/// All watching sockets of a run.
pub(crate) struct Audience {
    goal: watch::Sender<Option<Goal>>,
    watchers: Vec<JoinHandle<Watched>>,
}

impl Audience {
    /// Returns when every socket is connected and at the top of the feed.
    pub(crate) async fn gather(
        stream: &Arc<Stream>,
        api: &Arc<Api>,
        target: &Target,
        tenant: &str,
        sockets: usize,
    ) -> Result<Self> {
        let (goal, _) = watch::channel(None);
        let url: Arc<str> = target.socket_url()?.into();
        let mut joining = JoinSet::new();
        for _ in 0..sockets {
            let (stream, api, url, tenant) = (stream.clone(), api.clone(), url.clone(), tenant.to_owned());
            joining.spawn(async move { Watcher::join(stream, api, &url, &tenant).await });
        }
        let mut watchers = Vec::with_capacity(sockets);
        while let Some(watcher) = joining.join_next().await {
            watchers.push(tokio::spawn(watcher??.run(goal.subscribe())));
        }
        Ok(Self { goal, watchers })
    }

    /// Waits until every socket has reached the goal, then sums up their results.
    pub(crate) async fn dismiss(self, goal: Goal) -> Result<SocketReport> {
        self.goal.send_replace(Some(goal));
        let (mut latency, mut connections, mut tally) =
            (Latency::default(), ConnectionCounts::default(), Tally::default());
        for watcher in self.watchers {
            let watched = watcher.await?;
            latency.merge(&watched.latency);
            connections.add(&watched.connections);
            tally.add(watched.tally);
        }
        Ok(SocketReport { latency: latency.summary(), connections, tally })
    }
}
