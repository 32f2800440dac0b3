//! Two nodes on one PostgreSQL, joined by Redis: what happens on the one is seen on the other, and neither the loss of Redis
//! nor that of a node loses anything.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use hubbub::accounts::Role;
use hubbub::accounts::api_key::RevokeKey;
use hubbub::accounts::users::SetActive;
use hubbub::model::ChannelSettings;
use serde_json::{Value, json};

use crate::kit::client::As;
use crate::kit::node::{Redis, until};
use crate::kit::{Api, Client, PASSWORD, PATIENCE, World, quick};

async fn person(address: SocketAddr, email: &str) -> Client {
    let api = Api::sign_in(address, email, PASSWORD).await;
    Client::connect(address, As::Token(api.token)).await
}

async fn worker(world: &World, address: SocketAddr) -> Client {
    let key =
        world.app.accounts.create_key(&world.scope(), "Worker", Role::Responder).await.expect("a key").key;
    Client::connect(address, As::Key { key, capacity: 4 }).await
}

async fn status(address: SocketAddr, path: &str) -> u16 {
    reqwest::get(format!("http://{address}{path}")).await.expect("an answer").status().as_u16()
}

/// Waits until this is the answer of both nodes to the readiness probe.
async fn until_ready_is(world: &World, wanted: u16) {
    let wait = async {
        for address in [world.address, world.second().address] {
            while status(address, "/health/ready").await != wanted {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the answer of the readiness probe changes");
}

/// Reads the texts of new messages up to the last one wanted.
async fn texts(client: &mut Client, last: &str) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|text: &String| text != last) {
        let event = client.event("message.created").await;
        seen.push(event["message"]["text"].as_str().expect("a text").to_owned());
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_one_node_is_seen_on_all() {
    let Some((world, _redis)) = World::pair().await else { return };
    let mut near = person(world.address, "agent@example.com").await;
    let mut far = person(world.second().address, "owner@example.com").await;
    for n in 1..=20 {
        // By turns to the one and the other.
        assert_eq!(world.hook(&world.bot, &World::update(n, 5_550_301, n, &n.to_string())).await, 200);
    }
    let expected: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
    assert_eq!(texts(&mut near, "20").await, expected);
    assert_eq!(texts(&mut far, "20").await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_and_types_is_seen_on_all() {
    let Some((world, _redis)) = World::pair().await else { return };
    let mut near = person(world.address, "agent@example.com").await;
    let mut far = person(world.second().address, "owner@example.com").await;
    let mut responder = worker(&world, world.second().address).await;
    world.telegram.customer_says(5_550_302, "Hello");
    let turn = responder.offered().await;
    let conversation = turn["conversation"].as_str().expect("an id").to_owned();
    let room = format!("conversation:{conversation}");
    assert!(near.subscribe(&room).await.get("subscribe").is_some());
    assert!(far.subscribe(&room).await.get("subscribe").is_some());
    let joined = |frame: &Value| frame["push"]["join"]["info"]["conn_info"]["name"] == "owner";
    near.frame(joined).await;
    let named = json!({ "conversation": conversation });
    far.rpc("conversation.typing", named).await.expect("it is shown");
    let typing = near.publication(|data| data["kind"] == "typing").await;
    assert_eq!(typing["user"]["name"], "owner");
    let delta = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "We " });
    responder.rpc("turn.delta", delta).await.expect("a piece");
    assert_eq!(near.publication(|data| data["kind"] == "turn.delta").await["text"], "We ");
    far.close().await;
    near.frame(|frame| frame["push"]["leave"]["info"]["conn_info"]["name"] == "owner").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_of_one_node_silences_the_ai_of_another() {
    let Some((world, _redis)) = World::pair().await else { return };
    let mut manager = person(world.address, "agent@example.com").await;
    let mut responder = worker(&world, world.second().address).await;
    world.telegram.customer_says(5_550_303, "Hello");
    let turn = responder.offered().await;
    let named = json!({ "conversation": turn["conversation"] });
    manager.rpc("conversation.take_over", named.clone()).await.expect("it is taken over");
    // What the sweep finds has another reason.
    let withdrawn = responder.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["turn"], &withdrawn["reason"]), (&turn["id"], &json!("taken_over")));
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Too late" });
    assert_eq!(responder.rpc("turn.reply", reply).await, Err(410));
    world.telegram.customer_says(5_550_303, "Are you there?");
    manager.rpc("conversation.hand_back", named).await.expect("it is handed back");
    let turn = responder.offered().await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Yes" });
    responder.rpc("turn.reply", reply).await.expect("the answer");
    assert_eq!(world.telegram.sent_reaches(1).await[0].text.as_deref(), Some("Yes"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responders_of_each_node_serve_what_comes_to_any() {
    let Some((world, _redis)) = World::pair().await else { return };
    let mut workers = [worker(&world, world.address).await, worker(&world, world.second().address).await];
    // As many as both take at a time: neither answers before each has its share.
    for chat in 0..8 {
        world.telegram.customer_says(5_550_310 + chat, "Hello");
    }
    for responder in &mut workers {
        for _ in 0..4 {
            responder.offered().await;
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_taken_end_sessions_on_all() {
    let Some((world, _redis)) = World::pair().await else { return };
    let mut agent = person(world.second().address, "agent@example.com").await;
    let key = world.app.accounts.create_key(&world.scope(), "Worker", Role::Responder).await.expect("a key");
    let who = As::Key { key: key.key.clone(), capacity: 1 };
    let mut responder = Client::connect(world.second().address, who).await;
    let user = agent.hello["connect"]["data"]["user"]["id"].as_str().expect("an id").parse().expect("a uuid");
    world.app.store.write(SetActive { user, active: false }).await.expect("disabled");
    assert_eq!(agent.closed().await.0, 3011);
    let id =
        responder.hello["connect"]["data"]["responder"].as_str().expect("an id").parse().expect("a uuid");
    world.app.store.write(RevokeKey { scope: world.scope(), id }).await.expect("revoked");
    assert_eq!(responder.closed().await.0, 3011);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_on_a_stream_sends_may_land_anywhere() {
    let Some((world, _redis)) = World::pair().await else { return };
    let api = Api::sign_in(world.address, "agent@example.com", PASSWORD).await;
    let http = crate::kit::http();
    let connect = json!({ "id": 1, "connect": { "token": api.token } }).to_string();
    let begun = http.post(world.url("/connection/http_stream")).header("content-type", "application/json");
    let mut stream = begun.body(connect).send().await.expect("a stream");
    let mut read = String::new();
    let mut line = async |of: &str| loop {
        if let Some(found) = read.lines().find(|line| line.contains(of) && line.ends_with('}')) {
            break serde_json::from_str::<Value>(found).expect("JSON");
        }
        let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await.expect("in time").expect("a part");
        read.push_str(&String::from_utf8_lossy(&chunk.expect("the stream goes on")));
    };
    let connected = line("\"connect\"").await;
    let (session, node) = (&connected["connect"]["session"], &connected["connect"]["node"]);
    let frame = json!({ "id": 2, "presence": { "channel": "nowhere" } }).to_string();
    let body = json!({ "session": session, "node": node, "data": frame }).to_string();
    let far = format!("http://{}/emulation", world.second().address);
    let sent = http
        .post(&far)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(sent.status(), 204);
    assert!(line("\"id\":2").await["error"]["code"].is_u64());
    let unknown =
        json!({ "session": "0123456789abcdef0123456789abcdef", "node": node, "data": "{}" }).to_string();
    let sent = http.post(&far).header("content-type", "application/json").body(unknown).send().await;
    assert_eq!(sent.expect("an answer").status(), 404);
    drop(stream);
    let app = world.app.clone();
    until("the session to end", || app.hub.stats().sessions == 0).await;
    world.finish().await;
}

async fn changed(mut redis: Redis, change: fn(&mut Redis)) -> Redis {
    let change = move || {
        change(&mut redis);
        redis
    };
    tokio::task::spawn_blocking(change).await.expect("it is done")
}

/// Reads the numbers in new messages up to one.
async fn read_up_to(client: &mut Client, seen: &mut Vec<i64>, last: i64) {
    while seen.last().is_none_or(|number| *number < last) {
        let event = client.event("message.created").await;
        seen.push(event["message"]["text"].as_str().and_then(|text| text.parse().ok()).expect("a number"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_goes_away_costs_no_message_and_no_restart() {
    let Some((world, mut redis)) = World::pair().await else { return };
    let mut near = (person(world.address, "agent@example.com").await, Vec::new());
    let mut far = (person(world.second().address, "owner@example.com").await, Vec::new());
    until_ready_is(&world, 200).await;
    let (sent, stopping) = (AtomicI64::new(0), AtomicBool::new(false));
    let traffic = async {
        while !stopping.load(Ordering::SeqCst) {
            let number = sent.fetch_add(1, Ordering::SeqCst) + 1;
            let update = World::update(number, 5_550_305, number, &number.to_string());
            assert_eq!(world.hook(&world.bot, &update).await, 200);
        }
    };
    let faults = async {
        // It dies; and it stands still: its connections stay, and nothing comes.
        let dies: [fn(&mut Redis); 2] = [Redis::kill, Redis::start_again];
        let stands_still: [fn(&mut Redis); 2] = [Redis::pause, Redis::resume];
        for [break_it, mend_it] in [dies, stands_still] {
            redis = changed(redis, break_it).await;
            until_ready_is(&world, 503).await;
            // What is written meanwhile is seen meanwhile.
            let later = sent.load(Ordering::SeqCst) + 1;
            for (client, seen) in [&mut near, &mut far] {
                read_up_to(client, seen, later).await;
            }
            redis = changed(redis, mend_it).await;
            until_ready_is(&world, 200).await;
        }
        stopping.store(true, Ordering::SeqCst);
        redis
    };
    let ((), _redis) = tokio::join!(traffic, faults);
    let last = sent.load(Ordering::SeqCst);
    for (client, seen) in [&mut near, &mut far] {
        read_up_to(client, seen, last).await;
        assert_eq!(*seen, (1..=last).collect::<Vec<_>>(), "each once and in order");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_and_never_published_is_seen() {
    let Some((world, _redis)) = World::pair().await else { return };
    let mut near = person(world.address, "agent@example.com").await;
    let mut far = person(world.second().address, "owner@example.com").await;
    // It commits and tells nobody, as one that dies between the two.
    let silent = world.program(&[("HUBBUB_BUS_URL", "")]).await;
    let update = World::update(1, 5_550_306, 1, "Did anybody hear?").to_string();
    let hook = format!("http://{}/hooks/{}", silent.address, world.bot.hook_token);
    let sent = crate::kit::http()
        .post(hook)
        .header("X-Telegram-Bot-Api-Secret-Token", world.secret(&world.bot))
        .body(update);
    assert_eq!(sent.send().await.expect("an answer").status(), 200);
    for client in [&mut near, &mut far] {
        assert_eq!(client.event("message.created").await["message"]["text"], "Did anybody hear?");
    }
    drop(silent);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_node_had_is_taken_over() {
    let settings = ChannelSettings { lease_ms: 3_000, ..quick() };
    let Some((world, _redis)) = World::pair_with(settings).await else { return };
    let mut doomed = world.program(&[]).await;
    let mut lost = worker(&world, doomed.address).await;
    let mut manager = person(world.address, "agent@example.com").await;
    let mut viewer = person(doomed.address, "owner@example.com").await;
    world.telegram.customer_says(5_550_307, "Hello");
    let turn = lost.offered().await;
    assert_eq!(turn["attempt"], 1);
    let room = format!("conversation:{}", turn["conversation"].as_str().expect("an id"));
    assert!(manager.subscribe(&room).await.get("subscribe").is_some());
    assert!(viewer.subscribe(&room).await.get("subscribe").is_some());
    manager.frame(|frame| frame["push"]["join"]["info"]["conn_info"]["name"] == "owner").await;
    let mut other = worker(&world, world.second().address).await;
    doomed.kill();
    let again = other.offered().await;
    assert_eq!((&again["id"], &again["attempt"]), (&turn["id"], &json!(2)));
    let reply = json!({ "turn": again["id"], "lease": again["lease"], "text": "Hello yourself" });
    other.rpc("turn.reply", reply).await.expect("the answer");
    assert_eq!(world.telegram.sent_reaches(1).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_redis_sees_neither_words_nor_tokens_of_anybody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Some((world, redis)) = World::pair().await else { return };
    let mut thief =
        tokio::net::TcpStream::connect(redis.url().replace("redis://", "")).await.expect("connected");
    thief.write_all(b"PSUBSCRIBE *\r\n").await.expect("written");
    let mut seen = Vec::new();
    let mut read = async |until: &dyn Fn(&[u8]) -> bool, seen: &mut Vec<u8>| {
        let read = async {
            while !until(seen) {
                assert!(thief.read_buf(seen).await.expect("read") > 0);
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("it comes");
    };
    let holds = |seen: &[u8], part: &[u8]| seen.windows(part.len()).any(|one| one == part);
    read(&|seen| holds(seen, b"psubscribe"), &mut seen).await;
    let mut far = person(world.second().address, "owner@example.com").await;
    until_ready_is(&world, 200).await;
    let update = World::update(1, 5_550_306, 1, "words for the shop alone");
    assert_eq!(world.hook(&world.bot, &update).await, 200);
    assert_eq!(far.event("message.created").await["message"]["text"], "words for the shop alone");
    let topic = format!("tenant:{}", world.tenant);
    read(&|seen| holds(seen, topic.as_bytes()), &mut seen).await;
    assert!(!holds(&seen, b"words for the shop alone"));
    assert!(!holds(&seen, b"message.created"));
    drop(redis);
    world.finish().await;
}
