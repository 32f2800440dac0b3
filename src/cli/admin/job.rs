//! `hubbub admin job`: work that was given up.

use clap::Subcommand;
use uuid::Uuid;

use super::{Context, Show};
use crate::accounts::Scope;
use crate::work::{Forget, ListDead, Revive};

#[derive(Subcommand)]
pub(in crate::cli) enum Job {
    /// Jobs that were given up, newest first, with their reasons.
    List {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: i64,
        #[command(flatten)]
        show: Show,
    },
    /// Let one run again.
    Retry {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        #[arg(long)]
        id: Uuid,
        #[command(flatten)]
        show: Show,
    },
    /// Forget one.
    Drop {
        #[arg(long, value_name = "ID|NAME")]
        tenant: String,
        #[arg(long)]
        id: Uuid,
        #[command(flatten)]
        show: Show,
    },
}

impl Job {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        match self {
            Self::List { tenant, limit, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                let verb =
                    ListDead { scope: Scope::system(tenant), before: None, limit: limit.clamp(1, 1_000) };
                let jobs = admin.store.read(verb).await?;
                show.list(&jobs, |job| {
                    format!("{}  {:12}  {} tries  {}", job.id, job.kind, job.tries, job.reason)
                })
            }
            Self::Retry { tenant, id, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                admin.store.write(Revive { tenant, job: id }).await?;
                show.done("it is tried again")
            }
            Self::Drop { tenant, id, show } => {
                let tenant = admin.tenant("--tenant", &tenant).await?;
                admin.store.write(Forget { tenant, job: id }).await?;
                show.done("forgotten")
            }
        }
    }
}
