//! `hubbub admin key`.

use clap::Subcommand;

use super::find::Found;
use super::{Context, Show};
use crate::accounts::api_key::{ListKeys, RevokeKey};
use crate::accounts::{Role, Scope};

#[derive(Subcommand)]
pub(in crate::cli) enum Key {
    /// Make an API key; it is shown this once.
    Create {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        #[arg(long)]
        name: String,
        /// responder (an AI worker), or agent, viewer, owner for integrators.
        #[arg(long, default_value = "responder")]
        role: Role,
        #[command(flatten)]
        show: Show,
    },
    List {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        #[command(flatten)]
        show: Show,
    },
    /// End a key and its sessions.
    Revoke {
        #[arg(long, visible_alias = "key", value_name = "ID|NAME")]
        id: String,
        /// Of which tenant the name is, if several have a key that is called so.
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[command(flatten)]
        show: Show,
    },
}

impl Key {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        match self {
            Self::Create { tenant, name, role, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let made = admin.accounts.create_key(&Scope::system(tenant), &name, role).await?;
                show.one(&made, |made| format!("{}  (it is not shown again)\nid {}", made.key, made.view.id))
            }
            Self::List { tenant, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let all = admin.store.read(ListKeys(Scope::system(tenant))).await?;
                show.list(&all, |key| {
                    let state = if key.revoked_at.is_some() { "revoked" } else { "works" };
                    format!("{}  {:9}  {state:7}  {}…  {}", key.id, key.role, key.hint, key.name)
                })
            }
            Self::Revoke { id, tenant, show } => {
                let tenant = admin.maybe_tenant("--tenant", tenant.as_deref()).await?;
                let Found { scope, id } = admin.api_key("--id", tenant, &id).await?;
                admin.store.write(RevokeKey { scope, id }).await?;
                show.done("the key is revoked")
            }
        }
    }
}
