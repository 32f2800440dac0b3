//! A running server with a tenant, two companies, three users, the API key of a worker, and channels of every kind that are
//! connected to emulated providers. Customers and the worker are elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tempfile::TempDir;
use uuid::Uuid;

use super::providers::{Providers, Wanted};
use crate::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use crate::accounts::users::NewUser;
use crate::accounts::{PlatformRole, Role, Scope};
use crate::app::{App, AppState};
use crate::channels::connect::connect;
use crate::channels::settings::CreateChannel;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::serve;
use crate::model::{Channel, ChannelSettings};
use crate::server;
use crate::vault::random_token;

const PASSWORD_CHARS: usize = 14;

#[derive(Clone)]
pub struct WorldOptions {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub clock: Clock,
    /// The settings of all channels.
    pub settings: ChannelSettings,
    /// Otherwise there are apps and accounts, and nothing is connected yet.
    pub connected: bool,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::System,
            settings: ChannelSettings { quiet_ms: 2_000, max_wait_ms: 10_000, ..ChannelSettings::default() },
            connected: true,
        }
    }
}

/// The sign-in of a user.
pub struct Login {
    pub id: Uuid,
    pub email: String,
    pub password: String,
}

pub struct World {
    pub app: AppState,
    pub address: SocketAddr,
    pub tenant: Uuid,
    pub owner: Login,
    pub agent: Login,
    /// An administrator of the platform.
    pub operator: Login,
    pub responder_key: String,
    pub providers: Providers,
    pub channels: Vec<Channel>,
    /// The data folder, removed on drop.
    folder: TempDir,
}

impl World {
    pub async fn start(options: WorldOptions) -> anyhow::Result<Self> {
        let WorldOptions { listen, clock, settings, connected } = options;
        let folder = TempDir::with_prefix("hubbub-demo-").context("a temporary folder")?;
        let listener = serve::listen(listen).await?;
        let address = listener.local_addr().context("the listening address")?;
        let url = format!("http://{address}");
        let mut config = Config::embedded(folder.path());
        config.server.listen = address;
        config.server.public_url.clone_from(&url);
        config.calls.allow_private_hosts = vec!["127.0.0.1".to_owned()];
        config.server.shutdown_grace_ms = 3_000;
        let app = App::start(config, clock.clone()).await?;
        server::start(listener, app.clone());

        let clock = emulators::Clock::new(move || clock.now_ms());
        let providers = Providers::start(clock, &url, connected).await?;
        let tenant = app.store.write(CreateTenant { name: "Lighthouse Goods".to_owned() }).await?.value.id;
        let scope = Scope::system(tenant);
        let shop = company(&app, &scope, "Lantern & Rope", CompanyKind::Product).await?;
        let workshop = company(&app, &scope, "Harbour Workshop", CompanyKind::Service).await?;
        providers.introduce(&app, tenant, &url).await?;
        let password: String = random_token("")?.chars().take(PASSWORD_CHARS).collect();
        let channels = async {
            let mut made = Vec::new();
            let wanted = if connected { providers.channels() } else { Default::default() };
            for (company, wanted) in [shop, workshop].into_iter().zip(wanted) {
                for one in wanted {
                    made.push(channel(&app, &scope, company, one, settings.clone()).await?);
                }
            }
            Ok(made)
        };
        let member = |role| Some((tenant, role));
        // Hashing the passwords takes longest, so it runs concurrently with the rest.
        let (owner, agent, operator, key, channels) = tokio::try_join!(
            login(&app, ("owner@example.com", "Orla"), None, member(Role::Owner), &password),
            login(&app, ("agent@example.com", "Ansel"), None, member(Role::Agent), &password),
            login(&app, ("operator@example.com", "Odessa"), Some(PlatformRole::Admin), None, &password),
            async { Ok(app.accounts.create_key(&scope, "Demo worker", Role::Responder).await?) },
            channels,
        )?;
        let responder_key = key.key;
        Ok(Self { app, address, tenant, owner, agent, operator, responder_key, providers, channels, folder })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn socket_url(&self) -> String {
        format!("ws://{}/connection/websocket", self.address)
    }

    /// Stops the server and the providers, and removes the data.
    pub async fn stop(self) {
        self.app.stop().await;
        if let Err(error) = self.folder.close() {
            tracing::warn!(%error, "cannot remove the demo's folder");
        }
    }
}

async fn company(app: &App, scope: &Scope, name: &str, kind: CompanyKind) -> anyhow::Result<Uuid> {
    let new = CreateCompany { scope: scope.clone(), name: name.to_owned(), kind };
    Ok(app.store.write(new).await?.value.id)
}

async fn login(
    app: &App,
    (email, name): (&str, &str),
    platform_role: Option<PlatformRole>,
    member_of: Option<(Uuid, Role)>,
    password: &str,
) -> anyhow::Result<Login> {
    let new = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        password: password.to_owned(),
        platform_role,
        member_of,
    };
    let user = app.accounts.create_user(new).await?;
    Ok(Login { id: user.id, email: user.email, password: password.to_owned() })
}

async fn channel(
    app: &App,
    scope: &Scope,
    company: Uuid,
    (kind, name, credentials): Wanted,
    settings: ChannelSettings,
) -> anyhow::Result<Channel> {
    let credentials: BTreeMap<String, String> =
        credentials.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let new = CreateChannel {
        scope: scope.clone(),
        vault: Arc::clone(&app.vault),
        company,
        kind: kind.to_owned(),
        name: name.to_owned(),
        credentials,
        settings,
    };
    let id = app.store.write(new).await?.value.id;
    Ok(connect(&app.store, &app.vault, &app.http, &app.config.server.public_url, scope, id).await?)
}
