//! `loadtest cluster`: an installation of several nodes, made and broken by this program alone. `chaos` does every fault that a
//! seed chooses and checks the design's invariants afterwards; `load` measures one node or several; `outage` takes one
//! part away under load.

mod chaos;
mod check;
mod collect;
mod control;
mod evidence;
mod faults;
mod link;
mod load;
mod model;
mod outage;
mod postgres;
mod program;
mod redis;
mod traffic;
mod watcher;
mod world;
mod wrong_clock;

use anyhow::Result;
use clap::Subcommand;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Faults of every kind from a seed, under webhooks, sockets, managers and AI turns; then the invariants.
    Chaos(chaos::Args),
    /// Webhooks into some nodes, sockets on all of them: throughput, latency from node to node, CPU of each part.
    Load(load::Args),
    /// Redis away for a while, or PostgreSQL's primary killed and its standby promoted, under load.
    Outage(outage::Args),
}

/// True when every check passed.
pub(crate) async fn run(args: Args) -> Result<bool> {
    match args.command {
        Command::Chaos(args) => chaos::run(args).await,
        Command::Load(args) => load::run(args).await,
        Command::Outage(args) => outage::run(args).await,
    }
}
