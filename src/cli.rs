//! The command line: the server, the operator's commands, and tools to inspect captured webhooks. Each command has its
//! own file; this one parses the arguments and builds the runtime.

mod admin;
mod backup;
mod doctor;
mod inspect;
mod migrate_store;
mod serve;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use responder::ResponderArgs;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::{demo, http, operations, telemetry};

/// A realtime messaging hub: every customer message once and in order, live to people and AI workers.
#[derive(Parser)]
#[command(name = "hubbub", version)]
struct Cli {
    /// Configuration file; hubbub.toml is read if it is there.
    #[arg(long, global = true, value_name = "FILE", env = "HUBBUB_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve,
    /// Run the reference AI worker: answer turns by rules or by a model.
    Responder(Box<ResponderArgs>),
    /// Show it: a server with a made-up shop, emulated providers, customers who write and an AI worker.
    Demo {
        /// Where the page is; 127.0.0.1:8080, or a free port if that is taken.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Leave the providers' accounts unconnected, to try out connecting them.
        #[arg(long)]
        unconnected: bool,
        /// Let customers and providers do only what they are told over HTTP, at this address.
        #[arg(long, value_name = "ADDRESS")]
        control: Option<SocketAddr>,
    },
    /// Make and change tenants, companies, users, channels and API keys, beside a running server or before it.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Copy the SQLite database to a new file while the server works on it.
    Backup(backup::Backup),
    /// Put a backup in the place of the SQLite database. The server must be stopped.
    Restore(backup::Restore),
    /// Copy an installation from SQLite to PostgreSQL, and compare both. An interrupted copy goes on where it was.
    MigrateStore(migrate_store::MigrateStore),
    /// Look at the configuration and at what it names, and say what is to be done.
    Doctor(doctor::Doctor),
    /// Show what a captured webhook body becomes, or check its signature. The body is read from standard input.
    Inspect(inspect::Inspect),
    /// Print the description of the HTTP API.
    Openapi,
    /// Print the configuration with every default and what it means.
    DefaultConfig,
}

/// Runs the command. Errors are printed to standard error with their causes.
pub fn main() -> ExitCode {
    let Cli { config, command } = Cli::parse();
    let done = match command {
        Command::Inspect(inspect) => return inspect.run(),
        Command::Openapi => print(operations::openapi_json()),
        Command::DefaultConfig => print(config::DEFAULTS),
        Command::Serve => config::read(config.as_deref()).and_then(|config| many_threads(config, serve::run)),
        Command::Responder(args) => config::read(config.as_deref()).and_then(|config| {
            many_threads(config, async |config| {
                until_signal(|stop| responder::run(*args, || config.socket_url(), stop)).await
            })
        }),
        Command::Demo { listen, unconnected, control } => {
            // Must run before the usual log, which is then not set up.
            telemetry::start_above(&demo::LAST_LINES);
            many_threads(Config::embedded(Path::new(".")), |_| demo::run(listen, !unconnected, control))
        }
        Command::Backup(command) => config::read(config.as_deref()).and_then(|config| command.run(&config)),
        Command::Restore(command) => config::read(config.as_deref()).and_then(|config| command.run(&config)),
        Command::MigrateStore(command) => one_thread(command.run()),
        Command::Doctor(command) => one_thread(command.run(config.as_deref())),
        Command::Admin(command) => config::read(config.as_deref()).and_then(|config| {
            telemetry::start_quiet();
            one_thread(command.run(config))
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hubbub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)
}

/// Runs the server on as many threads as configured.
fn many_threads<F>(config: Config, life: impl FnOnce(Config) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    telemetry::start(&config)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if config.server.worker_threads > 0 {
        builder.worker_threads(config.server.worker_threads);
    }
    let runtime = builder.enable_all().build().context("the runtime does not start")?;
    let done = runtime.block_on(life(config));
    // A blocked thread (a name lookup) must not delay the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done
}

/// Runs `work` with a token that is cancelled by the first signal to stop.
async fn until_signal<F>(work: impl FnOnce(CancellationToken) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let stop = CancellationToken::new();
    let work = work(stop.clone());
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        signalled = http::serve::signal() => signalled?,
    }
    stop.cancel();
    work.await
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let written =
        std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().write_all(b"\n"));
    match written {
        // The reader of the pipe has closed it (`| head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
