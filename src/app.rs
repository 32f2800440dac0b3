//! How the parts are put together: one value that everything is reached from, and the tasks that run beside
//! the requests.
//!
//! The order of a start: store (migrated), accounts, hub, workers. The order of a stop: no new sockets and
//! webhooks, sockets closed with a reconnect code, workers finish what they hold, the store closes.

mod bridge;
mod channels;
pub mod file_lock;
pub mod installation;
mod log;

use std::sync::Arc;
use std::time::Duration;

use adapters::Outward;
use anyhow::Context as _;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::{Accounts, Vault};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::admission::Admission;
use crate::rpc::SocketRules;
use crate::store::{Store, StoreConfig};
use crate::work::{Dispatcher, Runner};

pub(crate) use bridge::{id_in_name, room_of};
pub use channels::{Channels, names_unknown_owner};

pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub vault: Arc<Vault>,
    pub accounts: Arc<Accounts>,
    pub hub: hub::Hub,
    /// How many connections there may be.
    pub descriptors: hub::Descriptors,
    /// What strangers and callers may take before and while they are answered.
    pub admission: Admission,
    pub channels: Channels,
    /// What each tenant's webhooks may take at a time.
    pub shares: crate::http::share::Shares,
    /// Offers turns to responders, and knows who holds which lease.
    pub dispatcher: Arc<Dispatcher>,
    /// For calls to providers: bounded in time, follows no redirects, reaches what its `outward` lets it reach.
    pub http: adapters::Client,
    /// When a commit was last seen by who asks whether the server is ready.
    pub committed: tokio::sync::Mutex<Option<Instant>>,
    /// Cancelled when the process should finish what it does and take nothing new.
    pub soft: CancellationToken,
    /// Cancelled when it should drop what it does.
    pub hard: CancellationToken,
    pub tasks: TaskTracker,
    pub started_at_ms: i64,
    /// What browsers know the installation by.
    pub installation: String,
}

/// File descriptors that are kept from connections, beside those of the database: calls to providers and responders,
/// files of media, names to be resolved.
const OWN_DESCRIPTORS: usize = 64;
/// And those that webhooks and other requests find when sockets have taken all that they may.
const REQUEST_DESCRIPTORS: usize = 64;

/// How long a stop waits for tasks that were told to drop what they do.
const DROP_WAIT: Duration = Duration::from_secs(1);
/// And for a database that may be gone: to take back leases, which end by themselves, and to close. What was answered
/// is committed.
const HAND_BACK_WAIT: Duration = Duration::from_secs(2);
const CLOSE_WAIT: Duration = Duration::from_secs(5);

pub type AppState = Arc<App>;

impl App {
    /// Opens everything and starts the workers. The HTTP listener is the caller's.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<AppState> {
        let outward = config.outward();
        Self::start_with(config, clock, outward).await
    }

    /// As [`Self::start`], with another idea of whom it may call than the configuration's.
    pub async fn start_with(config: Config, clock: Clock, outward: Outward) -> anyhow::Result<AppState> {
        let config = Arc::new(config);
        let own_descriptors = OWN_DESCRIPTORS + config.database_connections as usize;
        let descriptors = hub::Descriptors::raise(own_descriptors, REQUEST_DESCRIPTORS);
        let bridge = Arc::new(bridge::Bridge::default());
        let store_config =
            StoreConfig { url: config.database_url.clone(), connections: config.database_connections };
        let store = Store::open(&store_config, clock, Arc::clone(&bridge) as _).await.with_context(|| {
            format!(
                "database_url: cannot open the store ({:?})",
                crate::store::Engine::of(&config.database_url)
            )
        })?;
        let vault = Arc::new(installation::vault(&config, &store).await?);
        let accounts = Arc::new(Accounts::new(store.clone(), &vault, &config)?);
        let installation = store.read(crate::store::sessions::Installation).await?;
        let channels = Channels::new(store.clone(), Arc::clone(&vault));
        let http = adapters::http_client(Duration::from_millis(config.provider_timeout_ms), &outward)
            .context("the HTTP client")?;
        let dispatcher = Arc::new(Dispatcher::new(store.clone(), channels.clone()));
        let rules = SocketRules::new(store.clone(), Arc::clone(&accounts), Arc::clone(&dispatcher), outward);
        let rules = Arc::new(rules);
        let log = Arc::new(log::FeedLog::new(store.clone()));
        let hub = hub::Hub::new(hub::HubConfig::default(), Arc::clone(&rules) as _, log);
        rules.attach(hub.clone());
        dispatcher.attach(hub.clone());

        let admission = Admission::new(&config);
        let started_at_ms = store.clock().now_ms();
        let app = Arc::new(Self {
            config,
            store,
            vault,
            accounts,
            hub,
            descriptors,
            admission,
            committed: tokio::sync::Mutex::default(),
            channels,
            shares: crate::http::share::Shares::default(),
            dispatcher,
            http,
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            tasks: TaskTracker::new(),
            started_at_ms,
            installation,
        });
        let runner = Runner::new();
        bridge.connect(&app, Arc::clone(&runner));
        app.tasks.spawn(Arc::clone(&app.dispatcher).run(app.soft.clone()));
        runner.start(&app);
        let watched = Arc::clone(&app);
        app.tasks.spawn(async move {
            let changed = |id| watched.rights_changed(id);
            watched.accounts.watch(watched.soft.clone(), changed).await;
        });
        Ok(app)
    }

    /// The rights of a user or a key changed: what is remembered is dropped, and live sessions come back
    /// with what they may do now.
    pub fn rights_changed(&self, id: uuid::Uuid) {
        self.accounts.forget(id);
        self.hub.disconnect_user(&id.to_string(), hub::CloseCode::FORCE_RECONNECT);
    }

    /// The two steps of a stop: finish within the grace, then drop. The listener follows the same tokens. Ends even if
    /// the database answers no more.
    pub async fn stop(&self) {
        let until = Instant::now() + Duration::from_millis(self.config.shutdown_grace_ms);
        if timeout(HAND_BACK_WAIT, self.dispatcher.hand_back()).await.is_err() {
            tracing::warn!("leases could not be given back in time; they end by themselves");
        }
        self.soft.cancel();
        self.hub.drain(until.saturating_duration_since(Instant::now())).await;
        self.tasks.close();
        if timeout_at(until, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "some work did not finish in time and is dropped");
        }
        self.hard.cancel();
        // What is dropped ends at its next await.
        let _ = timeout(DROP_WAIT, self.tasks.wait()).await;
        if timeout(CLOSE_WAIT, self.store.close()).await.is_err() {
            tracing::warn!("the database did not let go in time");
        }
    }
}
