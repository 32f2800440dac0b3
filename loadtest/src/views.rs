//! `loadtest views`: latency of the inbox page's requests on a server with old data: lists and their deeper pages,
//! counts, threads, read marks, the contact search. One request at a time on one connection, so that no queueing is
//! measured.

mod sample;

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use reqwest::Url;
use serde::Serialize;
use serde_json::json;

use self::sample::{Sample, Thread};
use crate::api::Api;
use crate::clock::Dice;
use crate::histogram::{Latency, Summary};
use crate::report;

const VIEWS: [&str; 6] = ["all", "mine", "unassigned", "ai", "waiting", "closed"];
const SORTS: [&str; 2] = ["recent", "wait"];
/// Pages before the measured deep page.
const DEPTH: usize = 5;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Base address of the server, plain http.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    #[arg(long, required_unless_present = "token")]
    email: Option<String>,
    #[arg(long, env = "LOADTEST_PASSWORD", hide_env_values = true, required_unless_present = "token")]
    password: Option<String>,
    /// An access token in place of email and password. It is not renewed.
    #[arg(long, env = "LOADTEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The tenant whose lists are read, by id or name; needed only if the person sees several.
    #[arg(long)]
    tenant: Option<String>,
    /// The channel of the filtered lists; without it that of the newest conversation.
    #[arg(long)]
    channel: Option<String>,
    /// A long conversation for reading; without it the longest one found.
    #[arg(long)]
    conversation: Option<String>,
    /// Requests of each kind.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    command: &'static str,
    tenant: String,
    requests: usize,
    /// Distinct conversations that were read.
    conversations: usize,
    longest: u64,
    views: Vec<Row>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    #[serde(flatten)]
    latency: Summary,
}

struct Stopwatch<'a> {
    api: &'a Api,
    requests: usize,
    rows: Vec<Row>,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let login = args.email.clone().zip(args.password.clone());
    let api = Api::sign_in_at(args.url.as_str(), login, args.token.clone()).await?;
    let tenant = api.tenant(args.tenant.as_deref()).await?;
    let mut dice = Dice::new(args.seed);
    let mut watch = Stopwatch { api: &api, requests: args.requests, rows: Vec::new() };
    let mut problems = Vec::new();

    let first = format!("/api/v1/inbox?tenant={tenant}&limit=50");
    let newest = sample::page(&api, &first).await?.newest_channel;
    let channel = args.channel.clone().or(newest).context("the tenant has no open conversations")?;
    for filter in ["", "channel"] {
        let cut = if filter.is_empty() { String::new() } else { format!("&channel={channel}") };
        for view in VIEWS {
            for sort in SORTS {
                let path = format!("{first}&view={view}&sort={sort}{cut}");
                let name = format!("{view} {sort} {filter}").trim_end().to_owned();
                watch.lists(&name, &path, &mut problems).await?;
            }
        }
        watch
            .same(&format!("counts {filter}"), &format!("/api/v1/inbox/counts?tenant={tenant}{cut}"))
            .await?;
    }

    let sample = Sample::draw(&api, &tenant, args.requests, &mut dice).await?;
    let mut threads = watch.threads(&sample).await?;
    if let Some(id) = &args.conversation {
        let path = format!("/api/v1/conversations/{id}/messages?limit=1");
        threads.push(Thread { id: id.clone(), last_seq: sample::last_seq(&api.get(&path).await?)? });
    }
    let longest = threads.iter().max_by_key(|thread| thread.last_seq).context("no conversation was found")?;
    let path = format!("/api/v1/conversations/{}/messages?limit=50", longest.id);
    watch.same("thread longest", &path).await?;
    watch.same("thread longest middle", &format!("{path}&before_seq={}", longest.last_seq / 2 + 1)).await?;
    watch.reads(&threads).await?;
    watch.searches(&tenant, &mut dice).await?;

    let report = Report {
        command: "views",
        tenant,
        requests: args.requests,
        conversations: threads.len(),
        longest: longest.last_seq,
        views: watch.rows,
        problems,
    };
    report::publish(&report, args.json.as_deref())?;
    Ok(report.problems.is_empty())
}

