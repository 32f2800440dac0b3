//! `hubbub admin tenant`.

use clap::Subcommand;

use super::{Context, Show};
use crate::accounts::tenants::{CreateTenant, ListTenants};

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
        }
    }
}
