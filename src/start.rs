//! Builds the parts of the application in this order: store (migrated), accounts, hub, workers. The caller opens the
//! listener.
//!
//! The store's publisher is connected to the hub later: it is passed when the store opens, before there is anything to
//! publish to.

mod beat;
mod bridge;
mod join;
mod log;
mod notices;

use std::sync::{Arc, Weak};
use std::time::Duration;

use adapters::Outward;
use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::Accounts;
use crate::admission::origins::Pages;
use crate::admission::untrusted::Untrusted;
use crate::admission::{Admission, WebhookShares};
use crate::app::{App, AppState, installation};
use crate::channels::{AppCache, ChannelCache};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::files::Files;
use crate::history::History;
use crate::rpc::SocketRules;
use crate::store::jobs::ClaimIds;
use crate::store::{Engine, ReplicaConfig, Store, StoreConfig, sessions};
use crate::telemetry::traces;
use crate::vault::{BusSeal, token_digest};
use crate::work::{self, Consumers, Dispatcher, Hearing, NodeWatch, Runner, Sends, Typing};

/// File descriptors that connections cannot take, beside those of the database: for calls to providers and responders,
/// media files and name lookups.
const OWN_DESCRIPTORS: usize = 64;
/// File descriptors that WebSockets cannot take, so that webhooks and other requests are still accepted.
const REQUEST_DESCRIPTORS: usize = 64;

