//! The fallback transports over raw HTTP: the same codes and bounds as on a WebSocket, and what only requests can do wrong.

#[path = "support/http.rs"]
pub(crate) mod http;

use std::time::Duration;

use futures_util::StreamExt as _;
use hub::{CloseCode, Form, HubConfig, Peer, StreamKind};
use serde_json::json;

use crate::support::{Server, config, patient};
use http::{ask, post};

const JSON: &str = "application/json";

fn sse(connect: &str) -> String {
    let encoded = connect.replace('{', "%7b").replace('}', "%7d").replace('"', "%22");
    format!("GET /connection/sse?cf_connect={encoded} HTTP/1.1\r\nhost: x\r\n\r\n")
}

#[tokio::test]
async fn both_kinds_connect_call_and_get_what_is_published() {
    let server = Server::start().await;
    let mut lines = server.streamed(json!({"user": "ann"})).await;
    let connect = json!({"id": 1, "connect": {"data": {"user": "bob"}}}).to_string();
    let mut events = server.stream(&sse(&connect)).await;
    events.connected = events.next().await.unwrap()["connect"].clone();
    for (client, kind, user) in
        [(&mut lines, "application/json", "ann"), (&mut events, "text/event-stream", "bob")]
    {
        let head = client.head.to_ascii_lowercase();
        for part in [kind, "no-store", "no-transform", "x-accel-buffering: no"] {
            assert!(head.contains(part), "{part} in {head}");
        }
        assert_eq!(client.call("rpc", json!({"method": "who"})).await["rpc"]["data"], user);
        client.call("subscribe", json!({"channel": "room"})).await;
    }
    server.publish("room", "{\n\"a\": 1}");
    for client in [&mut lines, &mut events] {
        assert_eq!(client.next().await.unwrap()["push"]["pub"]["data"], json!({"a": 1}));
    }
    drop((lines, events));
    server.until_empty().await;
}

#[tokio::test]
async fn a_session_is_reached_by_its_secret_alone() {
    let server = Server::start().await;
    let (ann, mut bob) =
        (server.streamed(json!({"user": "ann"})).await, server.streamed(json!({"user": "bob"})).await);
    let text = |of: &serde_json::Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let (secret, node) = (text(&ann.connected, "session"), text(&ann.connected, "node"));
    assert_eq!(secret.len(), 32);
    // What others see of a client must not help to speak for it.
    assert_ne!(secret, text(&ann.connected, "client").replace('-', ""));
    assert_eq!(node, text(&bob.connected, "node"));
    let socket = server.client("carl").await;
    assert!(socket.connected.get("session").is_none() && socket.connected.get("node").is_none());

    let frame = json!({"id": 2, "rpc": {"method": "who"}}).to_string();
    let of = |session: &str, node: &str| json!({"session": session, "node": node, "data": frame}).to_string();
    let client = text(&ann.connected, "client");
    let flipped = secret.replace(|c| c == secret.chars().next().unwrap(), "0").replacen('0', "1", 1);
    for (body, wanted) in [
        (of(&flipped, &node), 404),
        (of(&client.replace('-', ""), &node), 404),
        (of(&client, &node), 404),
        (of("", &node), 404),
        (of(&secret, "another"), 404),
        (of(&secret, ""), 404),
        ("{}".to_owned(), 404),
        ("{".to_owned(), 400),
        (String::new(), 400),
        (json!({"session": secret, "node": node, "data": frame, "extra": 1}).to_string(), 204),
    ] {
        let (status, _) = ask(&server.host(), &post("/emulation", JSON, &body)).await;
        assert_eq!(status, wanted, "{body}");
    }
    assert_eq!(bob.call("rpc", json!({"method": "who"})).await["rpc"]["data"], "bob");
    let gone = ann.emulated(&frame);
    drop(ann);
    server.until("one less", |stats| stats.sessions == 2).await;
    assert_eq!(ask(&server.host(), &gone).await.0, 404, "the session is over");
}

