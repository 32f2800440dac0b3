//! `hubbub admin app`.

use std::sync::Arc;

use clap::Subcommand;
use uuid::Uuid;

use super::channel::Given;
use super::{Context, Show};
use crate::channels::apps::{AppChanges, CreateApp, ListApps, UpdateApp};
use crate::model::{ProviderAppState, ProviderAppView};

#[derive(Subcommand)]
pub(in crate::cli) enum App {
    /// Add an app of a provider, through which channels are connected.
    Create {
        /// meta or google.
        #[arg(long)]
        family: String,
        #[arg(long)]
        name: String,
        /// draft, in_review, approved, assigned or retired.
        #[arg(long, default_value = "draft")]
        state: ProviderAppState,
        /// Give it to this tenant at once.
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        show: Show,
    },
    List {
        #[command(flatten)]
        show: Show,
    },
    /// Change an app; what is not given stays.
    Update {
        #[arg(long, visible_alias = "app")]
        id: Uuid,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        state: Option<ProviderAppState>,
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        show: Show,
    },
}

fn line(app: &ProviderAppView) -> String {
    let tenant = app.tenant.map_or_else(|| "-".to_owned(), |tenant| tenant.to_string());
    let hook = app.hook_path.as_deref().unwrap_or("-");
    format!(
        "{}  {}  {}  {}  {tenant}  {}  {}",
        app.id, app.family, app.state, app.external_id, hook, app.name
    )
}

impl App {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        let vault = Arc::clone(&admin.vault);
        match self {
            Self::Create { family, name, state, tenant, given, show } => {
                let assigned_to = tenant_of(admin, tenant).await?;
                let settings = given.checked(admin)?;
                let verb = CreateApp { vault, family, name, state, assigned_to, settings };
                show.one(&admin.store.write(verb).await?.value, line)
            }
            Self::List { show } => show.list(&admin.store.read(ListApps { vault }).await?, line),
            Self::Update { id, name, state, tenant, given, show } => {
                let tenant = tenant_of(admin, tenant).await?;
                let settings = Some(given.checked(admin)?).filter(|given| !given.is_empty());
                let changes = AppChanges { name, state, tenant, settings };
                show.one(&admin.store.write(UpdateApp { vault, id, changes }).await?.value, line)
            }
        }
    }
}

async fn tenant_of(admin: &Context, name: Option<String>) -> anyhow::Result<Option<Uuid>> {
    match name {
        Some(name) => Ok(Some(admin.tenant("--tenant", &name).await?)),
        None => Ok(None),
    }
}
