//! A server with a tenant, two channels and their emulated providers, for one test.
//!
//! [`World::finish`] is the last line of a test: it stops the server and asserts that nothing is left over.

pub mod api;
pub mod client;
pub mod logs;
pub mod meta;
pub mod node;
pub mod postgres;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use aws_lc_rs::hmac;
use emulators::{telegram, waha};
use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::accounts::users::NewUser;
use hubbub::accounts::{PlatformRole, Role, Scope};
use hubbub::app::{App, AppState};
use hubbub::channels::ChannelSecrets;
use hubbub::channels::connect::connect;
use hubbub::channels::settings::CreateChannel;
use hubbub::clock::Clock;
use hubbub::config::Config;
use hubbub::model::{Channel, ChannelSettings};
use hubbub::store::Engine;
use uuid::Uuid;

pub use api::Api;
pub use client::Client;

/// How long a test waits for what must happen. Long, because machines are slow; never slept through.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Defines a test that runs on both engines.
#[macro_export]
macro_rules! on_both {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let run = $body;
                run(hubbub::store::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let run = $body;
                run(hubbub::store::Engine::Postgres).await;
            }
        }
    };
}

/// Short waits, so that tests need not be long.
pub fn quick() -> ChannelSettings {
    ChannelSettings {
        quiet_ms: 300,
        max_wait_ms: 2_000,
        nobody_ms: 600_000,
        human_pace: false,
        ..ChannelSettings::default()
    }
}

pub struct World {
    pub app: AppState,
    pub address: SocketAddr,
    pub tenant: Uuid,
    pub telegram: telegram::TelegramEmulator,
    pub waha: waha::WahaEmulator,
    /// The Telegram channel and the WAHA channel.
    pub bot: Channel,
    pub phone: Channel,
    folder: Arc<tempfile::TempDir>,
    pub database: String,
    clock: Clock,
    second: Option<node::Node>,
    /// Of clients that chose a node.
    chosen: AtomicUsize,
}

/// A client for the servers of a test, which speak no TLS: reading the machine's certificates takes longer than most tests.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).build().expect("a client")
}

/// The size of a test that tries many cases: the first of every day, the second with `HUBBUB_TEST_WHOLE` set.
pub fn size(daily: usize, whole: usize) -> usize {
    if std::env::var_os("HUBBUB_TEST_WHOLE").is_some() { whole } else { daily }
}

pub const PASSWORD: &str = "correct horse battery";

impl World {
    pub async fn start(engine: Engine) -> Self {
        Self::with(engine, quick()).await
    }

    pub async fn with(engine: Engine, settings: ChannelSettings) -> Self {
        Self::at(engine, settings, Clock::System).await
    }

    /// With a clock of the test's.
    pub async fn at(engine: Engine, settings: ChannelSettings, clock: Clock) -> Self {
        match engine {
            Engine::Sqlite => Self::build(None, settings, clock).await,
            Engine::Postgres => Self::build(Some(postgres::database()), settings, clock).await,
        }
    }

    /// With another configuration than the usual one.
    pub async fn configured(engine: Engine, change: impl Fn(&mut Config)) -> Self {
        let database = (engine == Engine::Postgres).then(postgres::database);
        Self::build_everywhere(database, quick(), Clock::System, &change).await
    }

    /// On a database that somebody else made.
    pub async fn on(database: String) -> Self {
        Self::build(Some(database), quick(), Clock::System).await
    }

    pub async fn on_configured(database: String, change: impl Fn(&mut Config)) -> Self {
        Box::pin(Self::build_with(Some(database), quick(), Clock::System, &change)).await
    }

    async fn build(database: Option<String>, settings: ChannelSettings, clock: Clock) -> Self {
        Self::build_everywhere(database, settings, clock, &|_| {}).await
    }

    /// With one node, or with two of them if all tests on PostgreSQL are to have two.
    async fn build_everywhere(
        database: Option<String>,
        settings: ChannelSettings,
        clock: Clock,
        change: &dyn Fn(&mut Config),
    ) -> Self {
        if database.is_none() || !node::everywhere_two() {
            return Box::pin(Self::build_with(database, settings, clock, change)).await;
        }
        let join = |config: &mut Config| {
            config.bus.url = node::shared_redis();
            change(config);
        };
        let mut world = Box::pin(Self::build_with(database, settings, clock, &join)).await;
        world.join(&join).await;
        world
    }

