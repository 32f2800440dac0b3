//! MongoDB is away: nobody waits for it, it is seen, and what it missed follows.

use std::sync::Arc;
use std::time::Duration;

use hubbub::error::Error;
use hubbub::history::{End, History, Wanted};
use hubbub::store::{Engine, Store, Tx, Verb, events, retention};
use hubbub::work::HistoryFeed;
use hubbub::work::consumers::step;
use uuid::Uuid;

use super::server::MongoServer;
use crate::kit::{PATIENCE, World, size};

/// Whether the history has all of a tenant's events.
struct HasAll(Uuid);

impl Verb for HasAll {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let sql = "select state, cursor_at from consumer_cursors where tenant = $1 and consumer = 'history'";
        let place: Option<(String, i64)> = tx.one(sql, &[self.0.into()]).await?;
        let top = events::top(tx, self.0).await?;
        Ok(place.is_some_and(|(state, cursor)| state == "following" && cursor == top))
    }
}

pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::time::timeout(2 * PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

pub async fn caught_up(store: &Store, tenant: Uuid) {
    until("the history to follow", async || store.read(HasAll(tenant)).await.expect("a place")).await;
}

/// Both have the same messages of all conversations.
async fn are_same(world: &World, conversations: usize) -> usize {
    let api = world.api("owner@example.com").await;
    let rows = api.inbox().await;
    assert_eq!(rows.len(), conversations);
    let mut count = 0;
    for row in rows {
        let conversation = row["id"].as_str().expect("an id").parse().expect("an id");
        let wanted = Wanted {
            tenant: world.tenant,
            conversation,
            after: 0,
            before: i64::MAX,
            end: End::Oldest,
            limit: 1_000,
        };
        let stored = world.app.store.read(wanted).await.expect("a page");
        let kept = world.app.history.page(wanted).await.expect("a page");
        assert_eq!(stored, kept);
        count += stored.messages.len();
    }
    count
}

async fn is_degraded(world: &World) -> bool {
    let answer = crate::kit::http().get(world.url("/health/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "the server works all the same");
    let health: serde_json::Value = answer.json().await.expect("JSON");
    health["degraded"] == serde_json::json!(["history"])
}

fn lag() -> Option<f64> {
    let text = hubbub::telemetry::render_metrics();
    let line =
        text.lines().find(|line| line.starts_with("hubbub_consumer_lag_events{consumer=\"history\"}"))?;
    line.rsplit(' ').next()?.parse().ok()
}

async fn an_outage_under_load(engine: Engine) {
    let Some(mut server) = MongoServer::start() else { return };
    let config = server.config();
    let world = World::configured(engine, |all| all.history = config.clone()).await;
    let says = async |from: i64, to: i64| {
        for at in from..to {
            let update = World::update(100 + at, 5_550_001 + at % 3, 10 + at, &format!("lamp {at}"));
            assert_eq!(world.hook(&world.bot, &update).await, 200);
        }
    };
    says(0, 30).await;
    caught_up(&world.app.store, world.tenant).await;
    assert!(!is_degraded(&world).await);
    // Killed in the middle of what it takes in.
    let rounds = size(1, 2) as i64;
    for round in 0..rounds {
        let from = 30 + round * 60;
        says(from, from + 20).await;
        server.kill();
        let begun = std::time::Instant::now();
        says(from + 20, from + 60).await;
        assert!(begun.elapsed() < Duration::from_secs(30), "messages do not wait for it");
        until("it is told", async || is_degraded(&world).await && lag().is_some_and(|lag| lag > 0.0)).await;
        server.start_again();
        caught_up(&world.app.store, world.tenant).await;
        until("no lag", async || lag() == Some(0.0)).await;
        assert!(!is_degraded(&world).await);
    }
    let all = 30 + 60 * rounds as usize;
    assert_eq!(are_same(&world, 3).await, all);
    if let History::Mongo(mongo) = &world.app.history {
        let sizes = mongo.inner().sizes(world.tenant).await.expect("sizes");
        let bytes: usize = sizes.iter().map(|(_, bytes)| bytes).sum();
        println!("{} documents, {} bytes a message of 8 signs", sizes.len(), bytes / all);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_waits_for_it_and_what_it_missed_follows() {
    hubbub::telemetry::start_metrics();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        Box::pin(an_outage_under_load(engine)).await;
    }
}

/// Removes events as the retention does, also those that nobody has seen.
struct Trim(Uuid);

impl Verb for Trim {
    type Out = u64;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let before = tx.now() + 1_000;
        Ok(retention::remove_events(tx, self.0, before, -60_000, 40).await?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_built_from_the_store_at_first_and_when_events_are_gone() {
    let Some(server) = MongoServer::shared() else { return };
    let world = World::start(Engine::Postgres).await;
    let (store, tenant) = (world.app.store.clone(), world.tenant);
    let history = server.history(&store).await;
    let feed = Arc::new(HistoryFeed(history.clone()));
    let says = async |from: i64, to: i64| {
        for at in from..to {
            let update = World::update(100 + at, 5_550_001, 10 + at, &format!("lamp {at}"));
            assert_eq!(world.hook(&world.bot, &update).await, 200);
        }
    };
    let through = async || while step(&store, &feed, tenant).await.expect("a step").more {};
    let same = async |count: usize| {
        let api = world.api("owner@example.com").await;
        let row = api.inbox().await.remove(0);
        let conversation = row["id"].as_str().expect("an id").parse().expect("an id");
        let (after, before, end, limit) = (0, i64::MAX, End::Oldest, 1_000);
        let wanted = Wanted { tenant, conversation, after, before, end, limit };
        let kept = history.page(wanted).await.expect("a page");
        assert_eq!(kept, store.read(wanted).await.expect("a page"));
        assert_eq!(kept.messages.len(), count);
    };
    // An installation that has been there for a while.
    says(0, 140).await;
    through().await;
    same(140).await;
    says(140, 150).await;
    while store.write(Trim(tenant)).await.expect("trimmed").value > 0 {}
    through().await;
    same(150).await;
    let again = History::open(&world.app.config.history, &store).await.expect("the store");
    assert!(!again.is_beside(), "without an address the store has all");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_asks_it() {
    use hubbub::clock::Clock;
    use hubbub::doctor::{Level, examine};

    let Some(server) = MongoServer::shared() else { return };
    let world = World::start(Engine::Sqlite).await;
    let mut config = (*world.app.config).clone();
    let only = ["history".to_owned()];
    let found = examine(&config, &Clock::System, &only).await;
    assert!(found[0].level == Level::Ok && found[0].what.contains("none"), "{found:?}");
    config.history = server.config();
    let found = examine(&config, &Clock::System, &only).await;
    assert!(found[0].level == Level::Ok && found[0].what.contains("MongoDB"), "{found:?}");
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    config.history.url = format!("mongodb://ann:hush@{nobody}/?directConnection=true");
    let found = examine(&config, &Clock::System, &only).await;
    assert!(found[0].level == Level::Fail && found[0].what.contains(&nobody.to_string()), "{found:?}");
    assert!(!format!("{found:?}").contains("hush"), "{found:?}");
    world.finish().await;
}
