//! `loadtest chaos`: kills the server (SIGKILL) at random moments under a stream of webhooks, restarts it each time,
//! and checks that no acknowledged webhook was lost or duplicated, no turn was answered twice, and that sockets
//! resuming from their cursors saw every event once.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::api::Api;
use crate::clock::Dice;
use crate::event::EventPage;
use crate::ingest::Audience;
use crate::report::{ChaosReport, Kill, Plan, Report};
use crate::sender::{Sent, Stream};
use crate::target::Target;
use crate::turns::{RecordedSend, Turns};
use crate::watch::Goal;
use crate::webhook::{Factory, Run};
use crate::{audit, process};

const READY_WITHIN: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// A kill waits up to this long after its message was acknowledged, so that it hits later commits.
const KILL_JITTER_US: u64 = 20_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Shell command that runs the server in the foreground. Its process is the one that is killed.
    #[arg(long)]
    server_cmd: String,
    /// Shell command of a responder, started once and expected to reconnect by itself.
    #[arg(long)]
    responder_cmd: Option<String>,
    /// Log file of both programs; none by default.
    #[arg(long)]
    server_log: Option<PathBuf>,
    /// Address of the imitated provider's record of sends: JSON [{chat, text}].
    #[arg(long)]
    sent_url: Option<String>,
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// The same seed chooses the same moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    #[arg(long, default_value_t = 2_000)]
    messages: usize,
    #[arg(long, default_value_t = 50)]
    conversations: usize,
    #[arg(long, default_value_t = 2)]
    sockets: usize,
    /// Seconds for turns and sends to finish after the last webhook.
    #[arg(long, default_value_t = 120)]
    settle_s: u64,
    #[arg(long)]
    json: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let target = &args.target;
    let mut server = Server::start(&args).await?;
    let responder = args.responder_cmd.as_deref().map(|command| shell(command, &args)).transpose()?;
    let run = Run::new(args.messages, args.conversations);
    let api = Arc::new(Api::open(target).await?);
    let tenant = api.tenant(target.tenant.as_deref()).await?;
    let start = api.top(&tenant).await?;
    let give_up = READY_WITHIN * 2;
    let factory = Factory::new(run, target)?;
    let stream = Arc::new(Stream::new(factory, target.address()?, args.rate, args.concurrency, give_up));

    let audience = Audience::gather(&stream, &api, target, &tenant, args.sockets).await?;
    let (sent, kills) = stream_and_kill(&args, &stream, &mut server).await?;
    let settled = settle(&api, &tenant, start, Duration::from_secs(args.settle_s)).await?;
    let goal = Goal { cursor: api.top(&tenant).await?, deadline: Instant::now() + READY_WITHIN };
    let sockets = audience.dismiss(goal).await?;

    let mut turns = Turns::default();
    let feed = audit::feed(&api, &tenant, start, run, &mut |event| turns.event(event)).await?;
    let stored = audit::stored(&api, run, &feed).await?;
    let chats: HashMap<_, _> = feed
        .conversations()
        .map(|(chat, conversation)| (conversation.to_owned(), run.chat(target.kind, chat)))
        .collect();
    let sends = match &args.sent_url {
        Some(url) => Some(sends(url).await?),
        None => None,
    };
    let turns = turns.finish(&chats, sends.as_deref());
    let generator_cpu_seconds = process::usage(std::process::id())?.cpu_seconds;
    let mut report = Report {
        command: "chaos",
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
        server: None,
        generator_cpu_seconds,
        chaos: Some(ChaosReport { seed: args.seed, kills, turns }),
        feed: feed.finish(),
        stored,
        problems: Vec::new(),
    };
    if !settled {
        report.problems.push(format!("turns or sends were not at rest after {} s", args.settle_s));
    }
    report.judge();
    report.publish(args.json.as_deref())?;
    drop((server, responder));
    Ok(report.passed())
}

/// Sends the whole stream and kills the server meanwhile.
async fn stream_and_kill(
    args: &Args,
    stream: &Arc<Stream>,
    server: &mut Server,
) -> Result<(Sent, Vec<Kill>)> {
    let mut dice = Dice::new(args.seed);
    // Not at the very first and last messages, so that every kill has traffic before and after it.
    let mut moments: Vec<_> =
        (0..args.kills).map(|_| 1 + dice.roll(args.messages.saturating_sub(2) as u64) as usize).collect();
    moments.sort_unstable();
    let sending = stream.send_all();
    tokio::pin!(sending);
    let killing = async {
        let mut kills = Vec::new();
        for moment in moments {
            while stream.acknowledged() < moment {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            tokio::time::sleep(Duration::from_micros(dice.roll(KILL_JITTER_US))).await;
            let acknowledged = stream.acknowledged();
            let ready_after = server.kill_and_restart(args).await?;
            kills.push(Kill { acknowledged, ready_after_ms: ready_after.as_millis() as u64 });
        }
        anyhow::Ok(kills)
    };
    tokio::try_join!(sending, killing)
}

/// Waits until no turn is open and no send is under way. False if that does not happen in time.
async fn settle(api: &Api, tenant: &str, start: u64, patience: Duration) -> Result<bool> {
    let deadline = Instant::now() + patience;
    let (mut turns, mut cursor) = (Turns::default(), start);
    loop {
        let text = api.events(tenant, cursor).await?;
        let page: EventPage<'_> = serde_json::from_str(&text).context("unreadable events page")?;
        for event in &page.events {
            turns.event(event);
            cursor = cursor.max(event.cursor);
        }
        if !page.events.is_empty() && cursor < page.top {
            continue;
        }
        if turns.settled() {
            return Ok(true);
        }
        if Instant::now() > deadline {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn sends(url: &str) -> Result<Vec<RecordedSend>> {
    let answer = reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.error_for_status()?;
    answer.json().await.context("the record of sends is not a JSON list of {chat, text}")
}

struct Server {
    child: Child,
    http: reqwest::Client,
}

impl Server {
    async fn start(args: &Args) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        ensure!(
            !Api::ready(&http, args.target.url.as_str()).await,
            "a server already answers at {}; chaos starts its own",
            args.target.url
        );
        let mut server = Self { child: shell(&args.server_cmd, args)?, http };
        server.until_ready(args).await?;
        Ok(server)
    }

    /// Returns the downtime.
    async fn kill_and_restart(&mut self, args: &Args) -> Result<Duration> {
        let down = Instant::now();
        self.child.kill().await.context("cannot kill the server")?;
        self.child = shell(&args.server_cmd, args)?;
        self.until_ready(args).await?;
        Ok(down.elapsed())
    }

    async fn until_ready(&mut self, args: &Args) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !Api::ready(&self.http, args.target.url.as_str()).await {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended by itself with {status}");
            }
            ensure!(Instant::now() < deadline, "the server was not ready within {READY_WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

/// The shell replaces itself by the command, so that a kill reaches the program and not a shell around it.
fn shell(command: &str, args: &Args) -> Result<Child> {
    let (out, err) = match &args.server_log {
        Some(path) => {
            let log = File::options().create(true).append(true).open(path)?;
            (Stdio::from(log.try_clone()?), Stdio::from(log))
        }
        None => (Stdio::null(), Stdio::null()),
    };
    Command::new("sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start: {command}"))
}
