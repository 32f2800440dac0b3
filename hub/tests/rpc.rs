//! Calls run concurrently, are bounded, and delay no other command.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use hub::HubConfig;
use serde_json::json;

use crate::support::{Server, config, wait_for};

#[tokio::test]
async fn a_slow_call_blocks_neither_pings_nor_pushes_nor_other_commands() {
    let ping_interval = Duration::from_millis(60);
    let pong_wait = Duration::from_millis(50);
    let server = Server::with(HubConfig { ping_interval, pong_wait, ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    let slow = client.start("rpc", json!({"method": "gate", "data": "slow"})).await;
    wait_for("the call to wait", || server.rules.waiting.load(SeqCst) == 1).await;
    server.publish("room", "1");
    assert_eq!(client.publication().await.0, 1);
    assert_eq!(
        client.call("rpc", json!({"method": "echo", "data": {"a": null}})).await["data"],
        json!({"a": null})
    );
    client.subscribe("other").await;
    client.answer_pings = false;
    for _ in 0..3 {
        assert_eq!(client.next().await.unwrap(), json!({}));
        client.send_all(&[json!({})]).await;
    }
    client.answer_pings = true;
    server.rules.gate.add_permits(1);
    assert_eq!(client.reply(slow).await["rpc"]["data"], "slow");
}

#[tokio::test]
async fn a_slow_subscribe_does_not_stop_pongs() {
    let ping_interval = Duration::from_millis(60);
    let pong_wait = Duration::from_millis(50);
    let server = Server::with(HubConfig { ping_interval, pong_wait, ..config() }).await;
    let mut client = server.client("ann").await;
    let slow = client.start("subscribe", json!({"channel": "a", "data": {"wait": true}})).await;
    client.answer_pings = false;
    for _ in 0..4 {
        assert_eq!(client.next().await.unwrap(), json!({}));
        client.send_all(&[json!({})]).await;
    }
    client.answer_pings = true;
    server.rules.door.add_permits(1);
    assert!(client.reply(slow).await.get("subscribe").is_some());
}

#[tokio::test]
async fn calls_start_in_order_up_to_the_bound_and_the_rest_wait() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann", "max_concurrent_rpc": 2})).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(client.start("rpc", json!({"method": "gate", "data": n})).await);
    }
    for running in 2..=5 {
        wait_for("two calls to wait", || server.rules.waiting.load(SeqCst) == running).await;
        assert_eq!(server.hub.stats().rpcs_running, 2);
        if running < 5 {
            server.rules.gate.add_permits(1);
        }
    }
    server.rules.gate.add_permits(2);
    for _ in &ids {
        let reply = client.next().await.unwrap();
        assert!(ids.contains(&(reply["id"].as_u64().unwrap() as u32)), "{reply}");
    }
    let mut started = server.rules.calls.lock().unwrap().clone();
    started.sort();
    assert_eq!(started, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn too_many_calls_a_second_are_error_111() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann", "rpc_per_second": 1})).await;
    client.call("rpc", json!({"method": "who"})).await;
    let reply = client.ask("rpc", json!({"method": "who"})).await;
    assert_eq!(reply["error"], json!({"code": 111, "message": "too many requests", "temporary": true}));
}

#[tokio::test]
async fn a_panic_in_a_call_is_an_error_100_and_nothing_else() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let mut other = server.client("bob").await;
    let reply = client.ask("rpc", json!({"method": "panic"})).await;
    // Not temporary: it would panic again.
    assert_eq!(reply["error"], json!({"code": 100, "message": "internal server error"}));
    assert_eq!(server.hub.stats().panics, 1);
    assert_eq!(client.call("rpc", json!({"method": "who"})).await["data"], "ann");
    assert_eq!(other.call("rpc", json!({"method": "who"})).await["data"], "bob");
    assert_eq!(server.hub.stats().rpcs_running, 0);
}

#[tokio::test]
async fn a_call_runs_to_its_end_though_the_client_is_gone() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.start("rpc", json!({"method": "gate"})).await;
    wait_for("the call to wait", || server.rules.waiting.load(SeqCst) == 1).await;
    drop(client);
    server.until("the session to end", |s| s.sessions == 0).await;
    assert_eq!(server.hub.stats().rpcs_running, 1);
    server.rules.gate.add_permits(1);
    server.until_empty().await;
    assert_eq!(server.rules.gate.available_permits(), 0, "the call took its permit");
}
