//! Publications that arrive late, twice, or never.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use hub::{Descriptors, HubConfig, Tags};
use serde_json::json;

use crate::support::{Server, client::Client, config};

#[tokio::test]
async fn out_of_order_and_twice_is_delivered_in_order_and_once() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    let reads = server.log.reads.load(SeqCst);
    let all: Vec<_> =
        (1..=5).map(|n: u32| server.log.append("room", &n.to_string(), Tags::default())).collect();
    for n in [2, 2, 0, 0, 4, 3, 1, 1, 4] {
        server.hub.publish("room", all[n].clone());
    }
    for n in 1..=5 {
        assert_eq!(client.publication().await, (n, json!(n)));
    }
    server.publish("room", "6");
    assert_eq!(client.publication().await.0, 6);
    assert_eq!(server.log.reads.load(SeqCst), reads);
}

#[tokio::test]
async fn what_never_comes_is_read_from_the_log() {
    let server =
        Server::with(HubConfig { gap_wait: Duration::from_millis(10), log_page: 2, ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    for n in 1..=7 {
        let publication = server.log.append("room", &n.to_string(), Tags::default());
        if n == 7 {
            server.hub.publish("room", publication);
        }
    }
    for n in 1..=7 {
        assert_eq!(client.publication().await, (n, json!(n)));
    }
    assert_eq!(server.hub.stats().gap_filled, 6);
}

#[tokio::test]
async fn a_full_hold_reads_the_log_at_once() {
    let patient = HubConfig { gap_wait: Duration::from_hours(1), gap_hold: 4, ..config() };
    let server = Server::with(patient).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    server.log.append("room", "1", Tags::default());
    for n in 2..=20 {
        server.publish("room", &n.to_string());
    }
    for n in 1..=20 {
        assert_eq!(client.publication().await.0, n);
    }
}

#[tokio::test]
async fn a_gap_waits_for_a_broken_log() {
    let server = Server::with(HubConfig { gap_wait: Duration::from_millis(1), ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    server.log.append("room", "1", Tags::default());
    server.log.broken.store(true, SeqCst);
    server.publish("room", "2");
    server.until("a failed read", |s| s.log_errors > 1).await;
    server.log.broken.store(false, SeqCst);
    assert_eq!(client.publication().await.0, 1);
    assert_eq!(client.publication().await.0, 2);
}

#[tokio::test]
async fn the_loss_of_the_very_last_one_is_noticed() {
    let check = Some(Duration::from_millis(30));
    let server = Server::with(HubConfig { position_check: check, ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    server.log.append("room", "1", Tags::default());
    assert_eq!(client.publication().await.0, 1, "nobody ever told of it");
}

#[tokio::test]
async fn a_lost_stream_makes_subscribers_begin_again() {
    let check = Some(Duration::from_millis(30));
    let server = Server::with(HubConfig { position_check: check, ..config() }).await;
    let mut by_client = server.client("ann").await;
    by_client.subscribe("room").await;
    let mut by_server = server.open().await;
    by_server.connect(json!({"user": "bob", "rooms": ["room"]})).await;
    for n in 1..=3 {
        server.publish("room", &n.to_string());
        assert_eq!(by_client.publication().await.0, n);
    }
    server.log.lose("room", "second");
    let unsubscribe = json!({"code": 2500, "reason": "insufficient state"});
    assert_eq!(by_client.push().await, json!({"channel": "room", "unsubscribe": unsubscribe}));
    assert_eq!(by_server.close().await.code, 3010);
    let reply = by_client.resume("room", 3, "first").await;
    assert_eq!((&reply["epoch"], &reply["was_recovering"]), (&json!("second"), &json!(true)));
    assert!(reply.get("recovered").is_none());
    server.publish("room", "\"new\"");
    assert_eq!(by_client.publication().await, (1, json!("new")));
}

#[tokio::test]
async fn publications_lost_to_the_log_too_are_not_skipped_silently() {
    let server = Server::with(HubConfig { gap_wait: Duration::from_millis(1), ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    for n in 1..=3 {
        server.log.append("room", &n.to_string(), Tags::default());
    }
    server.log.trim("room", 2);
    server.publish("room", "4");
    assert_eq!(client.push().await["unsubscribe"]["code"], 2500);
}

#[tokio::test]
async fn a_stream_that_begins_anew_under_a_busy_room_is_noticed_at_once() {
    for room_memory_bytes in [0, 100_000] {
        // Only the publications themselves show it.
        let config = HubConfig { position_check: None, room_memory_bytes, ..config() };
        let server = Server::with(config).await;
        let mut client = server.client("ann").await;
        client.subscribe("room").await;
        for n in 1..=5 {
            server.publish("room", &format!("\"old {n}\""));
            assert_eq!(client.publication().await.0, n);
        }
        server.log.lose("room", "second");
        server.publish("room", "\"new 1\"");
        assert_eq!(client.push().await["unsubscribe"]["code"], 2500);
        let reply = client.resume("room", 5, "first").await;
        assert_eq!((&reply["epoch"], reply.get("recovered")), (&json!("second"), None));
        server.publish("room", "\"new 2\"");
        assert_eq!(client.publication().await, (2, json!("new 2")));
    }
}

#[tokio::test]
async fn nothing_is_recovered_from_a_stream_that_ended_while_nobody_was_there() {
    let linger = Duration::from_mins(1);
    let server = Server::with(HubConfig { room_linger: linger, position_check: None, ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    for n in 1..=3 {
        server.publish("room", &n.to_string());
        assert_eq!(client.publication().await.0, n);
    }
    client.call("unsubscribe", json!({"channel": "room"})).await;
    server.log.lose("room", "second");
    server.publish("room", "\"new\"");
    server.until("the loss to be noticed", |stats| stats.streams_lost == 1).await;
    let reply = client.resume("room", 3, "first").await;
    assert_eq!(
        (&reply["epoch"], &reply["offset"], reply.get("recovered")),
        (&json!("second"), &json!(1), None)
    );
}

#[tokio::test]
async fn a_log_that_fell_back_is_noticed_by_what_it_says_instead() {
    // Once with a log that is shorter than before, once with one that has grown to the same length again.
    for published in 1..=2 {
        let server = Server::with(HubConfig { position_check: None, ..config() }).await;
        let mut by_client = server.client("ann").await;
        by_client.subscribe("room").await;
        let mut by_server = server.open().await;
        by_server.connect(json!({"user": "bob", "rooms": ["room"]})).await;
        for n in 1..=5 {
            server.publish("room", &format!("\"old {n}\""));
            assert_eq!(by_client.publication().await.0, n);
        }
        server.log.fall_back("room", 3);
        let again: Vec<_> =
            (0..published).map(|_| server.log.append("room", "\"new\"", Tags::default())).collect();
        server.hub.publish("room", again[0].clone());
        let unsubscribe = json!({"code": 2502, "reason": "state invalidated"});
        assert_eq!(
            by_client.push().await,
            json!({"channel": "room", "unsubscribe": unsubscribe}),
            "{published}"
        );
        assert_eq!(by_server.close().await.code, 3014);
        // As a client does after this code.
        let reply = by_client.resume("room", 0, "_").await;
        assert_eq!((&reply["offset"], reply.get("recovered")), (&json!(3 + published), None));
    }
}

/// A client that has received three publications.
async fn at_the_third() -> (Server, Client) {
    let server = Server::with(HubConfig { position_check: None, ..config() }).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    for n in 1..=3 {
        server.publish("room", &n.to_string());
        assert_eq!(client.publication().await.0, n);
    }
    (server, client)
}

#[tokio::test]
async fn what_is_published_twice_in_other_words_is_no_lost_stream() {
    let (server, mut client) = at_the_third().await;
    let reads = server.log.reads.load(SeqCst);
    let other = hub::Publication { offset: 2, data: "\"other\"".into(), ..hub::Publication::default() };
    server.hub.publish("room", other);
    server.until("a look into the log", |_| server.log.reads.load(SeqCst) > reads).await;
    server.publish("room", "4");
    assert_eq!(client.publication().await, (4, json!(4)));
    assert_eq!(server.hub.stats().streams_lost, 0);
}

#[tokio::test]
async fn who_knows_another_epoch_makes_the_room_look() {
    let (server, mut client) = at_the_third().await;
    server.log.lose("room", "second");
    let mut other = server.client("bob").await;
    let reply = other.resume("room", 0, "second").await;
    assert_eq!((&reply["epoch"], reply.get("recovered")), (&json!("first"), None));
    for told in [&mut client, &mut other] {
        assert_eq!(told.push().await["unsubscribe"]["code"], 2500);
    }
    assert_eq!(other.resume("room", 0, "second").await["recovered"], true);
}

#[tokio::test]
async fn a_doubt_outlives_a_log_that_cannot_be_read() {
    let (server, mut client) = at_the_third().await;
    server.log.lose("room", "second");
    server.log.broken.store(true, SeqCst);
    server.publish("room", "\"new\"");
    server.until("a failed look", |stats| stats.log_errors > 0).await;
    server.log.broken.store(false, SeqCst);
    assert_eq!(client.push().await["unsubscribe"]["code"], 2500);
}

/// As two processes on one database that were given no bus.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_write_is_found_in_the_log() {
    let at = |node: &str| HubConfig {
        watch: Duration::from_hours(1),
        watch_broken: Duration::from_millis(30),
        node: node.to_owned(),
        ..config()
    };
    let a = Server::with(at("a")).await;
    let b = Server::on(Arc::clone(&a.log), at("b"), Descriptors::raise(0, 0)).await;
    let mut far = b.client("bob").await;
    far.subscribe("room").await;
    b.hub.set_strangers(true);
    for n in 1..=5 {
        a.publish("room", &n.to_string());
        assert_eq!(far.publication().await, (n, json!(n)));
    }
}