#[tokio::test]
async fn close_codes_come_as_pushes_and_a_drain_as_well() {
    let server = Server::start().await;
    let mut client = server.streamed(json!({"user": "ann"})).await;
    server.hub.disconnect_user("ann", CloseCode::FORCE_DISCONNECT);
    assert_eq!(client.end().await, 3503);

    let mut client = server.streamed(json!({"user": "ann"})).await;
    assert_eq!(client.send("{}").await, 204);
    assert_eq!(client.end().await, 3501, "a pong without a ping");

    let mut client = server.streamed(json!({"user": "ann"})).await;
    client.send(&json!({"id": 1, "connect": {}}).to_string()).await;
    assert_eq!(client.end().await, 3501, "a second connect");

    let connect = json!({"id": 1, "connect": {"data": {"close": true}}}).to_string();
    let mut client = server.stream(&sse(&connect)).await;
    assert_eq!(client.end().await, 3500);

    for first in ["", "nonsense", "{\"id\":1,\"rpc\":{}}"] {
        let request = post("/connection/http_stream", JSON, first);
        assert_eq!(server.stream(&request).await.end().await, 3501, "{first}");
    }
    let mut client = server.streamed(json!({"user": "ann"})).await;
    let drained = tokio::spawn({
        let hub = server.hub.clone();
        async move { hub.drain(Duration::from_secs(10)).await }
    });
    assert_eq!(client.end().await, 3001);
    patient("the drain", drained).await.unwrap();
    server.until_empty().await;
}

#[tokio::test]
async fn frames_and_bodies_have_the_limits_of_the_session() {
    let server = Server::start().await;
    let mut client = server.streamed(json!({"user": "ann", "max_frame_bytes": 2000})).await;
    let long =
        |size: usize| json!({"id": 2, "rpc": {"method": "echo", "data": "x".repeat(size)}}).to_string();
    assert_eq!(client.send(&long(1500)).await, 204);
    assert_eq!(client.next().await.unwrap()["id"], 2);
    assert_eq!(client.send(&long(2500)).await, 204);
    assert_eq!(client.end().await, 1009);

    let client = server.streamed(json!({"user": "ann"})).await;
    assert_eq!(client.send(&long(200_000)).await, 413);
    let huge = post("/connection/http_stream", JSON, &long(100_000));
    assert_eq!(ask(&server.host(), &huge).await.0, 413);
    let (status, _) =
        ask(&server.host(), "GET /connection/sse HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn who_does_not_answer_pings_is_closed_and_who_does_is_not() {
    let (ping_interval, pong_wait) = (Duration::from_millis(300), Duration::from_millis(250));
    let server = Server::with(HubConfig { ping_interval, pong_wait, ..config() }).await;
    let (mut silent, mut alive) = (server.streamed(json!({})).await, server.streamed(json!({})).await);
    let answering = async {
        for _ in 0..4 {
            assert_eq!(alive.next().await, Some(json!({})));
            assert_eq!(alive.send("{}").await, 204);
        }
    };
    let (code, ()) = tokio::join!(silent.end(), answering);
    assert_eq!(code, 3012);
}

#[tokio::test]
async fn who_reads_too_slowly_is_cut_and_nobody_else_waits() {
    let server = Server::start().await;
    let (mut slow, mut quick) = (server.streamed(json!({})).await, server.streamed(json!({})).await);
    for client in [&mut slow, &mut quick] {
        client.call("subscribe", json!({"channel": "room"})).await;
    }
    let text = format!("\"{}\"", "x".repeat(64 * 1024));
    let mut published = 0;
    while server.hub.stats().subscriptions == 2 {
        published += 1;
        assert!(published < 1000, "what waits for a slow reader has no bound");
        server.publish("room", &text);
        assert!(server.hub.stats().queue_bytes < 4 << 20);
        assert_eq!(quick.next().await.unwrap()["push"]["pub"]["offset"], published);
    }
    // It reads again: first what was written before, then the code.
    let mut offset = 0;
    let last = loop {
        let value = slow.next().await.expect("a code before the end");
        match value["push"]["pub"]["offset"].as_u64() {
            Some(next) => offset += u64::from(next == offset + 1),
            None => break value,
        }
    };
    assert!(offset > 0 && offset < published);
    assert_eq!(last["push"]["disconnect"]["code"], 3008);
    assert!(slow.next().await.is_none() && !slow.broken);
    server.until("the count", |stats| stats.dropped_slow == 1).await;
}

/// Whoever reads nothing at all gets no code, and the answer is not whole.
#[tokio::test]
async fn who_reads_nothing_loses_the_stream() {
    let write_timeout = Duration::from_millis(200);
    let limits = hub::Limits { write_timeout, ..hub::Limits::browser() };
    let server = Server::with(HubConfig { limits, close_wait: write_timeout, ..config() }).await;
    let mut stuck = server.streamed(json!({"write_timeout_ms": 200})).await;
    stuck.call("subscribe", json!({"channel": "room"})).await;
    let text = format!("\"{}\"", "x".repeat(64 * 1024));
    for _ in 0..200 {
        server.publish("room", &text);
        tokio::task::yield_now().await;
    }
    server.until("its end", |stats| stats.sessions == 0).await;
    while stuck.line().await.is_some() {}
    assert!(stuck.broken);
}

/// What waits for them is in memory once, not once for each.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn ten_thousand_streams_that_stand_still_take_no_memory_for_each() {
    fn resident() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }
    const STREAMS: u64 = 10_000;
    let server = Server::with(HubConfig { max_sessions: STREAMS as usize, ..config() }).await;
    let mut bodies = Vec::new();
    for n in 0..STREAMS {
        let first =
            json!({"id": 1, "connect": {"data": {"user": n.to_string(), "rooms": ["room"]}}}).to_string();
        let kind = if n % 2 == 0 { StreamKind::Sse } else { StreamKind::HttpStream(Form::Json) };
        let (session, mut body) = server.hub.serve_stream(kind, first.into(), Peer::default());
        tokio::spawn(session);
        // The reply of connect, and then nothing more.
        assert!(body.next().await.unwrap().is_ok());
        bodies.push(body);
    }
    server.until("all of them", |stats| stats.subscriptions == STREAMS).await;
    let (before, mut most) = (resident(), 0);
    let text = format!("\"{}\"", "x".repeat(64 * 1024));
    // Far more than the queue of each may hold.
    for _ in 0..60 {
        server.publish("room", &text);
        // The writers take what they get, and stand still with it.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        most = most.max(resident());
    }
    let grown = most.saturating_sub(before);
    assert!(grown < 256 << 20, "{} MiB more", grown >> 20);
    server.until("all are closed", |stats| stats.dropped_slow == STREAMS).await;
    drop(bodies);
    server.until_empty().await;
}

