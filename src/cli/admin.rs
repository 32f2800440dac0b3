//! `hubbub admin`: the operator's commands. They write to the database directly, also beside a running server, which
//! notices the change within two seconds. They need no account: access to the database is enough. Arguments that take
//! an id accept the name as well (`find.rs`). Only `tenant create` may make an installation.

mod app;
mod channel;
mod company;
mod feed;
mod find;
mod history;
mod job;
mod key;
mod tenant;
mod user;

#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

use super::print;
use crate::accounts::Accounts;
use crate::app::installation;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Effects, Publisher, Store, StoreConfig};
use crate::vault::Vault;

#[derive(Subcommand)]
pub(super) enum Admin {
    /// Business accounts.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Brands of a tenant.
    #[command(subcommand)]
    Company(company::Company),
    /// People who sign in.
    #[command(subcommand)]
    User(user::User),
    /// Apps of providers, through which channels are connected.
    #[command(subcommand)]
    App(app::App),
    /// Connected provider accounts.
    #[command(subcommand)]
    Channel(channel::Channel),
    /// What clients follow.
    #[command(subcommand)]
    Feed(feed::Feed),
    /// The long history in MongoDB.
    #[command(subcommand)]
    History(history::History),
    /// Work that was given up.
    #[command(subcommand)]
    Job(job::Job),
    /// Keys of integrators and AI workers.
    #[command(subcommand)]
    Key(key::Key),
}

impl Admin {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        let is_first = matches!(self, Self::Tenant(tenant::Tenant::Create { .. }));
        let admin = Context::open(config, is_first).await?;
        let done = match self {
            Self::Tenant(command) => command.run(&admin).await,
            Self::Company(command) => command.run(&admin).await,
            Self::User(command) => command.run(&admin).await,
            Self::App(command) => command.run(&admin).await,
            Self::Channel(command) => command.run(&admin).await,
            Self::Feed(command) => command.run(&admin).await,
            Self::History(command) => command.run(&admin).await,
            Self::Job(command) => command.run(&admin).await,
            Self::Key(command) => command.run(&admin).await,
        };
        admin.store.close().await;
        done
    }
}

/// The open installation on which a command works.
struct Context {
    config: Config,
    store: Store,
    vault: Arc<Vault>,
    accounts: Accounts,
}

/// A publisher for this process, which has no subscribers: the running server reads the changes from the log.
struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

impl Context {
    /// `may_make`: a missing database and key are made.
    async fn open(config: Config, may_make: bool) -> anyhow::Result<Self> {
        if !may_make {
            installation::require(&config)?;
        }
        let made = installation::database_file(&config).filter(|file| !file.exists());
        let timeout = std::time::Duration::from_secs(config.store.database_timeout_s);
        let lossless_failover = config.store.lossless_failover;
        let url = config.store.database_url.clone();
        let store_config = StoreConfig { url, connections: 2, timeout, lossless_failover, replica: None };
        let store =
            Store::open(&store_config, Clock::System, Arc::new(Nobody)).await.context("database_url")?;
        if let Some(file) = made {
            eprintln!("hubbub: made a new database at {}", file.display());
        }
        let vault = Arc::new(installation::vault(&config, &store).await?);
        let accounts = Accounts::new(store.clone(), &vault, &config)?;
        Ok(Self { config, store, vault, accounts })
    }
}

// No doc comment: clap would show it instead of the commands' own help.
#[derive(clap::Args)]
pub(in crate::cli) struct Show {
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

impl Show {
    fn one<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        print(&if self.json { serde_json::to_string_pretty(value)? } else { text(value) })
    }

    fn list<T: Serialize>(&self, values: &[T], line: impl Fn(&T) -> String) -> anyhow::Result<()> {
        if self.json {
            return print(&serde_json::to_string_pretty(values)?);
        }
        print(&values.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn done(&self, text: &str) -> anyhow::Result<()> {
        print(&if self.json { serde_json::json!({"done": text}).to_string() } else { text.to_owned() })
    }
}

/// All of standard input without the line's end: for secrets, which must not appear in the process list.
fn from_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(64 * 1024).read_to_string(&mut text).context("standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
