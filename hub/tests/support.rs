//! A server on a free port with the engine in it, and what tests read of it.

pub(crate) mod client;
pub(crate) mod deltas;
pub(crate) mod fossil;
pub(crate) mod protobuf;
pub(crate) mod rules;
pub(crate) mod socket;
pub(crate) mod streams;
pub(crate) mod tapelog;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::Request, routing::get};
use hub::{Descriptors, Hub, HubConfig, Limits, Publication, Stats, Tags};
use tokio::time::{Instant, sleep, timeout};

use self::{client::Client, rules::Rules, tapelog::TapeLog};

/// Longer than any awaited event takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Server {
    pub(crate) hub: Hub,
    pub(crate) rules: Arc<Rules>,
    pub(crate) log: Arc<TapeLog>,
    pub(crate) address: String,
}

pub(crate) fn config() -> HubConfig {
    HubConfig { room_linger: Duration::ZERO, position_check: None, ..HubConfig::default() }
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(config()).await
    }

    pub(crate) async fn with(config: HubConfig) -> Server {
        Server::behind(config, Descriptors::raise(0, 0)).await
    }

    pub(crate) async fn behind(config: HubConfig, descriptors: Descriptors) -> Server {
        Server::on(Arc::default(), config, descriptors).await
    }

    /// With a log that another node may have as well.
    pub(crate) async fn on(log: Arc<TapeLog>, config: HubConfig, descriptors: Descriptors) -> Server {
        let rules = Arc::new(Rules::default());
        let hub = Hub::new(config, rules.clone(), log.clone());
        let serving = hub.clone();
        let accept = async move |request: Request| socket::serve(serving.clone(), request, true);
        let app = Router::new()
            .route(socket::PATH, get(accept))
            .merge(streams::routes(hub.clone(), Limits::browser().max_frame_bytes));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/connection/websocket", listener.local_addr().unwrap());
        let door = socket::Door::new(listener, descriptors, hub.clone(), true).unwrap();
        tokio::spawn(async move { axum::serve(door, app).await });
        Server { hub, rules, log, address }
    }

    /// A socket that has sent nothing yet.
    pub(crate) async fn open(&self) -> Client {
        Client::open(&self.address).await
    }

    /// A connected client of this user.
    pub(crate) async fn client(&self, user: &str) -> Client {
        let mut client = self.open().await;
        client.connect(serde_json::json!({"user": user})).await;
        client
    }

    /// Appends to the room's log and publishes it.
    pub(crate) fn publish(&self, room: &str, data: &str) -> u64 {
        let publication = self.log.append(room, data, Tags::default());
        let offset = publication.offset;
        self.hub.publish(room, publication);
        offset
    }

    pub(crate) fn publish_tagged(&self, room: &str, data: &str, color: &str) -> Publication {
        let publication = self.log.append(room, data, [("color", color)].into_iter().collect());
        self.hub.publish(room, publication.clone());
        publication
    }

    /// Waits until the engine's counters are as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Stats) -> bool) {
        wait_for(what, || wanted(&self.hub.stats())).await;
    }

    /// No session, room member or call is left.
    pub(crate) async fn until_empty(&self) {
        let nothing =
            |s: &Stats| s.sessions + s.rooms + s.subscriptions + s.rpcs_running + s.queue_bytes == 0;
        self.until("an empty hub", nothing).await;
    }
}

pub(crate) async fn wait_for(what: &str, ready: impl Fn() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) async fn patient<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