impl Stopwatch<'_> {
    fn note(&mut self, name: &str, latency: &Latency) {
        self.rows.push(Row { name: name.trim_end().to_owned(), latency: latency.summary() });
    }

    /// Measures one request; returns its response.
    async fn get(&self, path: &str, latency: &mut Latency) -> Result<String> {
        let started = Instant::now();
        let answer = self.api.get(path).await?;
        latency.record_us(started.elapsed().as_micros() as u64);
        Ok(answer)
    }

    async fn same(&mut self, name: &str, path: &str) -> Result<()> {
        let mut latency = Latency::default();
        for _ in 0..self.requests {
            self.get(path, &mut latency).await?;
        }
        self.note(name, &latency);
        Ok(())
    }

    /// Measures the first page of a list, and a deep one if the list is long enough. Consecutive pages must be
    /// disjoint.
    async fn lists(&mut self, name: &str, path: &str, problems: &mut Vec<String>) -> Result<()> {
        self.same(name, path).await?;
        let mut seen = std::collections::HashSet::new();
        let mut at = path.to_owned();
        for _ in 0..DEPTH {
            let page = sample::page(self.api, &at).await?;
            let (count, known) = (page.ids.len(), seen.len());
            seen.extend(page.ids);
            // Conversations that moved meanwhile may repeat, but not a whole page of them.
            if count > 0 && seen.len() == known {
                problems.push(format!("{name}: a page of the list holds only what was on those before"));
            }
            let Some(next) = page.next else { return Ok(()) };
            at = format!("{path}&before={next}");
        }
        self.same(&format!("{name} deep"), &at).await
    }

    /// Measures the newest page of messages of conversations of any age.
    async fn threads(&mut self, sample: &Sample) -> Result<Vec<Thread>> {
        let (mut latency, mut threads) = (Latency::default(), Vec::new());
        for id in &sample.conversations {
            let answer =
                self.get(&format!("/api/v1/conversations/{id}/messages?limit=50"), &mut latency).await?;
            threads.push(Thread { id: id.clone(), last_seq: sample::last_seq(&answer)? });
        }
        self.note("thread random", &latency);
        Ok(threads)
    }

    /// Moves read marks forward while there are messages.
    async fn reads(&mut self, threads: &[Thread]) -> Result<()> {
        let mut latency = Latency::default();
        let rounds = self.requests.div_ceil(threads.len().max(1));
        for (number, thread) in threads.iter().cycle().take(self.requests).enumerate() {
            let left = rounds - 1 - number / threads.len();
            let body = json!({"seq": thread.last_seq.saturating_sub(left as u64)});
            let started = Instant::now();
            self.api.post(&format!("/api/v1/conversations/{}/read", thread.id), &body).await?;
            latency.record_us(started.elapsed().as_micros() as u64);
        }
        self.note("read mark", &latency);
        Ok(())
    }

    async fn searches(&mut self, tenant: &str, dice: &mut Dice) -> Result<()> {
        for kind in sample::SEARCHES {
            let mut latency = Latency::default();
            for _ in 0..self.requests {
                let path = sample::search(tenant, &sample::typed(kind, dice))?;
                self.get(&path, &mut latency).await?;
            }
            self.note(&format!("search {kind}"), &latency);
        }
        Ok(())
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "views: {} requests of each kind, tenant {}, {} conversations, the longest of {} messages",
            self.requests, self.tenant, self.conversations, self.longest
        )?;
        writeln!(out, "  {:<32} {:>9} {:>9} {:>9}  ms", "", "p50", "p99", "max")?;
        for Row { name, latency } in &self.views {
            write!(out, "  {name:<32}")?;
            for us in [latency.p50_us, latency.p99_us, latency.max_us] {
                write!(out, " {:>9.2}", us as f64 / 1000.0)?;
            }
            writeln!(out)?;
        }
        report::verdict(out, &self.problems, "every list goes on from page to page")
    }
}
