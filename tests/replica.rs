//! A standby of PostgreSQL that answers lists: never with less than the primary, and whatever becomes of it, no request
//! fails.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use hubbub::clock::Clock;
use hubbub::doctor::{Level, examine};
use hubbub::growth::lead::ListLeads;
use hubbub::store::{Effects, Publisher, ReplicaConfig, ReplicaState, Standing, Store, StoreConfig};
use serde_json::{Value, json};

use crate::kit::node::until;
use crate::kit::postgres::{Cluster, dump_to, restore_dump};
use crate::kit::{Api, World, http};

const METRICS_TOKEN: &str = "0123456789abcdef";

/// A primary, a standby of it, and a server that works with both.
async fn start(lag_ms: u64) -> (Cluster, Cluster, World) {
    let (primary, standby) = tokio::task::spawn_blocking(|| {
        let primary = Cluster::start();
        let standby = primary.follower();
        (primary, standby)
    })
    .await
    .expect("they start");
    let database = primary.database();
    let replica = standby.address_of(&database);
    let world = World::on_configured(database, |config| {
        config.store.replica_url.clone_from(&replica);
        config.store.replica_lag_ms = lag_ms;
        config.metrics.token = METRICS_TOKEN.into();
    })
    .await;
    until("the replica", || state(&world).standing == Standing::Up).await;
    (primary, standby, world)
}

fn state(world: &World) -> ReplicaState {
    world.app.store.replica().expect("a replica")
}

/// Makes a link; whoever lists them then has it.
async fn make_link(api: &Api, world: &World) -> Value {
    let new = json!({ "tenant": world.tenant, "channel": world.bot.id, "name": "Autumn", "target": "@example_bot" });
    let (status, link) = api.post("/api/v1/links", &new).await;
    assert_eq!(status, 201, "{link}");
    let listed = links(api, world).await;
    assert!(listed.iter().any(|one| one["id"] == link["id"]), "{link} is not in {listed:?}");
    link
}

async fn links(api: &Api, world: &World) -> Vec<Value> {
    let (status, page) = api.get(&format!("/api/v1/links?tenant={}&limit=500", world.tenant)).await;
    assert_eq!(status, 200, "{page}");
    page["links"].as_array().expect("links").clone()
}

