//! Which of several Redis servers a bus reaches: the master that Sentinels name, and no replica.

use std::time::Duration;

use hub::{Bus, Descriptors, HubConfig, RedisBus};

use crate::{
    bus::redis::Redis,
    support::{Server, config, wait_for},
};

fn bus(url: &str) -> RedisBus {
    RedisBus::new(url, "test").unwrap().probing(Duration::from_millis(50), Duration::from_secs(15))
}

async fn node(bus: RedisBus) -> Server {
    let log = Server::with(config()).await.log.clone();
    let config = HubConfig { bus: Bus::Redis(bus), node: "a".to_owned(), ..config() };
    Server::on(log, config, Descriptors::raise(0, 0)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_lead_to_the_master() {
    let Some(redis) = Redis::start() else { return };
    let Some(sentinel) = Redis::sentinel_of(&redis, "") else { return };
    let url = format!("{}/main", sentinel.url().replace("redis://", "redis-sentinel://"));
    bus(&url).ask("a").await.unwrap();
    let node = node(bus(&url)).await;
    wait_for("a path", || node.hub.path().is_some_and(|path| path.is_up())).await;
    let unknown = bus(&url.replace("/main", "/other")).ask("a").await;
    assert!(unknown.is_err());
}

#[tokio::test]
async fn sentinels_may_have_a_password_of_their_own() {
    let Some(redis) = Redis::with(["--requirepass", "of-servers"].map(str::to_owned).to_vec()) else {
        return;
    };
    let settings = "requirepass of@sentinels\nsentinel auth-pass main of-servers";
    let Some(sentinel) = Redis::sentinel_of(&redis, settings) else { return };
    let url = format!("{}/main", sentinel.url().replace("redis://", "redis-sentinel://:of-servers@"));
    bus(&format!("{url}?sentinel_password=of%40sentinels")).ask("a").await.unwrap();
    for wrong in ["", "?sentinel_password=of-servers"] {
        let refused = bus(&format!("{url}{wrong}")).ask("a").await.unwrap_err();
        assert!(!refused.contains("of-servers"), "{refused}");
    }
}

/// What is published there comes to nobody else, while a probe of the node itself would come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_no_bus() {
    let Some(master) = Redis::start() else { return };
    let port = master.url().rsplit(':').next().unwrap().to_owned();
    let follows = ["--replicaof", "127.0.0.1", &port].map(str::to_owned).to_vec();
    let Some(replica) = Redis::with(follows) else { return };
    let refused = bus(&replica.url()).ask("a").await.unwrap_err();
    assert!(refused.contains("replica"), "{refused}");
    let node = node(bus(&replica.url())).await;
    // As by a person who promotes it.
    replica.command("REPLICAOF NO ONE");
    wait_for("a path", || node.hub.path().unwrap().is_up()).await;
    // And made a replica again, by which its connections are not cut.
    replica.command(&format!("REPLICAOF 127.0.0.1 {port}"));
    wait_for("the loss of the path", || !node.hub.path().unwrap().is_up()).await;
}

/// Who may connect may yet have no right to channels.
#[tokio::test]
async fn a_server_is_asked_whether_it_carries() {
    let user = ["--user", "deaf", "on", ">secret", "~*", "+@all", "resetchannels"].map(String::from).to_vec();
    let Some(redis) = Redis::with(user) else { return };
    assert!(RedisBus::new(&redis.url(), "test").unwrap().ask("a").await.is_ok());
    let url = redis.url().replace("redis://", "redis://deaf:secret@");
    let refused = RedisBus::new(&url, "test").unwrap().ask("a").await.unwrap_err();
    assert!(refused.contains("permission"), "{refused}");
}

#[test]
fn a_url_that_is_none_is_refused_with_a_reason() {
    let refused = RedisBus::new("cache.example.com:6379", "test").err().unwrap();
    assert!(refused.contains("redis://"), "{refused}");
}
