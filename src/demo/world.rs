//! A running server with a tenant, two companies, two users, the API key of a worker, and a Telegram and a WAHA channel
//! that are connected to emulated providers. Customers and the worker are elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use emulators::telegram::{self, TelegramEmulator};
use emulators::waha::{self, WahaEmulator};
use tempfile::TempDir;
use uuid::Uuid;

use crate::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use crate::accounts::users::NewUser;
use crate::accounts::{Role, Scope};
use crate::app::{App, AppState};
use crate::channels::connect::connect;
use crate::channels::settings::CreateChannel;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::serve;
use crate::model::{Channel, ChannelSettings};
use crate::server;
use crate::vault::random_token;

/// The name of the WAHA session.
const SESSION: &str = "lighthouse-phone";
const PASSWORD_CHARS: usize = 14;

#[derive(Clone)]
pub struct WorldOptions {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub clock: Clock,
    /// The settings of both channels.
    pub settings: ChannelSettings,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::System,
            settings: ChannelSettings { quiet_ms: 2_000, max_wait_ms: 10_000, ..ChannelSettings::default() },
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
    /// The shop, which has the Telegram channel, and its workshop, which has the WAHA channel.
    pub companies: [Uuid; 2],
    pub owner: Login,
    pub agent: Login,
    pub responder_key: String,
    pub telegram: TelegramEmulator,
    pub waha: WahaEmulator,
    pub telegram_channel: Channel,
    pub waha_channel: Channel,
    /// The data folder, removed on drop.
    folder: TempDir,
}

impl World {
    pub async fn start(options: WorldOptions) -> anyhow::Result<Self> {
        let WorldOptions { listen, clock, settings } = options;
        let folder = TempDir::with_prefix("hubbub-demo-").context("a temporary folder")?;
        let listener = serve::listen(listen).await?;
        let address = listener.local_addr().context("the listening address")?;
        let mut config = Config::embedded(folder.path());
        config.server.listen = address;
        config.server.public_url = format!("http://{address}");
        config.calls.allow_private_hosts = vec!["127.0.0.1".to_owned()];
        config.server.shutdown_grace_ms = 3_000;
        let app = App::start(config, clock.clone()).await?;
        server::start(listener, app.clone());

        let clock = emulators::Clock::new(move || clock.now_ms());
        let telegram =
            TelegramEmulator::start(telegram::EmulatorConfig { clock: clock.clone(), ..Default::default() })
                .await
                .context("the emulated Telegram")?;
        let waha = WahaEmulator::start(waha::EmulatorConfig { clock, ..Default::default() })
            .await
            .context("the emulated WAHA")?;
        let tenant = app.store.write(CreateTenant { name: "Lighthouse Goods".to_owned() }).await?.value.id;
        let scope = Scope::system(tenant);
        let shop = company(&app, &scope, "Lantern & Rope", CompanyKind::Product).await?;
        let workshop = company(&app, &scope, "Harbour Workshop", CompanyKind::Service).await?;
        let password: String = random_token("")?.chars().take(PASSWORD_CHARS).collect();
        let bot = [("token", telegram.token().to_owned()), ("api_base", telegram.api_base())];
        let phone = [
            ("base_url", waha.base_url()),
            ("api_key", waha.api_key().to_owned()),
            ("session", SESSION.to_owned()),
        ];
        // Hashing the passwords takes longest, so it runs concurrently with the rest.
        let (owner, agent, key, telegram_channel, waha_channel) = tokio::try_join!(
            login(&app, tenant, ("owner@example.com", "Orla"), Role::Owner, &password),
            login(&app, tenant, ("agent@example.com", "Ansel"), Role::Agent, &password),
            async { Ok(app.accounts.create_key(&scope, "Demo worker", Role::Responder).await?) },
            channel(&app, &scope, shop, ("telegram", "Shop bot"), &bot, settings.clone()),
            channel(&app, &scope, workshop, ("waha", "Workshop phone"), &phone, settings.clone()),
        )?;
        let responder_key = key.key;
        Ok(Self {
            app,
            address,
            tenant,
            companies: [shop, workshop],
            owner,
            agent,
            responder_key,
            telegram,
            waha,
            telegram_channel,
            waha_channel,
            folder,
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn socket_url(&self) -> String {
        format!("ws://{}/connection/websocket", self.address)
    }

    /// The WAHA channel's session.
    pub fn session(&self) -> &'static str {
        SESSION
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
    tenant: Uuid,
    (email, name): (&str, &str),
    role: Role,
    password: &str,
) -> anyhow::Result<Login> {
    let new = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        password: password.to_owned(),
        platform_role: None,
        member_of: Some((tenant, role)),
    };
    let user = app.accounts.create_user(new).await?;
    Ok(Login { id: user.id, email: user.email, password: password.to_owned() })
}

async fn channel(
    app: &App,
    scope: &Scope,
    company: Uuid,
    (kind, name): (&str, &str),
    credentials: &[(&str, String)],
    settings: ChannelSettings,
) -> anyhow::Result<Channel> {
    let credentials: BTreeMap<String, String> =
        credentials.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
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
