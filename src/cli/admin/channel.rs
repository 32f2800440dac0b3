//! `hubbub admin channel`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};

use super::find::Found;
use super::{Context, Show, from_stdin};
use crate::accounts::Scope;
use crate::accounts::tenants::ListTenants;
use crate::channels::ChannelSecrets;
use crate::channels::address;
use crate::channels::connect::{change, connect};
use crate::channels::settings::{
    ChannelChanges, CreateChannel, ListChannels, UpdateChannel, default_settings, merge_settings,
};
use crate::config::PublicUrl;
use crate::model::{ChannelState, ChannelView};

#[derive(Subcommand)]
pub(in crate::cli) enum Channel {
    /// Add a channel; `connect` makes the provider deliver to it.
    Create {
        /// That of the company, if it is not given.
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[arg(long, value_name = "ID|NAME")]
        company: String,
        /// telegram, waha, whatsapp-cloud, messenger, instagram or gmail.
        #[arg(long)]
        kind: String,
        #[arg(long)]
        name: String,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        show: Show,
    },
    List {
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[command(flatten)]
        show: Show,
    },
    /// Change a channel; what is not given stays.
    Update {
        #[arg(long, visible_alias = "channel", value_name = "ID|NAME")]
        id: String,
        /// Of which tenant the name is, if several have a channel that is called so.
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[arg(long)]
        name: Option<String>,
        /// active or disabled.
        #[arg(long)]
        state: Option<ChannelState>,
        /// The credentials may be of another account than the channel's.
        #[arg(long)]
        other_account: bool,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        show: Show,
    },
    /// Prove the credentials and set the webhook at the provider.
    Connect {
        #[arg(long, visible_alias = "channel", value_name = "ID|NAME")]
        id: String,
        /// Of which tenant the name is, if several have a channel that is called so.
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        /// Where the provider reaches this server, instead of the configuration's public_url.
        #[arg(long)]
        public_url: Option<String>,
        #[command(flatten)]
        show: Show,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Given {
    /// A credential that the provider needs, as key=value; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    credential: Vec<(String, String)>,
    /// Read more credentials from standard input, one key=value a line: out of the list of processes.
    #[arg(long)]
    credentials_stdin: bool,
    /// A setting as key=value (`quiet_ms=4000`, `flush_words=["done"]`); may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    setting: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be key=value")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl Given {
    fn credentials(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut all: BTreeMap<_, _> = self.credential.iter().cloned().collect();
        if self.credentials_stdin {
            for line in from_stdin()?.lines().filter(|line| !line.trim().is_empty()) {
                // The line is a secret, so the error does not quote it.
                let (key, value) =
                    pair(line).map_err(|why| anyhow::anyhow!("a line of standard input {why}"))?;
                all.insert(key, value);
            }
        }
        Ok(all)
    }

    /// Refuses addresses that the server would refuse to a tenant, although the operator wrote them.
    pub(super) fn checked(&self, admin: &Context) -> anyhow::Result<BTreeMap<String, String>> {
        let all = self.credentials()?;
        address::check(&admin.config.outward(), &all)?;
        Ok(all)
    }

    /// A value is JSON, or a text without quotes.
    fn settings(&self) -> Map<String, Value> {
        let value =
            |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
        self.setting.iter().map(|(key, text)| (key.clone(), value(text))).collect()
    }
}

/// A new channel with the secret of its webhooks. `connect` passes the secret to the provider; it is shown for
/// operators who post webhooks by themselves.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    channel: ChannelView,
    hook_secret: String,
}

fn line(channel: &ChannelView) -> String {
    let health = channel.health.as_ref().map_or("not connected yet", |health| health.state.as_str());
    let hook = channel.hook_path.as_deref().unwrap_or("-");
    format!("{}  {:8}  {:8}  {health}  {}\n    {hook}", channel.id, channel.kind, channel.state, channel.name)
}

fn http(admin: &Context) -> anyhow::Result<adapters::Client> {
    let patience = Duration::from_millis(admin.config.calls.provider_timeout_ms);
    adapters::http_client(patience, &admin.config.outward()).context("the HTTP client")
}

impl Channel {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        let vault = Arc::clone(&admin.vault);
        match self {
            Self::Create { tenant, company, kind, name, given, show } => {
                let tenant = admin.maybe_tenant("--tenant", tenant.as_deref()).await?;
                let company = admin.company("--company", tenant, &company).await?;
                let settings = merge_settings(&default_settings(&kind), &given.settings())?;
                let verb = CreateChannel {
                    scope: company.scope,
                    vault: Arc::clone(&vault),
                    company: company.id,
                    kind,
                    name,
                    credentials: given.checked(admin)?,
                    settings,
                };
                let made = admin.store.write(verb).await?.value;
                let hook_secret = ChannelSecrets::open(&vault, &made)?.hook_secret;
                show.one(&Made { channel: made.view(true), hook_secret }, |made| {
                    let secret = &made.hook_secret;
                    format!("{}\n    webhook secret, shown this once: {secret}", line(&made.channel))
                })
            }
            Self::List { tenant, show } => {
                let tenants = if let Some(tenant) = tenant {
                    vec![admin.tenant("--tenant", &tenant).await?]
                } else {
                    let all = admin.store.read(ListTenants { after: None, limit: 10_000 }).await?;
                    all.into_iter().map(|tenant| tenant.id).collect()
                };
                let scopes = tenants.iter().map(|tenant| Scope::system(*tenant)).collect();
                let all = admin.store.read(ListChannels { scopes, managed: tenants }).await?;
                show.list(&all, line)
            }
            Self::Update { id, tenant, name, state, other_account, given, show } => {
                let tenant = admin.maybe_tenant("--tenant", tenant.as_deref()).await?;
                let Found { scope, id } = admin.channel("--id", tenant, &id).await?;
                let changes = ChannelChanges {
                    name,
                    state,
                    settings: Some(given.settings()).filter(|settings| !settings.is_empty()),
                    credentials: Some(given.checked(admin)?).filter(|credentials| !credentials.is_empty()),
                    other_account,
                };
                let verb = UpdateChannel { scope, vault, id, changes };
                let changed =
                    change(&admin.store, &http(admin)?, &admin.config.server.public_url, verb).await?;
                show.one(&changed.view(true), line)
            }
            Self::Connect { id, tenant, public_url, show } => {
                let tenant = admin.maybe_tenant("--tenant", tenant.as_deref()).await?;
                let Found { scope, id } = admin.channel("--id", tenant, &id).await?;
                let patience = Duration::from_millis(admin.config.calls.provider_timeout_ms);
                let http =
                    adapters::http_client(patience, &admin.config.outward()).context("the HTTP client")?;
                let url = match public_url {
                    Some(given) => PublicUrl::parse(&given)
                        .map_err(|why| anyhow::anyhow!("--public-url: {why}"))?
                        .to_string(),
                    None => admin.config.server.public_url.clone(),
                };
                let connected = connect(&admin.store, &vault, &http, &url, &scope, id).await?;
                show.one(&connected.view(true), line)
            }
        }
    }
}
