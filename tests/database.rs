//! What becomes of the messages and of those who look on when PostgreSQL is restarted or replaced under a server that runs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use hubbub::clock::Clock;
use hubbub::error::Error;
use hubbub::store::{Effects, Engine, Publisher, Store, StoreConfig, Tx, Verb};
use serde_json::json;
use tokio::time::Instant;

use crate::invariants::{feed, timelines};
use crate::kit::postgres::{Cluster, database, execute};
use crate::kit::{Client, PATIENCE, World};

/// What a webhook is answered 2xx for is in its conversation, not among the bodies that somebody has to look at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_restarts_loses_nothing() {
    let mut cluster = Cluster::start();
    let world = World::on(cluster.database()).await;
    let mut manager = world.person("agent@example.com").await;
    let start = manager.recovered(&format!("tenant:{}", world.tenant))["offset"].as_u64().expect("an offset");
    let stopping = AtomicBool::new(false);
    let restarts = async {
        let twice = tokio::task::spawn_blocking(move || {
            cluster.restart();
            cluster.restart();
            cluster
        });
        let cluster = twice.await.expect("it restarts");
        stopping.store(true, SeqCst);
        cluster
    };
    let (world, stopping) = (&world, &stopping);
    // Each customer's provider goes on to the next message when the last one was taken.
    let customers = (0..8).map(|chat| async move {
        let mut number = 0;
        while !stopping.load(SeqCst) || number < 5 {
            let update =
                World::update(chat * 1_000_000 + number, 5550180 + chat, number + 1, &number.to_string());
            match world.hook(&world.bot, &update).await {
                200 => number += 1,
                503 => {}
                status => panic!("{status} for update {number}"),
            }
        }
        number
    });
    let (taken, _cluster) = tokio::join!(join_all(customers), restarts);
    let mut stored: Vec<_> = timelines(world).await.into_values().collect();
    let mut expected: Vec<_> =
        taken.iter().map(|number| (0..*number).map(|n| n.to_string()).collect::<Vec<_>>()).collect();
    stored.sort();
    expected.sort();
    assert_eq!(stored, expected);
    // Nor does anybody who looks on miss one, though no word came of what was committed as the connection broke.
    assert_eq!(world.hook(&world.bot, &World::update(9_000_000, 5550190, 1, "the last")).await, 200);
    let events = feed(world).await.len() as u64;
    let mut seen = Vec::new();
    while seen.last() != Some(&events) {
        let event = manager.publication(|data| data["cursor"].is_u64()).await;
        seen.push(event["cursor"].as_u64().expect("a cursor"));
    }
    assert_eq!(seen, (start + 1..=events).collect::<Vec<_>>());
    world.app.stop().await;
}

/// A database that takes over without the last commits gives their cursors to other events: who has seen the lost ones
/// must not go on from there, neither who was connected nor who was away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_lost_its_end_is_another_feed() {
    let mut cluster = Cluster::start();
    let world = World::on(cluster.database()).await;
    assert_eq!(world.hook(&world.bot, &World::update(1, 5550170, 1, "kept")).await, 200);
    cluster.keep();
    let says = async |number, text| {
        // The pool finds out by trying that its connections are gone.
        let body = World::update(number, 5550170, number, text);
        let taken = async { while world.hook(&world.bot, &body).await != 200 {} };
        tokio::time::timeout(PATIENCE, taken).await.expect("the webhook is taken");
    };
    says(2, "lost").await;

    let room = format!("tenant:{}", world.tenant);
    let mut there = world.person("agent@example.com").await;
    let seen = there.recovered(&room).clone();
    let position =
        (seen["offset"].as_u64().expect("an offset"), seen["epoch"].as_str().expect("an epoch").to_owned());
    cluster.fall_back();

    says(3, "something else").await;
    assert_eq!(there.closed().await.0, 3010, "who was there is told to begin again");
    let told = world.api("agent@example.com").await;
    let back = Client::resume(world.address, &told.token, &room, position.clone()).await;
    let sub = back.recovered(&room);
    assert_eq!((&sub["was_recovering"], sub.get("recovered")), (&json!(true), None), "{sub}");
    let epoch = sub["epoch"].as_str().expect("an epoch");
    assert_ne!(epoch, position.1);

    // The same with a server that knows of nothing, and in what the lists say of themselves.
    let world = world.restart().await;
    let api = world.api("agent@example.com").await;
    let back = Client::resume(world.address, &api.token, &room, position.clone()).await;
    assert_eq!(back.recovered(&room).get("recovered"), None);
    assert_eq!(back.recovered(&room)["epoch"], epoch);
    let (_, events) = api.get(&format!("/api/v1/events?tenant={}", world.tenant)).await;
    assert_eq!(events["epoch"], epoch);
    let (_, inbox) = api.get("/api/v1/inbox").await;
    assert_eq!(inbox["positions"][world.tenant.to_string()]["epoch"], epoch);
    assert_eq!(timelines(&world).await.into_values().collect::<Vec<_>>(), [["kept", "something else"]]);
    world.finish().await;
}

