//! The nodes of an installation as its operators see them: how each is, when it is told apart, and what becomes of the work
//! of one that is gone.

use std::time::{Duration, Instant};

use hubbub::accounts::PlatformRole;
use hubbub::clock::Clock;
use hubbub::doctor::{Finding, Level, examine};
use hubbub::error::Error;
use hubbub::model::{NodeBus, NodeState};
use hubbub::store::jobs::{self, Acknowledge, ClaimIds, Class, Job, Slot};
use hubbub::store::nodes::{Beat, Join, Joined, Node};
use hubbub::store::pace::Paces;
use hubbub::store::shares::Shares;
use hubbub::store::{Arg, Engine, Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::client::As;
use crate::kit::node::Redis;
use crate::kit::{self, Api, Client, PASSWORD, PATIENCE, World};
use crate::on_both;

/// A claim lasts so long if nobody releases it.
const CLAIM: Duration = Duration::from_mins(1);

async fn operator(world: &World, address: std::net::SocketAddr) -> Api {
    let email = format!("operator-{}@example.com", address.port());
    kit::user(&world.app, &email, Some(PlatformRole::Admin), None).await;
    Api::sign_in(address, &email, PASSWORD).await
}

async fn nodes(api: &Api) -> Vec<Value> {
    let (status, listed) = api.get("/api/v1/nodes").await;
    assert_eq!(status, 200, "{listed}");
    listed["nodes"].as_array().expect("nodes").clone()
}

/// Waits until the list is so.
async fn until_nodes(api: &Api, what: &str, are_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let wait = async {
        loop {
            let found = nodes(api).await;
            if are_so(&found) {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let Ok(found) = tokio::time::timeout(PATIENCE, wait).await else {
        panic!("waited in vain for {what}: {:?}", nodes(api).await)
    };
    found
}

fn states(nodes: &[Value]) -> Vec<&str> {
    nodes.iter().map(|node| node["state"].as_str().expect("a state")).collect()
}

/// How the node at this address is; nothing if it is not in the list.
fn state_at(nodes: &[Value], address: std::net::SocketAddr) -> Option<String> {
    let found = nodes.iter().find(|node| node["address"] == address.to_string())?;
    Some(found["state"].as_str().expect("a state").to_owned())
}

on_both!(a_server_is_in_the_list_for_operators_only, |engine| async move {
    let world = World::configured(engine, |config| config.server.node_name = "hub-1".into()).await;
    let api = operator(&world, world.address).await;
    let manager = world.person("agent@example.com").await;
    let address = world.address.to_string();
    let found = until_nodes(&api, "a ready node with its address and sessions", |nodes| {
        let is_ours = |node: &Value| node["address"] == address.as_str() && node["is_this"] == true;
        nodes.iter().any(is_ours) && states(nodes).iter().all(|state| *state == "ready")
    })
    .await;
    for node in &found {
        assert_eq!(node["name"], "hub-1");
        assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!((&node["is_other_version"], &node["reason"]), (&json!(false), &Value::Null));
        assert!(node["silent_ms"].as_i64().expect("a time") < 20_000, "{node}");
        assert!(node["started_at"].as_i64().expect("a time") > 1_700_000_000_000, "{node}");
    }
    let managers = [world.api("owner@example.com").await, world.api("agent@example.com").await];
    for other in managers {
        let (status, refused) = other.get("/api/v1/nodes").await;
        assert_eq!((status, &refused["code"]), (403, &json!("forbidden")), "{refused}");
    }
    manager.close().await;
    world.finish().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_are_listed_and_one_that_stops_leaves() {
    let Some((world, redis)) = World::pair().await else { return };
    let (api, far) = (operator(&world, world.address).await, operator(&world, world.second().address).await);
    let all_ready = |nodes: &[Value]| states(nodes) == ["ready", "ready"];
    let found = until_nodes(&api, "two nodes", all_ready).await;
    assert!(found.iter().all(|node| node["bus"] == "up" && node["round_trip_us"].is_i64()), "{found:?}");
    for (api, address) in [(&api, world.address), (&far, world.second().address)] {
        let found = until_nodes(api, "addresses", |nodes| state_at(nodes, address).is_some()).await;
        let this: Vec<_> = found.iter().filter(|node| node["is_this"] == true).collect();
        assert_eq!(this.len(), 1);
        assert_eq!(this[0]["address"], address.to_string());
    }
    // Redis goes away: both are there, and say why they are not ready.
    let redis = changed(redis, Redis::kill).await;
    let found =
        until_nodes(&api, "nodes without a bus", |nodes| states(nodes) == ["not_ready", "not_ready"]).await;
    assert!(found.iter().all(|node| node["reason"] == "bus" && node["bus"] == "down"), "{found:?}");
    let _redis = changed(redis, Redis::start_again).await;
    until_nodes(&api, "both ready again", all_ready).await;

    let second = world.second().address;
    world.second().app.stop().await;
    assert_eq!(state_at(&nodes(&api).await, second), None, "who stops in order leaves at once");
    world.finish().await;
}

async fn changed(mut redis: Redis, change: fn(&mut Redis)) -> Redis {
    let change = move || {
        change(&mut redis);
        redis
    };
    tokio::task::spawn_blocking(change).await.expect("it is done")
}

/// A row as a node writes it that is not there.
fn absent(name: &str, version: &str) -> Node {
    Node {
        id: Uuid::from_u64_pair(rand(), rand()),
        name: name.to_owned(),
        address: "192.0.2.1:8080".to_owned(),
        version: version.to_owned(),
        started_at: 1,
        seen_at: 0,
        clock_at: Clock::System.now_ms(),
        state: NodeState::Ready,
        reason: None,
        bus: NodeBus::Alone,
        round_trip_us: None,
        sessions: 3,
        library: None,
        readable: Vec::new(),
        master_keys: Vec::new(),
    }
}

fn rand() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    u64::from_le_bytes(bytes)
}

/// A statement that makes what time would make.
struct Sql(&'static str, Uuid);

impl Verb for Sql {
    type Out = u64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        Ok(tx.exec(self.0, &[Arg::from(self.1)]).await?)
    }
}

async fn doctor(world: &World) -> Vec<Finding> {
    examine(&world.app.config, &Clock::System, &["nodes".to_owned()]).await
}

fn warns_of(findings: &[Finding], text: &str) -> bool {
    findings.iter().any(|one| one.level == Level::Warn && one.what.contains(text) && !one.advice.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_and_a_silent_node_are_told() {
    let world =
        World::configured(Engine::Postgres, |config| config.metrics.token = "0123456789abcdef".into()).await;
    let api = operator(&world, world.address).await;
    let own = world.apps().len();
    let older = absent("hub-old", "0.0.1");
    world.app.store.write(Beat(older.clone())).await.expect("it is there");
    let is_older = |node: &Value| node["id"] == older.id.to_string();
    let found = until_nodes(&api, "the older one", |nodes| nodes.iter().any(is_older)).await;
    let others: Vec<_> = found.iter().filter(|node| node["is_other_version"] == true).collect();
    assert_eq!(others.len(), 1, "{found:?}");
    assert!(is_older(others[0]));
    let findings = doctor(&world).await;
    assert!(warns_of(&findings, "different versions: 0.0.1, "), "{findings:?}");
    until_numbers(&world, &["hubbub_node_versions 2\n"]).await;

    world
        .app
        .store
        .write(Sql("update nodes set seen_at = seen_at - 21000 where id = $1", older.id))
        .await
        .expect("aged");
    let found = until_nodes(&api, "silence", |nodes| {
        nodes.iter().any(|one| is_older(one) && one["state"] == "silent")
    })
    .await;
    let silent = found.iter().find(|node| is_older(node)).expect("it is there");
    assert!(silent["silent_ms"].as_i64().expect("a time") >= 21_000 && silent["is_other_version"] == false);
    let findings = doctor(&world).await;
    assert!(
        warns_of(&findings, "nothing was heard of hub-old") && !warns_of(&findings, "versions"),
        "{findings:?}"
    );
    let ready = format!("hubbub_nodes{{state=\"ready\"}} {own}\n");
    until_numbers(&world, &["hubbub_node_versions 1\n", "hubbub_nodes{state=\"silent\"} 1\n", &ready]).await;

    // An hour later nobody lists it any more.
    world
        .app
        .store
        .write(Sql("update nodes set seen_at = seen_at - 3600000 where id = $1", older.id))
        .await
        .expect("aged");
    until_nodes(&api, "its end", |nodes| !nodes.iter().any(is_older)).await;
    // One that comes again in the place of a silent one takes its line.
    let mut former = absent("hub-old", "0.0.1");
    former.address = "192.0.2.2:8080".to_owned();
    let next = Node { id: Uuid::from_u64_pair(rand(), rand()), ..former.clone() };
    world.app.store.write(Beat(former.clone())).await.expect("it is there");
    world
        .app
        .store
        .write(Sql("update nodes set seen_at = seen_at - 61000 where id = $1", former.id))
        .await
        .expect("aged");
    let listed = world.app.store.write(Beat(next.clone())).await.expect("it is there").value;
    let ids: Vec<_> = listed.nodes.iter().map(|node| node.id).collect();
    assert!(ids.contains(&next.id) && !ids.contains(&former.id));
    world.finish().await;
}

/// What the one seals would not open at the other, whichever of them has the newer key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_master_key_is_refused() {
    let world = World::start(Engine::Postgres).await;
    let own = world.app.vault.key_ids().remove(0);
    let join = async |keys: &[&str]| {
        let master_keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let node = Node { master_keys, ..absent("newcomer", "1.0.0") };
        world.app.store.write(Join(node)).await.expect("asked").value
    };
    assert!(matches!(join(&["other"]).await, Joined::OtherKey(_)));
    assert!(matches!(join(&["other", &own]).await, Joined::OtherKey(_)));
    assert!(matches!(join(&[&own, "other"]).await, Joined::Yes { .. }));
    world.finish().await;
}

async fn metrics(world: &World) -> String {
    // Of the process, and nothing is counted before it.
    hubbub::telemetry::start_metrics();
    let request = kit::http().get(world.url("/metrics")).bearer_auth("0123456789abcdef");
    request.send().await.expect("an answer").text().await.expect("numbers")
}

/// Waits until `/metrics` has all of these lines: a node has been ready only since its first sign, and the servers of the
/// other tests of this process set the same gauges.
async fn until_numbers(world: &World, wanted: &[&str]) {
    let wait = async {
        while !contains_all(&metrics(world).await, wanted) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
    assert!(came, "waited in vain for {wanted:?}: {}", metrics(world).await);
}

fn contains_all(text: &str, wanted: &[&str]) -> bool {
    wanted.iter().all(|one| text.contains(one))
}

/// A job that is born claimed by a node that is not there.
struct ClaimedElsewhere {
    tenant: Uuid,
    channel: Uuid,
    node: Uuid,
    lane: &'static str,
}

impl Verb for ClaimedElsewhere {
    type Out = Job;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Job, Error> {
        let slot = Slot { tenant: self.tenant, queue: self.channel, lane: self.lane, position: 0 };
        jobs::push(tx, &slot, &Acknowledge { message: Uuid::from_u128(7) }).await?;
        let until = tx.now() + i64::try_from(CLAIM.as_millis()).expect("a time");
        let by = (&Paces::default(), &Shares::of(Class::Send), &ClaimIds::of(self.node));
        let mut taken = jobs::claim(tx, Class::Send, 1, until, by).await?;
        Ok(taken.pop().expect("it is claimed").0)
    }
}

/// What a node does that comes back: it goes on with its claim, ends the job, or finds it ended.
struct GoOn(Job);

impl Verb for GoOn {
    type Out = (bool, bool);

    fn tenant(&self) -> Option<Uuid> {
        self.0.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(bool, bool), Error> {
        let until = tx.now() + 60_000;
        Ok((jobs::keep(tx, &self.0, until).await?, jobs::done(tx, &self.0).await?))
    }
}

struct IsThere(Job);

impl Verb for IsThere {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(jobs::load(tx, self.0.tenant, self.0.id).await?.is_some())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_of_a_silent_node_are_taken_before_they_expire() {
    let world = World::start(Engine::Postgres).await;
    let silent = absent("hub-gone", "0.0.1");
    world.app.store.write(Beat(silent.clone())).await.expect("it is there");
    let (tenant, channel) = (world.tenant, world.bot.id);
    let begun = Instant::now();
    let claim = |node, lane| ClaimedElsewhere { tenant, channel, node, lane };
    let job = world.app.store.write(claim(silent.id, "of one")).await.expect("a claim").value;
    // A node that no list has, such as one of an older version.
    let unknown = Uuid::from_u64_pair(rand(), rand());
    let kept = world.app.store.write(claim(unknown, "of the other")).await.expect("a claim").value;
    let taken = async {
        while world.app.store.read(IsThere(job.clone())).await.expect("a look") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("it is taken over");
    assert!(begun.elapsed() < CLAIM, "it was not sooner: {:?}", begun.elapsed());
    assert!(begun.elapsed() > Duration::from_secs(15), "a node is not silent so soon: {:?}", begun.elapsed());
    assert_eq!(world.app.store.write(GoOn(job)).await.expect("a look").value, (false, false));
    assert_eq!(world.app.store.write(GoOn(kept)).await.expect("a look").value, (true, true));
    world.finish().await;
}

/// Which node has claimed the job of a send.
struct Claimer;

impl Verb for Claimer {
    type Out = Option<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Uuid>, Error> {
        let sql = "select claim from jobs where state = 'claimed' and kind = 'deliver' limit 1";
        Ok(tx.one::<(Uuid,)>(sql, &[]).await?.map(|(claim,)| claim))
    }
}

fn is_claim_of(claim: Uuid, node: &Value) -> bool {
    let node: Uuid = node["id"].as_str().expect("an id").parse().expect("a uuid");
    let half = |id: Uuid| id.as_u64_pair().0 | 0xf000;
    half(claim) == half(node)
}

/// Sends on a node until that node has the job under way, while the provider does not answer; gives the message.
async fn hangs_on(world: &World, manager: &mut Client, node: &Value) -> Value {
    for number in 0..20 {
        let hello = format!("Hello {number}");
        world.telegram.customer_says(5_550_410 + number, &hello);
        let event = manager.publication(|data| data["message"]["text"] == hello.as_str()).await;
        let sent = world.telegram.sent().len();
        world.telegram.fail_next(1, emulators::Fail::Hang);
        let answer = format!("Answer {number}");
        let send =
            json!({ "conversation": event["message"]["conversation"], "client_id": answer, "text": answer });
        manager.rpc("message.send", send).await.expect("it is taken");
        world.telegram.sent_reaches(sent + 1).await;
        let claim = world.app.store.read(Claimer).await.expect("a look");
        let of_this = |data: &Value| data["message"]["text"] == answer.as_str();
        if claim.is_some_and(|claim| is_claim_of(claim, node)) {
            return manager.publication(of_this).await["message"].clone();
        }
        // Another node was sooner: its call ends by its time-out.
        manager.publication(|data| of_this(data) && data["message"]["status"] == "unknown").await;
    }
    panic!("the other nodes claim everything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_is_silent_and_what_it_sent_is_unknown_before_its_claim_expires() {
    let Some((world, _redis)) = World::pair().await else { return };
    let api = operator(&world, world.address).await;
    let mut doomed = world.program(&[("HUBBUB_NODE_NAME", "doomed")]).await;
    let is_doomed = |node: &Value| node["name"] == "doomed";
    let is_ready = |nodes: &[Value]| nodes.iter().any(|node| is_doomed(node) && node["state"] == "ready");
    let found = until_nodes(&api, "the node", is_ready).await;
    let node = found.into_iter().find(is_doomed).expect("it is there");
    let token = Api::sign_in(doomed.address, "agent@example.com", PASSWORD).await.token;
    let mut manager = Client::connect(doomed.address, As::Token(token)).await;
    let mut viewer = world.person("owner@example.com").await;
    let message = hangs_on(&world, &mut manager, &node).await;
    let begun = Instant::now();
    tokio::task::spawn_blocking(move || doomed.kill()).await.expect("it is killed");
    let is_unknown =
        |data: &Value| data["message"]["id"] == message["id"] && data["message"]["status"] == "unknown";
    let unknown = viewer.publication(is_unknown).await;
    assert_eq!(unknown["message"]["error"]["code"], "interrupted");
    assert!(begun.elapsed() < CLAIM, "it was not sooner: {:?}", begun.elapsed());
    let found = nodes(&api).await;
    let silent = found.iter().find(|node| is_doomed(node)).expect("people see that it is gone");
    assert_eq!(silent["state"], "silent");
    let sent = world.telegram.sent();
    let same = sent.iter().filter(|one| one.text.as_deref() == message["text"].as_str());
    assert_eq!(same.count(), 1, "nobody sends it again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_being_stopped_says_so() {
    let Some((world, _redis)) = World::pair().await else { return };
    let api = operator(&world, world.address).await;
    let settings = [("HUBBUB_NODE_NAME", "leaving"), ("HUBBUB_SHUTDOWN_GRACE_MS", "60000")];
    let mut leaving = world.program(&settings).await;
    let is_leaving = |node: &Value| node["name"] == "leaving";
    let found = until_nodes(&api, "the node", |nodes| nodes.iter().any(is_leaving)).await;
    let node = found.into_iter().find(is_leaving).expect("it is there");
    let token = Api::sign_in(leaving.address, "agent@example.com", PASSWORD).await.token;
    let mut manager = Client::connect(leaving.address, As::Token(token)).await;
    // What it has under way ends by the time-out of a call, 15 seconds later.
    hangs_on(&world, &mut manager, &node).await;
    leaving.terminate();
    let drains = |nodes: &[Value]| nodes.iter().any(|node| is_leaving(node) && node["state"] == "draining");
    until_nodes(&api, "its drain", drains).await;
    until_nodes(&api, "its end", |nodes| !nodes.iter().any(is_leaving)).await;
    tokio::task::spawn_blocking(move || leaving.ended()).await.expect("the process ends");
    world.finish().await;
}
