//! `loadtest grow`: fills a fresh database of either engine with the data of an old installation: conversations of 400
//! days with their turns, deliveries, webhooks and events. It writes directly to the database, and verifies the result
//! by SQL.
//!
//! To add a table or a column: `grow/table.rs`, the row in the file of its entity, the invariant in `grow/check.rs`.

mod accounts;
pub(crate) mod check;
mod context;
mod conversation;
mod database;
mod ending;
mod feed;
mod files;
mod fill;
mod final_rows;
mod id;
mod message;
pub(crate) mod names;
mod people;
mod plan;
mod postgres;
mod rules;
mod seal;
mod simulation;
mod sources;
mod sqlite;
mod table;
pub(crate) mod text;
mod turn;

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;
use uuid::Uuid;

use self::accounts::{Accounts, Existing};
use self::context::Context;
use self::database::{Database, Engine};
use self::fill::Fill;
use self::plan::Plan;
use self::seal::Seal;
use self::simulation::Simulation;
use crate::clock::{self, Dice};
use crate::report;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A SQLite file, or postgres://user:password@host/database. The server has created the schema and is stopped.
    #[arg(long, env = "LOADTEST_DATABASE", hide_env_values = true)]
    database: String,
    #[arg(long, default_value_t = 1_000_000)]
    conversations: u64,
    #[arg(long, default_value_t = 10_000_000)]
    messages: u64,
    /// Approximate number of turns; at most a third of the messages.
    #[arg(long, default_value_t = 3_000_000)]
    turns: u64,
    /// Tenants; a few are very large, most are small.
    #[arg(long, default_value_t = 1_000)]
    tenants: u64,
    /// Queued sends of one channel that is down.
    #[arg(long, default_value_t = 100_000)]
    dead_channel_jobs: u64,
    /// An existing channel for these sends; without it a generated one.
    #[arg(long)]
    dead_channel: Option<Uuid>,
    /// An existing tenant that gets a part of all data, most of it on its channel --into-channel.
    #[arg(long, requires = "into_channel")]
    into_tenant: Option<Uuid>,
    /// Percent of all data that this tenant gets.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=95))]
    into_percent: u64,
    #[arg(long, requires = "into_tenant")]
    into_channel: Option<Uuid>,
    /// The installation's key file (hubbub.key), to encrypt the credentials of generated channels. Without it the
    /// server cannot send on them, and their overdue turns stay.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Rows of each kind of what is kept about a contact: notes, touches, leads, receipts of notices and others.
    #[arg(long, default_value_t = 1)]
    kept: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also gather the statistics of SQLite's planner. PostgreSQL always gets its own.
    #[arg(long)]
    analyze: bool,
    /// Write nothing; only check the database's invariants.
    #[arg(long)]
    check: bool,
    /// Write the report as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    command: &'static str,
    rows: BTreeMap<&'static str, u64>,
    bytes: u64,
    /// Durations of writing the rows, creating indexes with statistics, and the check.
    fill_seconds: f64,
    index_seconds: f64,
    check_seconds: f64,
    rows_per_second: f64,
    longest: Option<Longest>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Longest {
    conversation: Uuid,
    tenant: Uuid,
    messages: u32,
}

pub(crate) async fn run(args: Args) -> Result<bool> {
    // The database drivers block.
    tokio::task::spawn_blocking(move || grow(&args)).await?
}

fn open(url: &str) -> Result<Box<dyn Database>> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Box::new(postgres::Postgres::open(url)?));
    }
    Ok(Box::new(sqlite::Sqlite::open(Path::new(url))?))
}

fn grow(args: &Args) -> Result<bool> {
    let mut database = open(&args.database)?;
    database::must_be_known(&mut *database)?;
    let mut report = if args.check { Report::new(BTreeMap::new()) } else { fill(args, &mut *database)? };
    let started = Instant::now();
    report.problems = check::run(&mut *database)?;
    report.check_seconds = started.elapsed().as_secs_f64();
    report.bytes = database.bytes()?;
    report::publish(&report, args.json.as_deref())?;
    Ok(report.problems.is_empty())
}

fn fill(args: &Args, database: &mut dyn Database) -> Result<Report> {
    database::must_be_empty(database)?;
    if args.tenants == 0 {
        bail!("--tenants must be at least 1");
    }
    let now = clock::unix_ms().cast_signed();
    let mut dice = Dice::new(args.seed);
    let mut plan = Plan::new(now, args.conversations, args.messages, args.dead_channel_jobs, &mut dice)?;
    plan.kept = args.kept.max(1);
    let into = args.into_tenant.zip(args.into_channel).map(|(tenant, channel)| Existing {
        tenant,
        channel,
        percent: args.into_percent,
    });
    let seal = args.key_file.as_deref().map(Seal::read).transpose()?;
    let accounts = Accounts::new(database, &plan, args.tenants, into, args.dead_channel, seal, &mut dice)?;
    let started = Instant::now();
    database.drop_indexes()?;
    accounts.cut_feeds(database)?;
    let fill = Fill::new(database);
    let context =
        Context { plan, accounts, fill, dice, seed: args.seed, told: HashSet::new(), text: String::new() };
    let mut simulation = Simulation::new(context, args.messages, args.turns);
    simulation.run()?;
    final_rows::write(&mut simulation)?;
    let longest = longest(&simulation);
    let (accounts, fill) = simulation.end();
    let mut report = Report::new(fill.end()?);
    accounts.move_feeds(database)?;
    report.longest = longest;
    report.fill_seconds = started.elapsed().as_secs_f64();
    report.rows_per_second = report.rows.values().sum::<u64>() as f64 / report.fill_seconds;
    eprintln!("  indexes");
    let started = Instant::now();
    database.create_indexes()?;
    match database.engine() {
        // An old installation has been vacuumed.
        Engine::Postgres => database.run("vacuum (analyze)")?,
        Engine::Sqlite if args.analyze => database.run("analyze")?,
        Engine::Sqlite => {}
    }
    report.index_seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// The longest conversation of the first tenant, which is the largest.
fn longest(simulation: &Simulation<'_>) -> Option<Longest> {
    let accounts = &simulation.context.accounts;
    let of_first =
        simulation.conversations.iter().filter(|one| accounts.channels[one.channel as usize].tenant == 0);
    let longest = of_first.max_by_key(|one| one.seq)?;
    let tenant = accounts.tenants.first()?.id;
    Some(Longest { conversation: longest.id, tenant, messages: longest.seq })
}

impl Report {
    fn new(rows: BTreeMap<&'static str, u64>) -> Self {
        Self {
            command: "grow",
            rows,
            bytes: 0,
            fill_seconds: 0.0,
            index_seconds: 0.0,
            check_seconds: 0.0,
            rows_per_second: 0.0,
            longest: None,
            problems: Vec::new(),
        }
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (table, rows) in &self.rows {
            writeln!(out, "  {table:<18} {rows:>10}")?;
        }
        let rows: u64 = self.rows.values().sum();
        if rows > 0 {
            let (fill, speed, index) = (self.fill_seconds, self.rows_per_second, self.index_seconds);
            writeln!(out, "  {rows} rows in {fill:.1} s ({speed:.0} rows/s), indexes {index:.1} s")?;
        }
        writeln!(out, "  check {:.1} s, {} MiB", self.check_seconds, self.bytes >> 20)?;
        if let Some(Longest { conversation, tenant, messages }) = &self.longest {
            writeln!(
                out,
                "  largest tenant {tenant}, its longest conversation {conversation}: {messages} messages"
            )?;
        }
        report::verdict(out, &self.problems, "the database keeps the server's promises")
    }
}
