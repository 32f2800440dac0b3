//! Two engines with one log, joined by a bus. What holds for every bus is `on_each!`; the rest is about Redis going away.

#[path = "support/redis.rs"]
pub mod redis;
#[path = "support/redis_cluster.rs"]
mod redis_cluster;

use std::sync::Arc;
use std::time::Duration;

use hub::{Bus, Descriptors, HubConfig, Publication, RedisBus, Seal, Tags};
use serde_json::{Value, json};

use self::{redis::Redis, redis_cluster::Cluster};
use crate::{
    streams::http,
    support::{Server, client::Client, config, patient, wait_for},
};

/// Runs a test on each bus.
macro_rules! on_each {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn local() {
                let pair = Pair::joined(Bus::local(), None, slow_to_read()).await;
                let run = $body;
                run(pair).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                let Some(mut pair) = Pair::over_redis(slow_to_read()).await else { return };
                // A body captures only what it names.
                let redis = pair.redis.take();
                let run = $body;
                run(pair).await;
                drop(redis);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                let Some(cluster) = Cluster::start(false) else { return };
                let pair = Pair::over_cluster(&cluster, slow_to_read()).await;
                let run = $body;
                run(pair).await;
            }
        }
    };
}

/// The log is read when no more can be held, not because of a slow machine; and nobody tells who is where without being
/// asked.
fn slow_to_read() -> HubConfig {
    let presence_keep = Duration::from_hours(9);
    HubConfig { gap_wait: Duration::from_hours(1), gap_hold: 16, presence_keep, ..config() }
}

struct Pair {
    a: Server,
    b: Server,
    redis: Option<Redis>,
}

/// A probe may take long on a busy machine; `wait` is short where it is to fail.
fn over(redis: &Redis, wait: Duration) -> Bus {
    over_url(&redis.url(), wait)
}

fn over_url(url: &str, wait: Duration) -> Bus {
    let bus = RedisBus::new(url, "test").unwrap().probing(Duration::from_millis(50), wait);
    Bus::Redis(bus.sealed(Arc::new(Marked(b"ours"))))
}

