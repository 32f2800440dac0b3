//! `loadtest`: drives a running hub from the outside (webhooks in, sockets and HTTP out), measures it, and
//! checks afterwards that nothing was lost, doubled or reordered. It shares no code with the server.
//!
//! To add a command: one file with its `Args` and `run`, one variant in `Command`, one line in `run`.

mod aim;
mod api;
mod audit;
mod baseline;
mod chaos;
mod client;
mod clock;
mod cluster;
mod compare;
mod endpoint;
mod event;
mod fair;
mod fanout;
mod fleet;
mod frame;
mod grow;
mod growth;
mod histogram;
mod http1;
mod idle;
mod ingest;
mod mark;
mod mixed;
mod model;
mod phase;
mod process;
mod publisher;
mod report;
mod search;
mod sender;
mod soak;
mod storm;
mod surge;
mod target;
mod turns;
mod verify;
mod views;
mod watch;
mod webhook;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

#[derive(Parser)]
#[command(name = "loadtest", about = "Load and chaos generator for the hub", version)]
struct Cli {
    /// Worker threads of the generator. One leaves the most of a small machine to the server.
    #[arg(long, global = true, default_value_t = 1)]
    threads: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send signed webhooks on an open-loop schedule, watch them arrive on sockets, verify all of them.
    Ingest(ingest::Args),
    /// Kill the server at random moments under a stream of webhooks, then verify that nothing was lost.
    Chaos(chaos::Args),
    /// A whole installation of several nodes in processes of its own: faults of every kind, then the checks.
    Cluster(cluster::Args),
    /// Send webhooks of several tenants beside one that sends as fast as it can.
    Fair(fair::Args),
    /// Publish to many subscribers over the client protocol: latency, cost of a delivery, saturation.
    Fanout(fanout::Args),
    /// Hold connections that only answer pings: memory and CPU of each.
    Idle(idle::Args),
    /// Drop all connections at once and resume them while publishing goes on.
    Storm(storm::Args),
    /// Drop and resume connections at a steady pace, and watch what others notice of it.
    Surge(surge::Args),
    /// Everything at random for a while: growth and leftovers.
    Mixed(mixed::Args),
    /// A day's life in minutes: everything at random, with nothing lost, nothing left and memory that stays.
    Soak(soak::Args),
    /// Serve as the bare server that others are compared with.
    Baseline(baseline::Args),
    /// Fill a fresh database with an old installation, and check that it keeps the server's promises.
    Grow(grow::Args),
    /// Measure lists, counts, threads, read marks and the search of a server on a database that is not empty.
    Views(views::Args),
    /// Measure the search of a server on a database that `grow` filled.
    Search(search::Args),
    /// Say what an installation of many nodes needs, and which part of it is full first.
    Model(model::Args),
    /// Ratios of two JSON reports.
    Compare(compare::Args),
    /// A generator process of the commands above.
    #[command(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// True when every check passed.
fn run(cli: Cli) -> anyhow::Result<bool> {
    let runtime = match cli.command {
        Command::Worker | Command::Baseline(_) => Builder::new_current_thread().enable_all().build()?,
        _ => Builder::new_multi_thread().worker_threads(cli.threads.max(1)).enable_all().build()?,
    };
    runtime.block_on(async {
        match cli.command {
            Command::Ingest(args) => ingest::run(args).await,
            Command::Chaos(args) => chaos::run(args).await,
            Command::Cluster(args) => cluster::run(args).await,
            Command::Fair(args) => fair::run(args).await,
            Command::Fanout(args) => fanout::run(args).await,
            Command::Idle(args) => idle::run(args).await,
            Command::Storm(args) => storm::run(args).await,
            Command::Surge(args) => surge::run(args).await,
            Command::Mixed(args) => mixed::run(args).await,
            Command::Soak(args) => soak::run(args).await,
            Command::Baseline(args) => baseline::run(args).await,
            Command::Grow(args) => grow::run(args).await,
            Command::Search(args) => search::run(args).await,
            Command::Views(args) => views::run(args).await,
            Command::Compare(args) => compare::run(&args),
            Command::Model(args) => model::run(&args),
            Command::Worker => fleet::worker::run().await.map(|()| true),
        }
    })
}
