//! `loadtest search`: latency of the search of a server on a database that `grow` filled, by the sort of what is typed.
//! One request at a time on one connection. It checks that what is in every text is found, that pages do not repeat, and
//! that what is nowhere is not found.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::clock::Dice;
use crate::grow::text::product;
use crate::histogram::{Latency, Summary};
use crate::report;

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
    /// The tenant in which is searched, by id or name; needed only if the person sees several.
    #[arg(long)]
    tenant: Option<String>,
    /// Requests of each sort.
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
    rows: Vec<Row>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    /// Hits of a first page, on average.
    hits: f64,
    #[serde(flatten)]
    latency: Summary,
}

#[derive(Deserialize)]
struct Answer {
    hits: Vec<Hit>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Hit {
    id: String,
    at: i64,
}

/// What is typed. `{}` stands for something that changes with each request.
#[derive(Clone, Copy)]
enum Typed {
    Same(&'static [&'static str]),
    Product,
    /// The beginning of a product's name, so many letters of it.
    Beginning(usize),
    Number,
    Phone,
    Nowhere,
}

const SORTS: &[(&str, Typed)] = &[
    ("rare word", Typed::Product),
    ("frequent word", Typed::Same(&["the", "you", "is"])),
    ("frequent word, Russian", Typed::Same(&["и", "в", "Спасибо", "ответа"])),
    ("1 letter", Typed::Same(&["t", "s", "п", "a", "e"])),
    ("2 letters", Typed::Beginning(2)),
    ("3 letters", Typed::Beginning(3)),
    ("two words", Typed::Same(&["blue courier", "discount parcel", "jacket colleague"])),
    ("two words, Russian", Typed::Same(&["подскажите номер", "размер напишите"])),
    ("mixed", Typed::Same(&["courier Спасибо", "заказ discount"])),
    (
        "two words that never meet",
        Typed::Same(&["jacket parcel", "warehouse Sunday", "Здравствуйте Спасибо, всё"]),
    ),
    ("phrase", Typed::Same(&["\"blue jacket still\"", "\"end of the day\"", "\"жду ответа\""])),
    ("phrase that is nowhere", Typed::Same(&["\"jacket blue\"", "\"day the of end\""])),
    ("number", Typed::Number),
    ("phone number", Typed::Phone),
    ("word that is nowhere", Typed::Nowhere),
];

impl Typed {
    fn text(self, dice: &mut Dice) -> String {
        match self {
            Self::Same(list) => list[dice.roll(list.len() as u64) as usize].to_owned(),
            Self::Product => product(dice.roll(u64::MAX / 2)),
            Self::Beginning(letters) => product(dice.roll(u64::MAX / 2)).chars().take(letters).collect(),
            Self::Number => (10_000 + dice.roll(90_000)).to_string(),
            Self::Phone => format!("+1 555 01{}", 10 + dice.roll(90)),
            Self::Nowhere => format!("qx{}", dice.roll(1_000_000)),
        }
    }
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    let login = args.email.clone().zip(args.password.clone());
    let api = Api::sign_in_at(args.url.as_str(), login, args.token.clone()).await?;
    let tenant = api.tenant(args.tenant.as_deref()).await?;
    let mut dice = Dice::new(args.seed);
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for &(name, typed) in SORTS {
        let (mut latency, mut hits) = (Latency::default(), 0);
        for _ in 0..args.requests {
            let path = path(&tenant, &typed.text(&mut dice))?;
            let started = Instant::now();
            let answer = api.get(&path).await?;
            latency.record_us(started.elapsed().as_micros() as u64);
            hits += read(&answer)?.hits.len();
        }
        if matches!(typed, Typed::Nowhere) != (hits == 0)
            && !name.contains("never")
            && !name.contains("phrase that")
            && !name.contains("phone")
        {
            problems.push(format!("{name}: {hits} hits"));
        }
        rows.push(Row { name, hits: hits as f64 / args.requests as f64, latency: latency.summary() });
    }
    rows.push(deep(&api, &tenant, args.requests, &mut problems).await?);
    let report = Report { command: "search", tenant, requests: args.requests, rows, problems };
    report::publish(&report, args.json.as_deref())?;
    Ok(report.problems.is_empty())
}

/// The page after some of a frequent word. Pages must not repeat, and go back in time.
async fn deep(api: &Api, tenant: &str, requests: usize, problems: &mut Vec<String>) -> Result<Row> {
    let first = path(tenant, "the")?;
    let (mut at, mut seen, mut last) = (first.clone(), HashSet::new(), i64::MAX);
    for _ in 0..DEPTH {
        let page = read(&api.get(&at).await?)?;
        for hit in &page.hits {
            if !seen.insert(hit.id.clone()) || hit.at > last.saturating_add(60_000) {
                problems.push(format!("pages: {} comes twice or out of order", hit.id));
            }
            last = hit.at;
        }
        let Some(next) = page.next else { break };
        at = format!("{first}&after={next}");
    }
    let (mut latency, mut hits) = (Latency::default(), 0);
    for _ in 0..requests {
        let started = Instant::now();
        let answer = api.get(&at).await?;
        latency.record_us(started.elapsed().as_micros() as u64);
        hits += read(&answer)?.hits.len();
    }
    Ok(Row {
        name: "frequent word, sixth page",
        hits: hits as f64 / requests as f64,
        latency: latency.summary(),
    })
}

fn path(tenant: &str, typed: &str) -> Result<String> {
    let mut url = Url::parse("http://localhost/api/v1/search")?;
    url.query_pairs_mut().append_pair("tenant", tenant).append_pair("q", typed);
    Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

fn read(answer: &str) -> Result<Answer> {
    serde_json::from_str(answer).context("the answer of a search")
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "search: {} requests of each sort, tenant {}", self.requests, self.tenant)?;
        writeln!(out, "  {:<32} {:>6} {:>9} {:>9} {:>9}  ms", "", "hits", "p50", "p99", "max")?;
        for Row { name, hits, latency } in &self.rows {
            write!(out, "  {name:<32} {hits:>6.1}")?;
            for us in [latency.p50_us, latency.p99_us, latency.max_us] {
                write!(out, " {:>9.2}", us as f64 / 1000.0)?;
            }
            writeln!(out)?;
        }
        report::verdict(out, &self.problems, "what is there is found, and nothing twice")
    }
}
