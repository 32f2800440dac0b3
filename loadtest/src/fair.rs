//! `loadtest fair`: several tenants send webhooks on a schedule while a greedy one sends at full speed. Measures the
//! other tenants' acknowledgement latency with and without the greedy tenant, and the server's memory.

mod greedy;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use serde::Serialize;
use tokio::task::JoinSet;

use self::greedy::{Greedy, Shape};
use crate::histogram::{Latency, Summary};
use crate::process;
use crate::report;
use crate::sender::{Sent, Stream};
use crate::target::{ProviderKind, Target};
use crate::webhook::{Factory, Run};

const GIVE_UP: Duration = Duration::from_mins(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Base address of the server, plain http.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// A file with the channel of each tenant, a line each: the path of its webhook, a space, its secret. The first
    /// tenant is the greedy one.
    #[arg(long)]
    channels: PathBuf,
    /// Provider whose webhooks are imitated.
    #[arg(long, value_enum, default_value = "telegram")]
    kind: ProviderKind,
    /// What the greedy tenant sends.
    #[arg(long, value_enum, default_value = "messages")]
    greedy: Shape,
    /// Size of the greedy tenant's bodies in bytes, if they are not messages.
    #[arg(long, default_value_t = 70_000)]
    greedy_bytes: usize,
    /// Connections of the greedy tenant; each sends the next webhook when the previous one is answered.
    #[arg(long, default_value_t = 32)]
    greedy_connections: usize,
    /// Webhooks a second of each of the others.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Seconds without the greedy tenant, and the same time with it.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Fail if the other tenants' p99 with the greedy tenant is above this.
    #[arg(long, default_value_t = 50.0)]
    p99_ms: f64,
    /// Process whose memory and CPU are reported.
    #[arg(long)]
    server_pid: Option<u32>,
    /// Fail if the server's memory rises by more than this over its value before the greedy tenant begins.
    #[arg(long)]
    max_mib: Option<f64>,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    command: &'static str,
    kind: String,
    greedy: Shape,
    greedy_bytes: usize,
    greedy_connections: usize,
    tenants: usize,
    rate: f64,
    seconds: f64,
    alone: Summary,
    beside: Summary,
    /// The generator's own lag in the phase with the greedy tenant.
    lag: Summary,
    /// Failed requests of the other tenants, by status or error.
    repeats: BTreeMap<String, u64>,
    /// Responses to the greedy tenant, by status.
    greedy_answers: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest_mib: Option<f64>,
    /// Peak resident memory over the idle value while the greedy tenant sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_mib: Option<f64>,
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let targets = targets(&args)?;
    let (greedy, others) = targets.split_first().context("--channels names no channel")?;
    ensure!(!others.is_empty(), "--channels names only one tenant");

    let alone = all(&args, others).await?;
    let before = args.server_pid.map(process::usage).transpose()?;
    if let Some(pid) = args.server_pid {
        // Resets the kernel's peak of resident memory. Without the permission, the earlier peak counts too.
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    }
    let greedy = Greedy::start(greedy, args.greedy, args.greedy_bytes, args.greedy_connections)?;
    let beside = all(&args, others).await;
    let greedy_answers = greedy.stop().await?;
    let beside = beside?;
    let after = args.server_pid.map(process::usage).transpose()?;
    let used = before.zip(after);

    let mut report = Report {
        command: "fair",
        kind: format!("{:?}", args.kind).to_lowercase(),
        greedy: args.greedy,
        greedy_bytes: args.greedy_bytes,
        greedy_connections: args.greedy_connections,
        tenants: targets.len(),
        rate: args.rate,
        seconds: args.seconds,
        alone: alone.acknowledgement.summary(),
        beside: beside.acknowledgement.summary(),
        lag: beside.lag.summary(),
        repeats: beside.repeats,
        greedy_answers,
        cpu_seconds: used.map(|(before, after)| after.cpu_seconds - before.cpu_seconds),
        rest_mib: used.map(|(before, _)| before.rss_kib as f64 / 1024.0),
        peak_mib: used
            .map(|(before, after)| after.peak_rss_kib.saturating_sub(before.rss_kib) as f64 / 1024.0),
        problems: Vec::new(),
    };
    report.judge(args.p99_ms, args.max_mib);
    report::publish(&report, args.json.as_deref())?;
    Ok(report.problems.is_empty())
}

fn targets(args: &Args) -> Result<Vec<Target>> {
    let text = read(&args.channels)?;
    let target = |line: &str| {
        let (hook, secret) = line.split_once(' ').context("a line of --channels has no space")?;
        Ok(Target {
            url: args.url.clone(),
            hook: hook.to_owned(),
            kind: args.kind,
            secret: secret.trim().to_owned(),
            session: "default".to_owned(),
            email: None,
            password: None,
            token: None,
            tenant: None,
        })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(target).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Sends the webhooks of all tenants except the greedy one for a while.
async fn all(args: &Args, others: &[Target]) -> Result<Sent> {
    let messages = ((args.rate * args.seconds) as usize).max(1);
    let mut sending = JoinSet::new();
    for (number, target) in others.iter().enumerate() {
        let factory = Factory::new(Run::new(messages, 20), target)?;
        let stream = Arc::new(Stream::new(factory, target.address()?, args.rate, 4, GIVE_UP));
        // Staggered, so that the tenants do not send at the same moment.
        let after = Duration::from_secs_f64(number as f64 / args.rate / others.len() as f64);
        sending.spawn(async move {
            tokio::time::sleep(after).await;
            stream.send_all().await
        });
    }
    let mut whole = Sent { acknowledgement: Latency::default(), ..Sent::default() };
    while let Some(sent) = sending.join_next().await {
        let sent = sent??;
        whole.acknowledgement.merge(&sent.acknowledgement);
        whole.lag.merge(&sent.lag);
        for (reason, count) in sent.repeats {
            *whole.repeats.entry(reason).or_default() += count;
        }
    }
    Ok(whole)
}

impl Report {
    fn judge(&mut self, p99_ms: f64, max_mib: Option<f64>) {
        let p99 = self.beside.p99_us as f64 / 1000.0;
        if p99 > p99_ms {
            self.problems.push(format!("the others' p99 is {p99:.1} ms, {p99_ms} at most were asked for"));
        }
        if !self.greedy_answers.contains_key("200") {
            self.problems.push("nothing of the greedy tenant was taken".to_owned());
        }
        if let (Some(peak), Some(most)) = (self.peak_mib, max_mib)
            && peak > most
        {
            self.problems
                .push(format!("memory went {peak:.1} MiB above rest, {most} at most were asked for"));
        }
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "fair: {} tenants, {} webhooks a second of each for {} s; one sends {:?} over {} connections",
            self.tenants, self.rate, self.seconds, self.greedy, self.greedy_connections
        )?;
        report::latency_head(out)?;
        report::latency(out, "others alone", &self.alone)?;
        report::latency(out, "others beside", &self.beside)?;
        report::latency(out, "generator lag", &self.lag)?;
        writeln!(out, "  others repeated {:?}, greedy answered {:?}", self.repeats, self.greedy_answers)?;
        if let (Some(cpu), Some(rest), Some(peak)) = (self.cpu_seconds, self.rest_mib, self.peak_mib) {
            writeln!(out, "  server {cpu:.2} cpu s, at rest {rest:.1} MiB, at most {peak:.1} MiB above")?;
        }
        report::verdict(out, &self.problems, "who sends as fast as it can costs the others no more than that")
    }
}
