//! What becomes of messages when the PostgreSQL server that takes writes is lost under load, and a standby takes over.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::invariants::timelines;
use crate::kit::postgres::Cluster;
use crate::kit::{Client, PATIENCE, World, http};

/// How the first server is lost.
#[derive(Clone, Copy, PartialEq)]
enum Loss {
    Killed,
    /// It stands still with its connections open: nobody is told.
    Frozen,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_server_that_was_killed() {
    take_over(Loss::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_server_that_hangs() {
    take_over(Loss::Frozen).await;
}

/// Eight customers write all the time, and their provider goes on to the next message when the last one was taken.
async fn take_over(loss: Loss) {
    let mut primary = Cluster::start();
    let standby = primary.standby();
    let database = primary.database_on_both(&standby);
    // The standby is synchronous, which the operator says in one of the cases.
    let is_told = loss == Loss::Frozen;
    let world = World::on_configured(database, |config| {
        config.store.database_timeout_s = 2;
        config.store.lossless_failover = is_told;
    })
    .await;
    let room = format!("tenant:{}", world.tenant);
    let token = world.api("agent@example.com").await.token.clone();
    let seen = world.person("agent@example.com").await.recovered(&room).clone();
    let (offset, epoch) = (seen["offset"].as_u64().unwrap_or(0), seen["epoch"].as_str().expect("an epoch"));
    let stopping = AtomicBool::new(false);
    let taken = AtomicU64::new(0);
    let (world, stopping, taken) = (&world, &stopping, &taken);
    let customers = (0..8).map(|chat| async move {
        let mut number = 0;
        while !stopping.load(SeqCst) {
            let update =
                World::update(chat * 1_000_000 + number, 5550180 + chat, number + 1, &number.to_string());
            match world.hook(&world.bot, &update).await {
                200 => {
                    number += 1;
                    taken.fetch_add(1, SeqCst);
                }
                503 => tokio::time::sleep(Duration::from_millis(20)).await,
                status => panic!("{status} for update {number}"),
            }
        }
        number
    });
    let reached = async |count| {
        while taken.load(SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let fall = async {
        reached(100).await;
        let servers = tokio::task::spawn_blocking(move || {
            match loss {
                Loss::Killed => primary.die(),
                Loss::Frozen => primary.freeze(),
            }
            standby.promote();
            (primary, standby)
        });
        let servers = servers.await.expect("the standby takes over");
        let promoted = Instant::now();
        let before = taken.load(SeqCst);
        reached(before + 1).await;
        let first = promoted.elapsed();
        reached(before + 100).await;
        eprintln!("after the promotion: a message in {first:.1?}, 100 in {:.1?}", promoted.elapsed());
        stopping.store(true, SeqCst);
        servers
    };
    let (mut taken, _servers) = tokio::join!(join_all(customers), fall);
    let mut stored: Vec<_> = timelines(world).await.into_values().map(|texts| texts.len() as i64).collect();
    stored.sort_unstable();
    taken.sort_unstable();
    assert_eq!(stored, taken, "each message that was acknowledged, once");
    // Whoever was away goes on only where nothing can have been lost. A room that nobody is in tells its former epoch until the
    // feed is looked at again.
    loop {
        let back = Client::resume(world.address, &token, &room, (offset, epoch.to_owned())).await;
        let sub = back.recovered(&room);
        assert_eq!(sub["was_recovering"], true, "{sub}");
        assert_eq!(sub["recovered"].as_bool(), is_told.then_some(true), "{sub}");
        if (sub["epoch"] == epoch) == is_told {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.app.stop().await;
}

/// A primary that takes no writes any more keeps its connections, and goes on to answer reads, of the past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_was_fenced_is_left_by_writers_and_readers() {
    let primary = Cluster::start();
    let standby = primary.standby();
    let world = World::on(primary.database_on_both(&standby)).await;
    let agent = world.api("agent@example.com").await;
    assert_eq!(world.hook(&world.bot, &World::update(1, 5550180, 1, "before")).await, 200);
    let conversation = agent.inbox().await.remove(0);
    let messages = format!("/api/v1/conversations/{}/messages", conversation["id"].as_str().expect("an id"));
    // Connections of both pools, to the primary.
    join_all((0..8).map(|_| agent.get(&messages))).await;
    let servers = tokio::task::spawn_blocking(move || {
        primary.run_sql("alter system set default_transaction_read_only = on");
        primary.run_sql("select pg_reload_conf()");
        standby.promote();
        (primary, standby)
    });
    let (primary, _standby) = servers.await.expect("the standby takes over");
    let mut number = 1;
    let left = async {
        loop {
            number += 1;
            let text = format!("after {number}");
            let taken = world.hook(&world.bot, &World::update(number, 5550180, number, &text)).await;
            let (status, page) = agent.get(&messages).await;
            let is_seen = status == 200
                && page["messages"].as_array().is_some_and(|all| all.iter().any(|one| one["text"] == text));
            let is_left = || {
                primary.holds("(select count(*) = 0 from pg_stat_activity where application_name = 'hubbub')")
            };
            if taken == 200 && is_seen && is_left() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, left).await.expect("everybody goes to the new primary");
    let ready = http().get(world.url("/health/ready")).send().await.expect("an answer");
    assert_eq!(ready.status(), 200);
    world.app.stop().await;
}