/// Shows whether messages are sealed and opened, and for which channel.
struct Marked(&'static [u8; 4]);

impl Marked {
    fn mark(&self, channel: &str) -> Vec<u8> {
        [self.0, channel.as_bytes(), b"|"].concat()
    }
}

impl Seal for Marked {
    fn seal(&self, channel: &str, plain: Vec<u8>) -> Option<Vec<u8>> {
        Some([self.mark(channel), plain].concat())
    }

    fn open(&self, channel: &str, sealed: Vec<u8>) -> Option<Vec<u8>> {
        sealed.strip_prefix(&*self.mark(channel)).map(<[u8]>::to_vec)
    }
}

const LONG: Duration = Duration::from_secs(15);

impl Pair {
    async fn over_redis(config: HubConfig) -> Option<Pair> {
        Pair::probed(config, LONG).await
    }

    async fn probed(config: HubConfig, wait: Duration) -> Option<Pair> {
        let redis = Redis::start()?;
        let pair = Pair::joined(over(&redis, wait), Some(redis), config).await;
        pair.until_path("a path through Redis", true).await;
        Some(pair)
    }

    async fn over_cluster(cluster: &Cluster, config: HubConfig) -> Pair {
        let pair = Pair::joined(over_url(&cluster.url(), LONG), None, config).await;
        pair.until_path("a path through the cluster", true).await;
        pair
    }

    async fn joined(bus: Bus, redis: Option<Redis>, config: HubConfig) -> Pair {
        let never = Duration::from_hours(1);
        let base = HubConfig { watch: never, watch_broken: Duration::from_millis(30), ..config };
        let config = |node: &str| HubConfig { bus: bus.clone(), node: node.to_owned(), ..base.clone() };
        let a = Server::with(config("a")).await;
        let b = Server::on(Arc::clone(&a.log), config("b"), Descriptors::raise(0, 0)).await;
        Pair { a, b, redis }
    }

    async fn until_path(&self, what: &str, is_up: bool) {
        for server in [&self.a, &self.b] {
            wait_for(what, || server.hub.path().is_none_or(|path| path.is_up() == is_up)).await;
        }
    }

    /// Each gets by now what the other publishes to the topics that it holds: the bus has taken up one that it took later.
    /// A cluster takes up those that it learns of together in any order, the next ones after them.
    async fn settle(&self) {
        for (from, to) in [(&self.a, &self.b), (&self.b, &self.a)].repeat(2) {
            let topic = format!("settled{}", to.rules.noticed.lock().unwrap().len());
            let _held = to.hub.hold(&topic);
            let is_there = || {
                from.hub.notify(Some(&topic), "now".into());
                to.rules.noticed.lock().unwrap().iter().any(|(known, _)| *known == topic)
            };
            wait_for("the bus to take up a topic", is_there).await;
        }
    }
}

/// A client that sees who is in an ephemeral room.
async fn viewer(server: &Server, user: &str) -> Client {
    let mut client = server.client(user).await;
    let wish = json!({"presence": true, "ephemeral": true, "topic": "shop"});
    client.call("subscribe", json!({"channel": "talk", "data": wish})).await;
    while client.push().await["join"]["info"]["user"] != user {}
    client
}

async fn users(client: &mut Client) -> Vec<String> {
    let reply = client.call("presence", json!({"channel": "talk"})).await;
    let clients = reply["presence"].as_object().cloned().unwrap_or_default();
    let mut users: Vec<String> =
        clients.values().map(|who| who["user"].as_str().unwrap().to_owned()).collect();
    users.sort();
    users
}

async fn until_users(client: &mut Client, wanted: &[&str]) {
    patient("the users in the room", async {
        while users(client).await != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

on_each!(what_one_node_publishes_all_get_without_reading_the_log, |pair: Pair| async move {
    let (mut near, mut far) = (pair.a.client("ann").await, pair.b.client("bob").await);
    near.subscribe("room").await;
    far.subscribe("room").await;
    pair.settle().await;
    for n in 1..=20 {
        let server = if n % 2 == 0 { &pair.a } else { &pair.b };
        server.publish("room", &n.to_string());
    }
    for client in [&mut near, &mut far] {
        for n in 1..=20 {
            assert_eq!(client.publication().await, (n, json!(n)));
        }
    }
    assert_eq!(pair.a.hub.stats().gap_filled + pair.b.hub.stats().gap_filled, 0);
});

on_each!(commits_of_two_nodes_are_put_back_in_order, |pair: Pair| async move {
    let (mut near, mut far) = (pair.a.client("ann").await, pair.b.client("bob").await);
    near.subscribe("room").await;
    far.subscribe("room").await;
    pair.settle().await;
    let all: Vec<Publication> =
        (1..=6).map(|n: u32| pair.a.log.append("room", &n.to_string(), Tags::default())).collect();
    for n in [1, 0, 3, 5, 4, 2] {
        let server = if n % 2 == 0 { &pair.a } else { &pair.b };
        server.hub.publish("room", all[n].clone());
    }
    for client in [&mut near, &mut far] {
        for n in 1..=6 {
            assert_eq!(client.publication().await, (n, json!(n)));
        }
    }
});

on_each!(a_hole_is_read_from_the_log_once_by_each_node, |pair: Pair| async move {
    let mut far = [pair.b.client("ann").await, pair.b.client("bob").await, pair.b.client("carl").await];
    for client in &mut far {
        client.subscribe("room").await;
    }
    pair.settle().await;
    let reads = pair.b.hub.stats().log_reads;
    pair.a.log.append("room", "1", Tags::default());
    for n in 2..=20 {
        pair.a.publish("room", &n.to_string());
    }
    for client in &mut far {
        for n in 1..=20 {
            assert_eq!(client.publication().await, (n, json!(n)));
        }
    }
    assert_eq!(pair.b.hub.stats().log_reads, reads + 1);
});

on_each!(ephemeral_publications_go_by_the_topic, |pair: Pair| async move {
    let mut far = viewer(&pair.b, "bob").await;
    pair.settle().await;
    pair.a.hub.publish_ephemeral(None, "talk", "\"nobody\"".into(), Tags::default());
    pair.a.hub.publish_ephemeral(Some("other"), "talk", "\"others\"".into(), Tags::default());
    pair.a.hub.publish_ephemeral(Some("shop"), "talk", "\"typing\"".into(), Tags::default());
    assert_eq!(far.publication().await, (0, json!("typing")));
});

on_each!(bytes_and_tags_arrive_as_they_were, |pair: Pair| async move {
    let mut far = pair.b.client("bob").await;
    far.call("subscribe", json!({"channel": "room", "data": {"color": "red"}})).await;
    pair.settle().await;
    pair.a.publish_tagged("room", "1", "blue");
    pair.a.publish_tagged("room", "2", "red");
    let (offset, data) = far.publication().await;
    assert_eq!((offset, data), (2, json!(2)));
});

on_each!(presence_is_of_all_nodes, |pair: Pair| async move {
    let mut near = viewer(&pair.a, "ann").await;
    let mut far = viewer(&pair.b, "bob").await;
    until_users(&mut near, &["ann", "bob"]).await;
    until_users(&mut far, &["ann", "bob"]).await;
    let stats = far.call("presence_stats", json!({"channel": "talk"})).await;
    assert_eq!((&stats["num_clients"], &stats["num_users"]), (&json!(2), &json!(2)));
    assert_eq!(near.push().await["join"]["info"]["user"], "bob");
    drop(far);
    assert_eq!(near.push().await["leave"]["info"]["user"], "bob");
    until_users(&mut near, &["ann"]).await;
});

on_each!(who_opens_a_room_learns_who_is_in_it_on_other_nodes, |pair: Pair| async move {
    let _far = viewer(&pair.b, "bob").await;
    // The topic is heard before the room is there.
    let mut near = pair.a.client("cid").await;
    near.call("subscribe", json!({"channel": "other", "data": {"ephemeral": true, "topic": "shop"}})).await;
    pair.settle().await;
    let mut ann = viewer(&pair.a, "ann").await;
    until_users(&mut ann, &["ann", "bob"]).await;
});

on_each!(notices_reach_the_other_nodes_that_want_them, |pair: Pair| async move {
    let held = pair.b.hub.hold("turns");
    pair.settle().await;
    pair.a.hub.notify(Some("turns"), "wake".into());
    pair.a.hub.notify(None, "rights".into());
    let has = |server: &Server, topic: &str, notice: &str| {
        server.rules.noticed.lock().unwrap().contains(&(topic.to_owned(), notice.to_owned()))
    };
    wait_for("both notices", || has(&pair.b, "turns", "wake") && has(&pair.b, "nodes", "rights")).await;
    drop(held);
    assert!(!has(&pair.a, "nodes", "rights"), "one's own are for others");
});

on_each!(a_request_finds_its_session_on_another_node, |pair: Pair| async move {
    pair.settle().await;
    pair.settle().await;
    let mut stream = pair.a.streamed(json!({"user": "ann"})).await;
    let secret = stream.connected["session"].as_str().unwrap().to_owned();
    let of = |session: &str, node: &str| {
        let frame = json!({"id": 2, "rpc": {"method": "who"}}).to_string();
        http::post(
            "/emulation",
            "application/json",
            &json!({"session": session, "node": node, "data": frame}).to_string(),
        )
    };
    let (status, _) = http::ask(&pair.b.host(), &of(&secret, "a")).await;
    assert_eq!(status, 204);
    assert_eq!(stream.next().await.unwrap()["rpc"]["data"], "ann");
    for (session, node) in
        [("0123456789abcdef0123456789abcdef", "a"), (secret.as_str(), "b"), (&secret, ""), (&secret, "x*")]
    {
        assert_eq!(http::ask(&pair.b.host(), &of(session, node)).await.0, 404, "{session} {node}");
    }
});

/// A node that dies between a commit and its publication tells nobody.
#[tokio::test]
async fn what_nobody_published_is_found_in_the_log() {
    let Some(redis) = Redis::start() else { return };
    let watch = Duration::from_millis(30);
    let config = HubConfig { bus: over(&redis, LONG), watch, ..config() };
    let server = Server::with(config).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    server.log.append("room", "1", Tags::default());
    server.log.append("room", "2", Tags::default());
    assert_eq!((client.publication().await.0, client.publication().await.0), (1, 2));
    server.log.lose("room", "second");
    let push = client.push().await;
    assert!(push.get("unsubscribe").is_some(), "another stream: {push}");
}

#[tokio::test]
async fn a_node_hears_only_of_what_it_has_sessions_of() {
    // Nodes tell nothing by themselves meanwhile.
    let quiet = HubConfig { presence_keep: Duration::from_hours(9), ..config() };
    let Some(pair) = Pair::over_redis(quiet).await else { return };
    let mut far = pair.b.client("bob").await;
    far.subscribe("mine").await;
    // The first time what they told each other at the start has come, the second time the answers.
    pair.settle().await;
    pair.settle().await;
    let heard = |of: &Server| of.hub.stats().bus_received - of.rules.noticed.lock().unwrap().len() as u64;
    let before = heard(&pair.b);
    for n in 0..50 {
        pair.a.publish("others", &n.to_string());
    }
    pair.a.publish("mine", "1");
    assert_eq!(far.publication().await.0, 1);
    // What one node publishes comes in its order.
    pair.settle().await;
    wait_for("one publication", || heard(&pair.b) == before + 1).await;
    drop(far);
    pair.b.until("the room to end", |stats| stats.rooms == 0).await;
    pair.settle().await;
    pair.a.publish("mine", "2");
    pair.settle().await;
    wait_for("no further publication", || heard(&pair.b) == before + 1).await;
}

async fn both_see_what_is_written(pair: &Pair, near: &mut Client, far: &mut Client) {
    let first = pair.a.publish("room", "1");
    pair.b.publish("room", "2");
    for client in [near, far] {
        assert_eq!(client.publication().await.0, first);
        assert_eq!(client.publication().await.0, first + 1);
    }
}

async fn both_get_what_is_in_no_log(pair: &Pair, near: &mut Client, far: &mut Client) {
    pair.a.hub.publish_ephemeral(Some("room"), "room", "\"back\"".into(), Tags::default());
    for client in [near, far] {
        assert_eq!(client.publication().await, (0, json!("back")));
    }
}

async fn gone_and_back(break_it: impl Fn(&mut Redis), mend_it: impl Fn(&mut Redis)) {
    let Some(mut pair) = Pair::probed(config(), Duration::from_secs(1)).await else { return };
    let (mut near, mut far) = (pair.a.client("ann").await, pair.b.client("bob").await);
    near.subscribe("room").await;
    far.subscribe("room").await;
    both_see_what_is_written(&pair, &mut near, &mut far).await;
    for _ in 0..2 {
        break_it(pair.redis.as_mut().unwrap());
        pair.until_path("the loss of Redis", false).await;
        both_see_what_is_written(&pair, &mut near, &mut far).await;
        mend_it(pair.redis.as_mut().unwrap());
        pair.until_path("the return of Redis", true).await;
        both_see_what_is_written(&pair, &mut near, &mut far).await;
        pair.settle().await;
        both_get_what_is_in_no_log(&pair, &mut near, &mut far).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_dies_and_returns_costs_nothing_but_time() {
    Box::pin(gone_and_back(Redis::kill, Redis::start_again)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_stands_still_is_noticed_by_the_probe() {
    Box::pin(gone_and_back(Redis::pause, Redis::resume)).await;
}

/// The topic's master dies: its replica takes over, and meanwhile the log is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_a_master_is_taken_up_again_with_its_replica() {
    let Some(mut cluster) = Cluster::start(true) else { return };
    let pair = Pair::over_cluster(&cluster, config()).await;
    let (mut near, mut far) = (pair.a.client("ann").await, pair.b.client("bob").await);
    near.subscribe("room").await;
    far.subscribe("room").await;
    pair.settle().await;
    both_see_what_is_written(&pair, &mut near, &mut far).await;
    let dead = cluster.master_of("test:{room}");
    cluster.kill(dead);
    pair.until_path("the loss of a master", false).await;
    both_see_what_is_written(&pair, &mut near, &mut far).await;
    pair.until_path("the replica to take over", true).await;
    both_see_what_is_written(&pair, &mut near, &mut far).await;
    both_get_what_is_in_no_log(&pair, &mut near, &mut far).await;
    // It comes back as a replica, and costs nobody anything.
    cluster.start_again(dead);
    both_get_what_is_in_no_log(&pair, &mut near, &mut far).await;
    assert!(pair.a.hub.path().unwrap().is_up() && pair.b.hub.path().unwrap().is_up());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_follows_its_slot_to_another_master() {
    let Some(cluster) = Cluster::start(false) else { return };
    let pair = Pair::over_cluster(&cluster, slow_to_read()).await;
    let _held = pair.b.hub.hold("shop:7");
    pair.settle().await;
    for round in ["here", "there", "elsewhere"] {
        let is_there = || {
            pair.a.hub.notify(Some("shop:7"), round.into());
            pair.b.rules.noticed.lock().unwrap().iter().any(|(_, notice)| notice == round)
        };
        wait_for("a notice by a topic whose slot moved", is_there).await;
        cluster.move_slot_of("test:shop:{7}");
    }
    // What met a slot on its way may have been refused twice.
    let is_up = || pair.a.hub.path().unwrap().is_up() && pair.b.hub.path().unwrap().is_up();
    wait_for("the path", is_up).await;
}

#[tokio::test]
async fn a_cluster_is_asked_whether_it_carries() {
    let Some(cluster) = Cluster::start(false) else { return };
    assert!(RedisBus::new(&cluster.url(), "test").unwrap().ask("a").await.is_ok());
    let Some(alone) = Redis::start() else { return };
    let url = alone.url().replace("redis://", "redis-cluster://");
    let refused = RedisBus::new(&url, "test").unwrap().ask("a").await.unwrap_err();
    assert!(refused.contains("cluster support disabled"), "{refused}");
}

/// By a node with another key, or by whoever else can write to Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_publish_is_not_taken() {
    let Some(pair) = Pair::over_redis(config()).await else { return };
    let url = pair.redis.as_ref().unwrap().url();
    let bus = RedisBus::new(&url, "test").unwrap().probing(Duration::from_millis(50), LONG);
    let bus = Bus::Redis(bus.sealed(Arc::new(Marked(b"them"))));
    let stranger = HubConfig { bus, node: "c".to_owned(), ..config() };
    let stranger = Server::on(Arc::clone(&pair.a.log), stranger, Descriptors::raise(0, 0)).await;
    wait_for("the stranger's path", || stranger.hub.path().is_some_and(|path| path.is_up())).await;
    let _held = pair.a.hub.hold("forged");
    let seen = || {
        stranger.hub.notify(Some("forged"), "now".into());
        pair.a.hub.stats().bus_refused > 3
    };
    wait_for("messages that are refused", seen).await;
    assert!(pair.a.rules.noticed.lock().unwrap().iter().all(|(topic, _)| topic != "forged"));
    assert!(pair.a.hub.path().unwrap().is_up());
}

/// As when a node is killed: nobody tells of its clients any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_node_that_is_silent_are_forgotten_and_learnt_again() {
    let short = HubConfig { presence_keep: Duration::from_millis(300), ..config() };
    let Some(mut pair) = Pair::over_redis(short).await else { return };
    let (mut near, mut far) = (viewer(&pair.a, "ann").await, viewer(&pair.b, "bob").await);
    until_users(&mut near, &["ann", "bob"]).await;
    let redis: &mut Redis = pair.redis.as_mut().unwrap();
    redis.kill();
    until_users(&mut near, &["ann"]).await;
    until_users(&mut far, &["bob"]).await;
    pair.redis.as_mut().unwrap().start_again();
    until_users(&mut near, &["ann", "bob"]).await;
    until_users(&mut far, &["ann", "bob"]).await;
    let seen: Vec<Value> = vec![near.push().await, near.push().await, near.push().await];
    let users: Vec<&str> = seen
        .iter()
        .filter_map(|push| {
            push.as_object()?.keys().find(|key| *key == "join" || *key == "leave").map(String::as_str)
        })
        .collect();
    assert_eq!(users, ["join", "leave", "join"]);
}