/// What a transaction of the server has for a setting.
struct Setting(&'static str);

impl Verb for Setting {
    type Out = String;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String, Error> {
        Ok(tx.one::<(String,)>(self.0, &[]).await?.expect("a value").0)
    }
}

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

async fn open(database: &str) -> Store {
    let config = StoreConfig::new(database.to_owned(), 2);
    Store::open(&config, Clock::System, Arc::new(Nobody)).await.expect("a store")
}

/// A role or a database may have defaults that are right for others who use them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defaults_of_the_role_change_nothing() {
    let cluster = Cluster::start();
    let database = cluster.database();
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "standard_conforming_strings = off",
        "idle_in_transaction_session_timeout = '1s'",
        "synchronous_commit = off",
        "lock_timeout = '1s'",
    ] {
        cluster.run_sql(&format!("alter role hub set {setting}"));
    }
    let store = open(&database).await;
    for (setting, expected) in [
        ("select current_setting('transaction_isolation')", "read committed"),
        ("select current_setting('standard_conforming_strings')", "on"),
        ("select current_setting('idle_in_transaction_session_timeout')", "1min"),
        ("select current_setting('synchronous_commit')", "on"),
        ("select current_setting('lock_timeout')", "5s"),
    ] {
        let written = store.write(Setting(setting)).await.expect("it is asked").value;
        assert_eq!(written, expected, "{setting}");
    }
    let read = store.read(Setting("select current_setting('transaction_isolation')")).await;
    assert_eq!(read.expect("it is asked"), "repeatable read");
    store.close().await;
}

/// A dump holds every table until it ends. A newer node that is started meanwhile waits for it, and whoever wants the table
/// after that one waits behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_does_not_keep_others_waiting() {
    const HELD_S: u64 = 12;
    let database = database();
    let world = World::on(database.clone()).await;
    assert_eq!(world.hook(&world.bot, &World::update(1, 5550180, 1, "before")).await, 200);
    // As before the migration 0016, which changes the table of tenants.
    execute(
        &database,
        "drop table left_messages; drop table history_looks; alter table tenants drop column history_days; \
         delete from migrations where version = 16",
    );
    let held = database.clone();
    let dump = tokio::task::spawn_blocking(move || {
        let reads = "begin; lock table tenants in access share mode; select pg_sleep";
        execute(&held, &format!("{reads}({HELD_S}); commit"));
    });
    let begun = Instant::now();
    // It has the table by then.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let newer = tokio::spawn(async move { open(&database).await.close().await });
    let (mut number, mut longest) = (1, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(HELD_S - 1) {
        number += 1;
        let asked = Instant::now();
        let body = World::update(number, 5550180, number, &number.to_string());
        assert_eq!(world.hook(&world.bot, &body).await, 200);
        longest = longest.max(asked.elapsed());
        assert!(!newer.is_finished(), "it waits for the dump");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(longest < Duration::from_secs(6), "a message waited for {longest:.1?}");
    dump.await.expect("it ends");
    tokio::time::timeout(PATIENCE, newer).await.expect("it is migrated").expect("it is opened");
    assert_eq!(world.hook(&world.bot, &World::update(number + 1, 5550180, number + 1, "after")).await, 200);
    world.app.stop().await;
}

/// How often a table was analyzed, but for what autovacuum did.
struct Analyzed(&'static str);

impl Verb for Analyzed {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let sql = "select analyze_count from pg_stat_user_tables where schemaname = current_schema() and relname = $1";
        Ok(tx.one::<(i64,)>(sql, &[self.0.into()]).await?.map_or(0, |(times,)| times))
    }
}

struct LeaveToUs(&'static str);

impl Verb for LeaveToUs {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let sql = format!("alter table {} set (autovacuum_enabled = false)", self.0).leak();
        tx.exec(sql, &[]).await?;
        Ok(())
    }
}

/// Before the planner knows a table, it looks through all contacts of the tenant for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_begin_to_fill_are_known_to_the_planner() {
    let world = World::start(Engine::Postgres).await;
    let tables = ["contacts", "identities", "conversations", "messages", "events"];
    for table in tables {
        world.app.store.write(LeaveToUs(table)).await.expect("a setting");
    }
    for n in 0..60 {
        assert_eq!(world.hook(&world.bot, &World::update(1 + n, 5550300 + n, 1, "hello")).await, 200);
    }
    let begun = Instant::now();
    for table in tables {
        while world.app.store.read(Analyzed(table)).await.expect("read") == 0 {
            assert!(begun.elapsed() < PATIENCE, "{table}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    world.finish().await;
}
