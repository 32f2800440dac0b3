//! `hubbub admin tenant`.

use clap::Subcommand;

use super::{Context, Show};
use crate::accounts::Scope;
use crate::accounts::tenants::{CreateTenant, ListTenants, SetRetention, SetStorage};

#[derive(Subcommand)]
pub(in crate::cli) enum Tenant {
    /// Make a tenant.
    Create {
        #[arg(long)]
        name: String,
        #[command(flatten)]
        show: Show,
    },
    List {
        #[command(flatten)]
        show: Show,
    },
    /// Show, or change, how many days a tenant keeps what has an end. What is not given stays.
    Retention {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        /// Of the feed: days, 0 for ever, or `default` as the configuration says.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        feed: Option<Days>,
        /// Of the raw bodies of webhooks.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        envelopes: Option<Days>,
        /// Of attempts at sending.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        attempts: Option<Days>,
        /// Of leads of landing pages.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        leads: Option<Days>,
        /// Of messages in MongoDB.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        history: Option<Days>,
        #[command(flatten)]
        show: Show,
    },
    /// Show what a tenant has stored of files, or change how much it may. What is not given stays.
    Storage {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        /// 0 without a limit, or `default` as the configuration says.
        #[arg(long, value_name = "BYTES", value_parser = most)]
        bytes: Option<Most>,
        /// The same for the number of files.
        #[arg(long, value_name = "FILES", value_parser = most)]
        files: Option<Most>,
        #[command(flatten)]
        show: Show,
    },
}

/// `None`: the configured value.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Most(Option<i64>);

fn most(text: &str) -> Result<Most, String> {
    if text == "default" {
        return Ok(Most(None));
    }
    text.parse().map(|most| Most(Some(most))).map_err(|_| "give a number, or `default`".to_owned())
}

/// `None`: the configured value.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Days(Option<i64>);

fn days(text: &str) -> Result<Days, String> {
    if text == "default" {
        return Ok(Days(None));
    }
    text.parse().map(|days| Days(Some(days))).map_err(|_| "give a number of days, or `default`".to_owned())
}

impl Tenant {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        match self {
            Self::Create { name, show } => {
                let made = admin.store.write(CreateTenant { name }).await?.value;
                show.one(&made, |tenant| format!("{}  {}", tenant.id, tenant.name))
            }
            Self::List { show } => {
                let all = admin.store.read(ListTenants { after: None, limit: 10_000 }).await?;
                show.list(&all, |tenant| format!("{}  {}", tenant.id, tenant.name))
            }
            Self::Storage { tenant, bytes, files, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let changes = [bytes, files].map(|given| given.map(|Most(most)| most));
                let storage =
                    admin.store.write(SetStorage { scope: Scope::system(tenant), changes }).await?.value;
                let word = |most: Option<i64>| match most {
                    None => "as configured".to_owned(),
                    Some(0) => "without a limit".to_owned(),
                    Some(most) => format!("at most {most}"),
                };
                show.done(&format!(
                    "has stored {} bytes ({}) in {} files ({})",
                    storage.bytes,
                    word(storage.own.0),
                    storage.files,
                    word(storage.own.1)
                ))
            }
            Self::Retention { tenant, feed, envelopes, attempts, leads, history, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let changes =
                    [feed, envelopes, attempts, leads, history].map(|given| given.map(|Days(days)| days));
                let store_days = admin.config.history.store_days;
                let verb = SetRetention { scope: Scope::system(tenant), changes, store_days };
                let (feed, envelopes, attempts, leads, history) = admin.store.write(verb).await?.value;
                let word = |days: Option<i64>| match days {
                    None => "as configured".to_owned(),
                    Some(0) => "for ever".to_owned(),
                    Some(1) => "1 day".to_owned(),
                    Some(days) => format!("{days} days"),
                };
                show.done(&format!(
                    "keeps its feed {}, bodies of webhooks {}, attempts {}, leads {}, messages in MongoDB {}",
                    word(feed),
                    word(envelopes),
                    word(attempts),
                    word(leads),
                    word(history)
                ))
            }
        }
    }
}