#[tokio::test]
async fn requests_wait_for_a_busy_session_in_their_order_and_not_without_bound() {
    let server = Server::start().await;
    let mut client = server.streamed(json!({"user": "ann", "max_concurrent_rpc": 1})).await;
    let command =
        |id: u32, method: &str| json!({"id": id, "rpc": {"method": method, "data": id}}).to_string();
    client.send(&command(2, "gate")).await;
    // The second waits for the first and with it all behind, 32 of them in the session.
    let requests: Vec<_> = (3..=60).rev().map(|id| client.emulated(&command(id, "echo"))).collect();
    let host = server.host();
    let sent: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let host = host.clone();
            tokio::spawn(async move { ask(&host, &request).await.0 })
        })
        .collect();
    server.until("one runs", |stats| stats.rpcs_running == 1).await;
    server.rules.gate.add_permits(1);
    for id in 2..=60 {
        assert_eq!(client.next().await.unwrap()["id"], id);
    }
    for status in sent {
        assert_eq!(status.await.unwrap(), 204);
    }

    client.send(&command(61, "gate")).await;
    let flood: Vec<_> = (62..420).map(|id| client.emulated(&command(id, "echo"))).collect();
    for request in flood {
        let host = host.clone();
        tokio::spawn(async move {
            let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 64]).await;
        });
    }
    assert_eq!(client.end().await, 3013);
    server.rules.gate.add_permits(1);
    server.until_empty().await;
}

#[tokio::test]
async fn many_streams_come_and_go() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..200 {
        let mut client = server.streamed(json!({"user": n.to_string()})).await;
        client.call("subscribe", json!({"channel": "room"})).await;
        clients.push(client);
    }
    server.publish("room", "1");
    for client in &mut clients {
        assert_eq!(client.next().await.unwrap()["push"]["pub"]["offset"], 1);
    }
    drop(clients);
    server.until_empty().await;
}
