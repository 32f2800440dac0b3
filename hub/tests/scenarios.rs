//! Extreme but permitted clients: thousands of rooms on one connection, subscribing and leaving faster than the replies
//! come, all commands concurrently, payloads of every size, and reconnecting under a stream of publications.

use hub::{CloseCode, HubConfig};
use serde_json::{Value, json};

use crate::support::{
    Server,
    client::{Client, offsets},
    config,
};

#[tokio::test]
async fn two_thousand_rooms_on_one_connection() {
    const ROOMS: u64 = 2000;
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann", "max_rooms": ROOMS})).await;
    for first in (0..ROOMS).step_by(16) {
        let subscribe = |n| json!({"id": 10 + n, "subscribe": {"channel": format!("room {n}")}});
        client.send_all(&(first..first + 16).map(subscribe).collect::<Vec<_>>()).await;
        for n in first..first + 16 {
            assert_eq!(client.next().await.unwrap()["id"], 10 + n);
        }
    }
    assert_eq!(client.error("subscribe", json!({"channel": "one more"})).await, 106);
    server.until("all of them", |s| s.subscriptions == ROOMS).await;
    for n in 0..ROOMS {
        server.publish(&format!("room {n}"), &n.to_string());
    }
    let mut seen = vec![0; ROOMS as usize];
    for _ in 0..ROOMS {
        let push = client.push().await;
        let room = &push["channel"].as_str().unwrap()[5..];
        assert_eq!(push["pub"], json!({"offset": 1, "data": room.parse::<u64>().unwrap()}));
        seen[room.parse::<usize>().unwrap()] += 1;
    }
    assert!(seen.iter().all(|count| *count == 1));
    drop(client);
    server.until_empty().await;
}

/// Subscribes and leaves without waiting for an answer. Within each membership the offsets go on without a gap
/// from the position in its reply, and none comes outside of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribing_and_leaving_faster_than_the_answers_come() {
    const ROUNDS: u64 = 60;
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let commands = (0..ROUNDS).flat_map(|n| {
        [
            json!({"id": 100 + 2 * n, "subscribe": {"channel": "room"}}),
            json!({"id": 101 + 2 * n, "unsubscribe": {"channel": "room"}}),
        ]
    });
    let commands: Vec<_> = commands.collect();
    let publishing = async {
        for n in 0..400 {
            server.publish("room", &n.to_string());
            tokio::task::yield_now().await;
        }
    };
    let following = async {
        for pair in commands.chunks(8) {
            client.send_all(pair).await;
        }
        let mut position = None;
        let mut answered = 100;
        while answered < 100 + 2 * ROUNDS {
            let value = client.next().await.unwrap();
            if let Some(push) = value.get("push") {
                let offset = push["pub"]["offset"].as_u64().unwrap();
                let before: u64 = position.expect("a publication outside of a membership");
                assert_eq!(offset, before + 1);
                position = Some(offset);
                continue;
            }
            assert_eq!(value["id"], answered, "{value}");
            position = value.get("subscribe").map(|reply| reply["offset"].as_u64().unwrap_or(0));
            answered += 1;
        }
    };
    tokio::join!(publishing, following);
    server.until("nobody", |s| s.subscriptions == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_command_at_once() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann"})).await;
    client.call("subscribe", json!({"channel": "room", "data": {"presence": true}})).await;
    client.push().await;
    let mut asked = Vec::new();
    for n in 0..40 {
        asked.push(("publish", client.start("publish", json!({"channel": "room", "data": n})).await));
        asked.push(("history", client.start("history", json!({"channel": "room", "limit": 3})).await));
        asked.push(("rpc", client.start("rpc", json!({"method": "echo", "data": n})).await));
        asked.push(("presence", client.start("presence", json!({"channel": "room"})).await));
    }
    let (mut replies, mut published) = (std::collections::HashMap::new(), Vec::new());
    while replies.len() < asked.len() || published.len() < 40 {
        let value = client.next().await.unwrap();
        match value["push"].get("pub") {
            Some(publication) => published.push(publication["offset"].as_u64().unwrap()),
            None => assert!(replies.insert(value["id"].as_u64().unwrap(), value).is_none()),
        }
    }
    assert_eq!(published, (1..=40).collect::<Vec<_>>());
    for (kind, id) in asked {
        let reply = &replies[&u64::from(id)];
        assert!(reply.get(kind).is_some(), "{kind}: {reply}");
    }
}

#[tokio::test]
async fn payloads_of_every_size_arrive_whole() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann", "max_queue_bytes": 8 << 20})).await;
    client.subscribe("room").await;
    let texts: Vec<Value> = (0..=20)
        .flat_map(|power| [(1 << power) - 1, 1 << power])
        .map(|size| "x".repeat(size).into())
        .collect();
    for text in &texts {
        server.publish("room", &text.to_string());
    }
    for (n, text) in texts.iter().enumerate() {
        let (offset, data) = client.publication().await;
        assert_eq!(offset, n as u64 + 1);
        assert!(data == *text, "of {} bytes", text.as_str().unwrap().len());
    }
}

/// Reads up to an offset, in order and without a gap.
async fn follow(client: &mut Client, position: &mut u64, last: u64) {
    while *position < last {
        let (offset, data) = client.publication().await;
        assert_eq!((offset, data), (*position + 1, json!(offset)));
        *position = offset;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_returns_while_publications_rain() {
    const CLIENTS: u64 = 150;
    let server = Server::with(HubConfig { recovery_limit: 10_000, ..config() }).await;
    let publish = |n: u64| server.publish("room", &n.to_string());
    (1..=10).for_each(|n| assert_eq!(publish(n), n));
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        let mut client = server.client(&n.to_string()).await;
        client.subscribe("room").await;
        clients.push(client);
    }
    (11..=20).for_each(|n| assert_eq!(publish(n), n));
    for client in &mut clients {
        follow(client, &mut 10, 20).await;
    }
    assert_eq!(server.hub.disconnect_all(|_| true, CloseCode::FORCE_RECONNECT), CLIENTS as usize);
    let raining = async {
        for n in 21..=400 {
            publish(n);
            tokio::task::yield_now().await;
        }
    };
    let returning = (0..CLIENTS).map(async |n| {
        let mut client = server.client(&n.to_string()).await;
        let reply = client.resume("room", 20, "first").await;
        assert_eq!(reply["recovered"], true);
        let missed = offsets(&reply);
        let mut position = 20 + missed.len() as u64;
        assert_eq!(missed, (21..=position).collect::<Vec<_>>());
        follow(&mut client, &mut position, 400).await;
    });
    tokio::join!(raining, futures_util::future::join_all(returning));
    drop(clients);
    server.until_empty().await;
}
