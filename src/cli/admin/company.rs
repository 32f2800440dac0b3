//! `hubbub admin company`.

use clap::Subcommand;

use super::{Context, Show};
use crate::accounts::Scope;
use crate::accounts::tenants::{CompanyKind, CreateCompany, ListCompanies};

#[derive(Subcommand)]
pub(in crate::cli) enum Company {
    /// Make a company of a tenant.
    Create {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        #[arg(long)]
        name: String,
        /// product, service or hybrid.
        #[arg(long, default_value = "product")]
        kind: CompanyKind,
        #[command(flatten)]
        show: Show,
    },
    List {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        #[command(flatten)]
        show: Show,
    },
}

impl Company {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        match self {
            Self::Create { tenant, name, kind, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let verb = CreateCompany { scope: Scope::system(tenant), name, kind };
                let made = admin.store.write(verb).await?.value;
                show.one(&made, |company| format!("{}  {}", company.id, company.name))
            }
            Self::List { tenant, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let all = admin.store.read(ListCompanies(vec![Scope::system(tenant)])).await?;
                show.list(&all, |company| format!("{}  {:8}  {}", company.id, company.kind, company.name))
            }
        }
    }
}
