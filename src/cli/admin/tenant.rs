//! `hubbub admin tenant`.

use clap::Subcommand;

use super::{Context, Show};
use crate::accounts::Scope;
use crate::accounts::tenants::{CreateTenant, ListTenants, SetRetention};

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
    /// How many days a tenant keeps what has an end: 0 for ever. What is not given is as the configuration says.
    Retention {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        /// Of the feed.
        #[arg(long, value_name = "DAYS")]
        feed: Option<i64>,
        /// Of the raw bodies of webhooks.
        #[arg(long, value_name = "DAYS")]
        envelopes: Option<i64>,
        /// Of attempts at sending.
        #[arg(long, value_name = "DAYS")]
        attempts: Option<i64>,
        #[command(flatten)]
        show: Show,
    },
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
            Self::Retention { tenant, feed, envelopes, attempts, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let days = (feed, envelopes, attempts);
                admin.store.write(SetRetention { scope: Scope::system(tenant), days }).await?;
                let word = |days: Option<i64>| match days {
                    None => "as configured".to_owned(),
                    Some(0) => "for ever".to_owned(),
                    Some(days) => format!("{days} days"),
                };
                show.done(&format!(
                    "keeps its feed {}, bodies of webhooks {}, attempts {}",
                    word(feed),
                    word(envelopes),
                    word(attempts)
                ))
            }
        }
    }
}