    async fn build_with(
        database: Option<String>,
        settings: ChannelSettings,
        clock: Clock,
        change: &dyn Fn(&mut Config),
    ) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let database = database.unwrap_or_else(|| folder.path().join("hubbub.db").display().to_string());
        let (app, address) = boot(&folder, &database, clock.clone(), change).await;
        let tenant =
            app.store.write(CreateTenant { name: "Lantern Shop".into() }).await.expect("a tenant").value.id;
        let scope = Scope::system(tenant);
        let company =
            CreateCompany { scope: scope.clone(), name: "Lanterns".into(), kind: CompanyKind::Product };
        let company = app.store.write(company).await.expect("a company").value.id;
        for (email, role) in [
            ("owner@example.com", Role::Owner),
            ("agent@example.com", Role::Agent),
            ("viewer@example.com", Role::Viewer),
        ] {
            user(&app, email, None, Some((tenant, role))).await;
        }
        let telegram = telegram::TelegramEmulator::start(telegram::EmulatorConfig {
            retry_pause: Duration::from_millis(50),
            fetch_media: false,
            ..telegram::EmulatorConfig::default()
        });
        let telegram = telegram.await.expect("the Telegram emulator");
        let waha =
            waha::WahaEmulator::start(waha::EmulatorConfig::default()).await.expect("the WAHA emulator");
        let bot = [("token", telegram.token().to_owned()), ("api_base", telegram.api_base())];
        let bot = channel(&app, &scope, company, "telegram", &bot, settings.clone(), address).await;
        let phone = [
            ("base_url", waha.base_url()),
            ("api_key", waha.api_key().to_owned()),
            ("session", SESSION.to_owned()),
        ];
        let phone = channel(&app, &scope, company, "waha", &phone, settings, address).await;
        let (second, chosen) = (None, AtomicUsize::new(0));
        Self { app, address, tenant, telegram, waha, bot, phone, folder, database, clock, second, chosen }
    }

    /// Stops the server and starts another on the same data.
    pub async fn restart(mut self) -> Self {
        for app in self.apps() {
            app.stop().await;
        }
        let join = |config: &mut Config| config.bus = self.app.config.bus.clone();
        let (app, address) = boot(&self.folder, &self.database, self.clock.clone(), &join).await;
        (self.app, self.address) = (app, address);
        if self.second.take().is_some() {
            let bus = self.app.config.bus.clone();
            self.join(&move |config: &mut Config| config.bus = bus.clone()).await;
        }
        self
    }

    /// The nodes by turns, as a load balancer chooses them.
    fn front(&self) -> SocketAddr {
        let turn = self.chosen.fetch_add(1, Ordering::Relaxed);
        self.second.as_ref().filter(|_| turn % 2 == 1).map_or(self.address, |node| node.address)
    }

    /// Where this server's data is.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn scope(&self) -> Scope {
        Scope::system(self.tenant)
    }

    pub async fn api(&self, email: &str) -> Api {
        Api::sign_in(self.front(), email, PASSWORD).await
    }

    /// A socket of a person.
    pub async fn person(&self, email: &str) -> Client {
        let api = self.api(email).await;
        Client::connect(self.front(), client::As::Token(api.token.clone())).await
    }

    /// A socket of an AI worker.
    pub async fn worker(&self, capacity: usize) -> Client {
        let key =
            self.app.accounts.create_key(&self.scope(), "Worker", Role::Responder).await.expect("a key").key;
        Client::connect(self.front(), client::As::Key { key, capacity }).await
    }

    /// The webhook secret of a channel.
    pub fn secret(&self, channel: &Channel) -> String {
        ChannelSecrets::open(&self.app.vault, channel).expect("its secrets").hook_secret
    }

    /// Posts a body to a channel's webhook as its provider does; gives the status.
    pub async fn hook(&self, channel: &Channel, body: &serde_json::Value) -> u16 {
        let body = body.to_string();
        let secret = self.secret(channel);
        let url = format!("http://{}/hooks/{}", self.front(), channel.hook_token);
        let request = crate::kit::http().post(url);
        let request = if channel.kind == "telegram" {
            request.header("X-Telegram-Bot-Api-Secret-Token", secret)
        } else {
            let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
            let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
            request.header("X-Webhook-Hmac", signature).header("X-Webhook-Hmac-Algorithm", "sha512")
        };
        let answer = request.body(body).send().await.expect("an answer");
        // Some providers would obey it, and have no attempts left soon.
        assert!(!answer.headers().contains_key("retry-after"), "{answer:?}");
        answer.status().as_u16()
    }

    /// A text message of a customer to the bot, as Telegram posts it.
    pub fn update(update: i64, chat: i64, message: i64, text: &str) -> serde_json::Value {
        let person = serde_json::json!({ "id": chat, "first_name": "Mira", "is_bot": false });
        serde_json::json!({ "update_id": update, "message": { "message_id": message, "date": 1_794_312_000, "text": text,
            "chat": { "id": chat, "type": "private", "first_name": "Mira" }, "from": person } })
    }

    /// Ends a test: everything stops, nothing is left over.
    pub async fn finish(self) {
        for app in self.apps() {
            app.stop().await;
            let stats = app.hub.stats();
            assert_eq!(stats.sessions, 0, "sessions are left: {stats:?}");
            assert!(app.tasks.is_empty(), "{} tasks are left", app.tasks.len());
        }
    }
}