impl App {
    /// Opens the store and starts the workers. The caller opens the HTTP listener.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<AppState> {
        let outward = config.outward();
        Self::start_with(config, clock, &outward).await
    }

    /// As [`Self::start`], with another policy for outgoing calls than the configuration's.
    pub async fn start_with(config: Config, clock: Clock, outward: &Outward) -> anyhow::Result<AppState> {
        let config = Arc::new(config);
        traces::start(&config)?;
        let store_config = store_config(&config);
        let of_replica = store_config.replica.as_ref().map_or(0, |_| store_config.replica_connections() + 1);
        let own_descriptors = OWN_DESCRIPTORS + (store_config.connections + of_replica) as usize;
        let descriptors = hub::Descriptors::raise(own_descriptors, REQUEST_DESCRIPTORS);
        let bridge = Arc::new(bridge::Bridge::default());
        let opening = Box::pin(Store::open(&store_config, clock, Arc::clone(&bridge) as _));
        let store = opening.await.with_context(|| {
            format!("database_url: cannot open the store ({:?})", Engine::of(&config.store.database_url))
        })?;
        let vault = Arc::new(installation::vault(&config, &store).await?);
        let files = Files::open(&config, &vault)?;
        let engine = hub::HubConfig::default();
        let nodes = Arc::new(NodeWatch::new(engine.node.parse().context("the name of this node")?));
        let retained = Arc::new(work::Retained::default());
        let history = Box::pin(History::open(&config.history, &store)).await?;
        let accounts = Arc::new(Accounts::new(store.clone(), &vault, &config)?);
        let installation = store.read(sessions::Installation).await?;
        let http = adapters::http_client(Duration::from_millis(config.calls.provider_timeout_ms), outward)
            .context("the HTTP client")?;
        let channels = ChannelCache::new(store.clone(), Arc::clone(&vault), http.clone());
        let apps = AppCache::new(store.clone(), Arc::clone(&vault));
        let (admission, pages) = (Admission::new(&config), Pages::of(&config));
        let typing = Arc::new(Typing::new(store.clone(), channels.clone(), http.clone()));
        let hearing = Arc::new(Hearing::new(store.clone(), channels.clone(), http.clone()));
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        let (tasks, sends) = (TaskTracker::new(), Sends::default());
        let env = work::Env {
            config: Arc::clone(&config),
            store: store.clone(),
            channels: channels.clone(),
            files: files.clone(),
            history: history.clone(),
            http: http.clone(),
            chat_paces: work::ChatPaces::default(),
            human_paces: work::HumanPaces::default(),
            nodes: Arc::clone(&nodes),
            sends: sends.clone(),
            retained: Arc::clone(&retained),
            soft: soft.clone(),
            hard: hard.clone(),
            tasks: tasks.clone(),
        };
        work::count_from_zero();
        let started_at_ms = store.clock().now_ms();
        let bus_seal = Arc::new(vault.bus_seal()?);
        let place = store.read(sessions::Place).await?;
        let bus = bus(&config, &installation, &place, &bus_seal)?;
        // The last thing that may refuse the start: whoever is in the list runs.
        let node = Box::pin(join::join(nodes.id, &config, &store, &files.libraries, &vault)).await?;
        // A cycle: the hub calls the rules, the rules refer to the application, and the application owns the hub.
        let app = Arc::new_cyclic(|app| {
            let log = Arc::new(log::FeedLog::new(store.clone()));
            let noticed = Arc::clone(&bridge);
            let noticed = Box::new(move |notice: &[u8]| noticed.noticed(notice));
            let rules = Arc::new(SocketRules::new(Weak::clone(app), noticed));
            let traces = traces::listener(&engine.node);
            let hub = hub::Hub::new(hub::HubConfig { bus, traces, ..engine }, rules, log);
            let dispatcher = Dispatcher::new(store.clone(), channels.clone(), hub.clone());
            Self {
                config,
                store,
                vault,
                bus_seal,
                accounts,
                hub,
                descriptors,
                admission,
                pages,
                untrusted: Untrusted::default(),
                typing,
                hearing,
                committed: tokio::sync::Mutex::default(),
                channels,
                files,
                history,
                apps,
                pairings: Arc::default(),
                webhook_shares: WebhookShares::default(),
                dispatcher: Arc::new(dispatcher),
                consumers: Consumers::default(),
                http,
                sends,
                soft,
                hard,
                tasks,
                nodes,
                retained,
                beat: TaskTracker::new(),
                started_at_ms,
                installation,
                busy_told: work::BusyTold::default(),
            }
        });
        let runner = Runner::new(ClaimIds::of(app.nodes.id));
        bridge.connect(&app, Arc::clone(&runner));
        app.tasks.spawn(Arc::clone(&app.dispatcher).run(app.soft.clone()));
        app.tasks.spawn(Arc::clone(&app.typing).run(Arc::clone(&app.dispatcher), app.soft.clone()));
        app.tasks.spawn(Arc::clone(&app.hearing).run(app.soft.clone()));
        if app.history.is_beside() {
            let (history, soft) = (app.history.clone(), app.soft.clone());
            app.tasks.spawn(async move { soft.run_until_cancelled(history.watch()).await });
        }
        app.beat.spawn(beat::run(Arc::clone(&app), node));
        let env = Arc::new(env);
        app.consumers.start(&env);
        runner.start(env);
        let watched = Arc::clone(&app);
        app.tasks.spawn(async move {
            let changed = |id| watched.rights_changed(id);
            watched.accounts.watch(watched.soft.clone(), changed).await;
        });
        Ok(app)
    }
}

fn store_config(config: &Config) -> StoreConfig {
    let store = &config.store;
    let lag = Duration::from_millis(store.replica_lag_ms);
    let replica = ReplicaConfig { url: store.replica_url.clone(), lag };
    StoreConfig {
        url: store.database_url.clone(),
        connections: store.database_connections,
        timeout: Duration::from_secs(store.database_timeout_s),
        lossless_failover: store.lossless_failover,
        replica: Some(replica).filter(|replica| !replica.url.is_empty()),
    }
}

/// How this node reaches the others.
fn bus(config: &Config, installation: &str, place: &str, seal: &Arc<BusSeal>) -> anyhow::Result<hub::Bus> {
    let config::Bus { url, prefix } = &config.bus;
    if url.is_empty() {
        return Ok(hub::Bus::local());
    }
    // A copy of the installation in another database has its identity.
    let place = &token_digest(place)[..12];
    let prefix = if prefix.is_empty() { format!("hubbub:{installation}:{place}") } else { prefix.clone() };
    let redis = hub::RedisBus::new(url, prefix).map_err(|why| anyhow::anyhow!("bus.url: {why}"))?;
    Ok(hub::Bus::Redis(redis.sealed(Arc::clone(seal) as _)))
}