/// What is degraded; the server is ready all the same.
async fn degraded(world: &World) -> Value {
    let answer = http().get(world.url("/health/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.expect("JSON")["degraded"].clone()
}

/// What `hubbub doctor` says of a replica.
async fn judged(world: &World, replica: Option<&str>) -> (Level, String) {
    let mut config = (*world.app.config).clone();
    if let Some(url) = replica {
        config.store.replica_url = url.to_owned();
    }
    let mut found = examine(&config, &Clock::System, &["replica".to_owned()]).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found.remove(0);
    (found.level, found.what)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_from_the_replica_and_miss_nothing() {
    hubbub::telemetry::start_metrics();
    let (_primary, _standby, world) = start(5_000).await;
    let owner = world.api("owner@example.com").await;
    let before = state(&world);
    let mut link = Value::Null;
    for _ in 0..20 {
        link = make_link(&owner, &world).await;
    }
    let after = state(&world);
    assert_eq!((after.served - before.served, after.passed_on), (20, before.passed_on));

    // What is let in, and what is not: above all nothing that a live page goes on from.
    for number in 1..=3 {
        assert_eq!(world.hook(&world.bot, &World::update(number, 5_550_140, number, "lamps")).await, 200);
    }
    let conversation = owner.inbox().await.remove(0);
    let (id, contact) = (conversation["id"].as_str().expect("an id"), &conversation["contact"]["id"]);
    let (tenant, contact) = (world.tenant, contact.as_str().expect("an id"));
    let link = link["id"].as_str().expect("an id");
    for (path, from_replica) in [
        (format!("links?tenant={tenant}"), true),
        (format!("links/{link}/visits"), true),
        (format!("leads?tenant={tenant}"), true),
        (format!("search?q=lamps&tenant={tenant}"), true),
        ("contacts?q=Mira".to_owned(), true),
        (format!("integration-log?tenant={tenant}"), true),
        (format!("jobs/dead?tenant={tenant}"), true),
        (format!("channels/{}/health", world.bot.id), true),
        (format!("conversations/{id}/touches"), true),
        (format!("conversations/{id}/messages?before_seq=3"), true),
        (format!("conversations/{id}/messages"), false),
        (format!("conversations/{id}/messages?after_seq=1"), false),
        (format!("conversations/{id}"), false),
        (format!("contacts/{contact}"), false),
        ("inbox".to_owned(), false),
        ("inbox/counts".to_owned(), false),
        (format!("events?tenant={tenant}"), false),
        (format!("labels?tenant={tenant}"), false),
        (format!("users?tenant={tenant}"), false),
        ("channels".to_owned(), false),
        ("companies".to_owned(), false),
        ("me".to_owned(), false),
    ] {
        let before = state(&world);
        let (status, page) = owner.get(&format!("/api/v1/{path}")).await;
        assert_eq!(status, 200, "{path}: {page}");
        let after = state(&world);
        assert_eq!(
            (after.served > before.served, after.passed_on),
            (from_replica, before.passed_on),
            "{path}"
        );
    }
    let (_, older) = owner.get(&format!("/api/v1/conversations/{id}/messages?before_seq=3")).await;
    assert_eq!(older["messages"].as_array().map(Vec::len), Some(2), "{older}");
    // A refusal is an answer, too.
    let before = state(&world).served;
    assert_eq!(owner.get("/api/v1/contacts?q=M").await.0, 400);
    assert_eq!(state(&world).served, before + 1);
    // The snapshot of a socket, and what comes after it.
    let mut person = world.person("agent@example.com").await;
    let before = state(&world).served;
    assert_eq!(world.hook(&world.bot, &World::update(4, 5_550_140, 4, "and shades")).await, 200);
    assert_eq!(person.event("message.created").await["message"]["text"], "and shades");
    assert_eq!(state(&world).served, before);

    assert_eq!(degraded(&world).await, json!([]));
    let (level, what) = judged(&world, None).await;
    assert_eq!(level, Level::Ok, "{what}");
    // Of the servers of one address the standby is meant.
    let (server, _) = world.database.rsplit_once('/').expect("a name");
    let (_, standby) = world.app.config.store.replica_url.rsplit_once('@').expect("a user");
    let (level, what) = judged(&world, Some(&format!("{server},{standby}"))).await;
    assert_eq!(level, Level::Ok, "{what}");

    let text = http().get(world.url("/metrics")).bearer_auth(METRICS_TOKEN).send().await.expect("an answer");
    let text = text.text().await.expect("numbers");
    assert!(text.contains("hubbub_replica_up 1\n") && text.contains("hubbub_replica_lag_seconds "), "{text}");
    let served = format!("hubbub_replica_reads_total{{place=\"replica\"}} {}\n", state(&world).served);
    assert!(text.contains(&served), "{served} is not in {text}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_is_left_until_it_has_caught_up() {
    let (_primary, standby, world) = start(200).await;
    let owner = world.api("owner@example.com").await;
    standby.run_sql("select pg_wal_replay_pause()");
    // The first that is missing there is seen as well.
    for _ in 0..3 {
        make_link(&owner, &world).await;
    }
    until("a replica that is behind", || {
        let state = state(&world);
        state.standing == Standing::Behind && state.lag > Duration::from_millis(500)
    })
    .await;
    let before = state(&world);
    for _ in 0..3 {
        make_link(&owner, &world).await;
    }
    let after = state(&world);
    assert_eq!((after.served, after.passed_on - before.passed_on), (before.served, 3));
    assert_eq!(degraded(&world).await, json!(["replica"]));
    let (level, what) = judged(&world, None).await;
    assert!(level == Level::Warn && what.contains("200 ms"), "{what}");

    standby.run_sql("select pg_wal_replay_resume()");
    until("a replica that has caught up", || {
        let state = state(&world);
        state.standing == Standing::Up && state.lag == Duration::ZERO
    })
    .await;
    assert_eq!(links(&owner, &world).await.len(), 6);
    assert_eq!(degraded(&world).await, json!([]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_that_a_replica_is_killed() {
    loss(Cluster::die).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_that_a_replica_hangs() {
    loss(Cluster::freeze).await;
}

/// Lists are read all the time while the replica is lost.
async fn loss(lose: fn(&mut Cluster)) {
    let (_primary, mut standby, world) = start(500).await;
    let owner = world.api("owner@example.com").await;
    make_link(&owner, &world).await;
    let stopping = AtomicBool::new(false);
    let (world, owner, stopping) = (&world, &owner, &stopping);
    let readers = (0..4).map(|_| async move {
        let mut read = 0;
        while !stopping.load(SeqCst) {
            assert_eq!(links(owner, world).await.len(), 1);
            read += 1;
        }
        read
    });
    let fall = async {
        let served = state(world).served;
        until("reads of the replica", || state(world).served > served + 20).await;
        let standby = tokio::task::spawn_blocking(move || {
            lose(&mut standby);
            standby
        });
        let standby = standby.await.expect("it is lost");
        until("a lost replica", || matches!(state(world).standing, Standing::Away(_))).await;
        let passed_on = state(world).passed_on;
        until("reads of the primary", || state(world).passed_on > passed_on + 20).await;
        stopping.store(true, SeqCst);
        standby
    };
    let (read, _standby) = tokio::join!(join_all(readers), fall);
    assert!(read.iter().all(|read| *read > 0), "{read:?}");
    assert_eq!(judged(world, None).await.0, Level::Fail);
    world.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_nobody_or_another_is_no_replica() {
    let (_primary, standby, world) = start(200).await;
    let owner = world.api("owner@example.com").await;
    make_link(&owner, &world).await;

    // A standby whose primary has the same rows, and is not the one that is written to.
    let database = world.database.clone();
    let other = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dump");
        dump_to(&database, &file);
        let primary = Cluster::start();
        let copy = primary.database();
        restore_dump(&file, &copy);
        let standby = primary.follower();
        let url = standby.address_of(&copy);
        (primary, standby, url)
    });
    let (_other, _its_standby, url) = other.await.expect("a copy");
    let (level, what) = judged(&world, Some(&url)).await;
    assert!(level == Level::Fail && what.contains("another installation, cluster"), "{what}");
    let lag = Duration::from_millis(200);
    let config = StoreConfig {
        replica: Some(ReplicaConfig { url, lag }),
        ..StoreConfig::new(world.database.clone(), 2)
    };
    let store = Store::open(&config, Clock::System, Arc::new(Nobody)).await.expect("a store");
    let state_of = |store: &Store| store.replica().expect("a replica");
    until("a refusal", || state_of(&store).standing == Standing::Foreign).await;
    let verb = ListLeads { scope: world.scope(), before: None, limit: 10 };
    assert!(store.read_anywhere(verb).await.expect("leads").is_empty());
    let refused = state_of(&store);
    assert_eq!((refused.served, refused.passed_on), (0, 1));
    store.close().await;

    // A standby that takes writes of its own from now on.
    let promoted = tokio::task::spawn_blocking(move || {
        standby.promote();
        standby
    });
    let _promoted = promoted.await.expect("it is promoted");
    make_link(&owner, &world).await;
    until("a refusal", || state(&world).standing == Standing::NotStandby).await;
    let served = state(&world).served;
    make_link(&owner, &world).await;
    assert_eq!(state(&world).served, served);
    assert_eq!(degraded(&world).await, json!(["replica"]));
    let (level, what) = judged(&world, None).await;
    assert!(level == Level::Fail && what.contains("promoted"), "{what}");
    world.finish().await;
}

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}