pub const SESSION: &str = "shop-main";

async fn boot(
    folder: &tempfile::TempDir,
    database: &str,
    clock: Clock,
    change: &dyn Fn(&mut Config),
) -> (AppState, SocketAddr) {
    logs::init();
    let mut config = Config::embedded(folder.path());
    config.store.database_url = database.to_owned();
    config.server.shutdown_grace_ms = 5_000;
    config.calls.provider_timeout_ms = 2_000;
    // Tests ask faster than people. What the rates do is tested where they are.
    (config.limits.rate_per_caller, config.limits.rate_per_tenant) = (0, 0);
    (config.limits.rate_searches, config.limits.rate_visits) = (0, 0);
    config.calls.allow_private_hosts = vec!["127.0.0.1".into()];
    let listener = hubbub::http::serve::listen(config.server.listen).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    config.server.public_url = format!("http://{address}");
    change(&mut config);
    let app = App::start(config, clock).await.expect("the app starts");
    hubbub::server::start(listener, app.clone());
    (app, address)
}

/// Makes an account with the password of all tests.
pub async fn user(
    app: &App,
    email: &str,
    platform_role: Option<PlatformRole>,
    member_of: Option<(Uuid, Role)>,
) -> Uuid {
    let name = email.split('@').next().unwrap_or_default().to_owned();
    let new = NewUser { email: email.into(), name, password: PASSWORD.into(), platform_role, member_of };
    app.accounts.create_user_with(new, password_hash()).await.expect("a user").id
}

/// Of the password of all tests, with the least work that there is: they sign in some thousand times.
fn password_hash() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let params = argon2::Params::new(8, 1, 1, None).expect("parameters");
        let cheap = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        cheap.hash_password(PASSWORD.as_bytes()).expect("a hash").to_string()
    });
    HASH.clone()
}

/// A channel that is connected to its provider.
pub async fn channel(
    app: &AppState,
    scope: &Scope,
    company: Uuid,
    kind: &str,
    credentials: &[(&str, String)],
    settings: ChannelSettings,
    address: SocketAddr,
) -> Channel {
    let credentials: BTreeMap<_, _> =
        credentials.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let verb = CreateChannel {
        scope: scope.clone(),
        vault: Arc::clone(&app.vault),
        company,
        kind: kind.into(),
        name: kind.into(),
        credentials,
        settings,
    };
    let id = app.store.write(verb).await.expect("a channel").value.id;
    let url = format!("http://{address}");
    let connected = connect(&app.store, &app.vault, &app.http, &url, scope, id).await;
    connected.expect("the channel connects")
}
