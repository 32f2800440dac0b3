//! `loadtest`: drives a running hub from the outside (webhooks in, sockets and HTTP out), measures it, and
//! checks afterwards that nothing was lost, doubled or reordered. It shares no code with the server.
//!
//! To add a command: one file with its `Args` and `run`, one variant in `Command`, one line in `run`.

mod api;
mod audit;
mod chaos;
mod client;
mod clock;
mod event;
mod histogram;
mod http1;
mod ingest;
mod process;
mod report;
mod sender;
mod target;
mod turns;
mod verify;
mod watch;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cli.threads.max(1))
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Ingest(args) => ingest::run(args).await,
            Command::Chaos(args) => chaos::run(args).await,
        }
    })
}
