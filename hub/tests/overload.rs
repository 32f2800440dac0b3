//! Too many connects or commands at once, and revocation while a connect is being decided.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use hub::{CloseCode, HubConfig};
use serde_json::json;

use crate::support::{Server, config, wait_for};

#[tokio::test]
async fn connects_over_the_bound_wait_and_over_the_line_are_refused_to_come_again() {
    let config = HubConfig {
        max_connecting: 1,
        max_connect_queue: 1,
        connect_queue_wait: Duration::from_secs(20),
        ..config()
    };
    let server = Server::with(config).await;
    let mut first = server.open().await;
    let first_id = first.start("connect", json!({"data": {"user": "first", "wait": true}})).await;
    wait_for("the first at the authority", || server.rules.waiting.load(SeqCst) == 1).await;

    // Of two more one is queued, whichever is first.
    let (mut a, mut b) = (server.open().await, server.open().await);
    let ids = (a.start("connect", json!({})).await, b.start("connect", json!({})).await);
    let (refused, mut waiting, waiting_id) = tokio::select! {
        reply = a.reply(ids.0) => (reply, b, ids.1),
        reply = b.reply(ids.1) => (reply, a, ids.0),
    };
    assert_eq!(refused["error"], json!({"code": 111, "message": "too many requests", "temporary": true}));

    server.rules.door.add_permits(1);
    assert!(first.reply(first_id).await.get("connect").is_some());
    assert!(waiting.reply(waiting_id).await.get("connect").is_some());
}

#[tokio::test]
async fn who_waits_too_long_in_line_is_refused_to_come_again() {
    let config = HubConfig { max_connecting: 1, connect_queue_wait: Duration::from_millis(20), ..config() };
    let server = Server::with(config).await;
    let mut first = server.open().await;
    let first_id = first.start("connect", json!({"data": {"wait": true}})).await;
    wait_for("the first at the authority", || server.rules.waiting.load(SeqCst) == 1).await;
    let mut second = server.open().await;
    assert_eq!(second.error("connect", json!({})).await, 111);
    server.rules.door.add_permits(1);
    assert!(first.reply(first_id).await.get("connect").is_some());
    server.client("third").await;
}

#[tokio::test]
async fn a_flood_of_commands_closes_with_3013() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann", "commands_per_second": 10})).await;
    let flood: Vec<_> = (2..=40).map(|id| json!({"id": id, "presence_stats": {"channel": "a"}})).collect();
    client.send_all(&flood).await;
    let mut answered = 0;
    let close = loop {
        match client.next().await {
            Ok(_) => answered += 1,
            Err(close) => break close,
        }
    };
    assert_eq!((close.code, close.reason.as_str()), (3013, "too many requests"));
    assert!((20..39).contains(&answered), "the burst is two seconds' worth: {answered}");
}

#[tokio::test]
async fn who_is_thrown_out_while_connecting_stays_out() {
    let server = Server::start().await;
    let mut ann = server.open().await;
    ann.start("connect", json!({"data": {"user": "ann", "wait": true}})).await;
    let mut bob = server.open().await;
    let bob_id = bob.start("connect", json!({"data": {"user": "bob", "wait": true}})).await;
    wait_for("both at the authority", || server.rules.waiting.load(SeqCst) == 2).await;
    server.hub.disconnect_user("ann", CloseCode::FORCE_DISCONNECT);
    server.rules.door.add_permits(2);
    let close = ann.close().await;
    assert_eq!((close.code, close.reason.as_str()), (3503, "force disconnect"));
    assert!(bob.reply(bob_id).await.get("connect").is_some());
    server.client("ann").await;
}

#[tokio::test]
async fn all_sessions_of_a_kind_are_closed_together() {
    let server = Server::start().await;
    let mut phones = Vec::new();
    for _ in 0..3 {
        phones.push(server.client("ann's phone").await);
    }
    let mut desk = server.client("ann's desk").await;
    let code = CloseCode::new(4500, "this token was taken back");
    let closed = server.hub.disconnect_all(|info| info.user.ends_with("phone"), code);
    assert_eq!(closed, 3);
    for mut phone in phones {
        assert_eq!(phone.close().await.code, 4500);
    }
    desk.call("rpc", json!({"method": "who"})).await;
}

#[tokio::test]
async fn a_burst_of_large_publications_costs_nobody_the_connection_who_reads() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for name in ["ann", "bob"] {
        let mut client = server.client(name).await;
        client.subscribe("room").await;
        clients.push(client);
    }
    let text = json!("x".repeat(60_000)).to_string();
    let burst: Vec<_> = (0..60).map(|_| server.log.append("room", &text, hub::Tags::default())).collect();
    let hub = server.hub.clone();
    // As the thread of a database does: everything of one commit, without a pause.
    std::thread::spawn(move || burst.into_iter().for_each(|one| hub.publish("room", one))).join().unwrap();
    let read = clients.iter_mut().map(async |client| {
        for n in 1..=60 {
            assert_eq!(client.publication().await.0, n);
        }
    });
    futures_util::future::join_all(read).await;
    assert_eq!(server.hub.stats().dropped_slow, 0);
}
