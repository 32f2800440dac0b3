//! Recovery without a gap, and the honest reply when it is not possible.

use std::sync::atomic::Ordering::SeqCst;

use hub::{CloseCode, HubConfig};
use serde_json::json;

use crate::support::{Server, client::offsets, config, wait_for};

async fn with_events(config: HubConfig, count: u64) -> Server {
    let server = Server::with(config).await;
    for n in 1..=count {
        server.publish("room", &n.to_string());
    }
    server
}

#[tokio::test]
async fn a_fresh_subscriber_gets_the_position_and_what_follows() {
    let server = with_events(config(), 4).await;
    let mut client = server.client("ann").await;
    let reply = client.subscribe("room").await;
    assert_eq!(reply, json!({"recoverable": true, "positioned": true, "epoch": "first", "offset": 4}));
    server.publish("room", "5");
    assert_eq!(client.publication().await, (5, json!(5)));
}

#[tokio::test]
async fn the_missed_ones_come_from_the_log_page_by_page() {
    let server = with_events(HubConfig { log_page: 3, ..config() }, 10).await;
    let mut client = server.client("ann").await;
    let reply = client.resume("room", 2, "first").await;
    assert_eq!(offsets(&reply), [3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(reply["publications"][0], json!({"data": 3, "offset": 3}));
    assert_eq!((&reply["was_recovering"], &reply["recovered"]), (&json!(true), &json!(true)));
    assert_eq!(reply["offset"], 2, "the position of the request: the client moves on by publication");
    server.publish("room", "11");
    assert_eq!(client.publication().await.0, 11);
    assert_eq!(server.hub.stats().recovered, 1);
}

#[tokio::test]
async fn the_recent_ones_come_from_memory() {
    let server = with_events(config(), 5).await;
    let mut keeper = server.client("keeper").await;
    keeper.subscribe("room").await;
    for n in 6..=9 {
        server.publish("room", &n.to_string());
    }
    let reads = server.log.reads.load(SeqCst);
    let mut client = server.client("ann").await;
    assert_eq!(offsets(&client.resume("room", 5, "first").await), [6, 7, 8, 9]);
    assert_eq!(server.log.reads.load(SeqCst), reads, "nobody read the log");
    // Older ones are read from the log once, and then kept in memory.
    let mut older = server.client("bob").await;
    assert_eq!(offsets(&older.resume("room", 3, "").await), [4, 5, 6, 7, 8, 9]);
    let reads = server.log.reads.load(SeqCst);
    let mut again = server.client("cat").await;
    assert_eq!(offsets(&again.resume("room", 3, "first").await), [4, 5, 6, 7, 8, 9]);
    assert_eq!(server.log.reads.load(SeqCst), reads);
}

#[tokio::test]
async fn a_position_in_another_stream_is_not_recovered_from_memory() {
    let server = with_events(config(), 5).await;
    let mut keeper = server.client("keeper").await;
    keeper.subscribe("room").await;
    for n in 6..=9 {
        server.publish("room", &n.to_string());
    }
    let mut client = server.client("ann").await;
    let reply = client.resume("room", 7, "second").await;
    assert_eq!((&reply["was_recovering"], reply.get("recovered")), (&json!(true), None), "{reply}");
}

#[tokio::test]
async fn few_that_are_too_long_together_are_not_recovered() {
    let limits = HubConfig { recovery_bytes: 10_000, room_memory_bytes: 0, ..config() };
    let server = Server::with(limits).await;
    for _ in 0..10 {
        server.publish("room", &format!("\"{}\"", "a".repeat(2_000)));
    }
    let mut client = server.client("ann").await;
    assert_eq!(client.resume("room", 6, "first").await["recovered"], true);
    let mut client = server.client("ann").await;
    let reply = client.resume("room", 1, "first").await;
    assert_eq!((&reply["recovered"], &reply["was_recovering"]), (&serde_json::Value::Null, &json!(true)));
    let next = server.publish("room", "0");
    assert_eq!(client.publication().await.0, next);
}

#[tokio::test]
async fn a_room_that_lingers_keeps_its_memory() {
    let linger = HubConfig { room_linger: std::time::Duration::from_mins(1), ..config() };
    let server = with_events(linger, 1).await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    drop(client);
    server.until("the session to end", |s| s.sessions == 0).await;
    server.publish("room", "2");
    let reads = server.log.reads.load(SeqCst);
    let mut client = server.client("ann").await;
    assert_eq!(offsets(&client.resume("room", 1, "first").await), [2]);
    assert_eq!(server.log.reads.load(SeqCst), reads);
}

#[tokio::test]
async fn what_cannot_be_recovered_is_said_so_and_the_stream_goes_on() {
    let limits = HubConfig { recovery_limit: 5, room_memory_bytes: 0, ..config() };
    let server = with_events(limits, 20).await;
    server.log.trim("room", 10);
    let cases = [
        ("too old", 9, "first"),
        ("another epoch", 18, "second"),
        ("the epoch of a client that lost its state", 20, "_"),
        ("ahead of the log", 1000, "first"),
        ("too much", 14, "first"),
    ];
    for (why, offset, epoch) in cases {
        let mut client = server.client("ann").await;
        let reply = client.resume("room", offset, epoch).await;
        let top = server.hub.stats().published;
        let told = json!({"recoverable": true, "positioned": true, "epoch": "first",
            "offset": top, "was_recovering": true});
        assert_eq!(reply, told, "{why}");
        let next = server.publish("room", "0");
        assert_eq!(client.publication().await.0, next, "{why}");

        let strict = json!({"channel": "strict", "recover": true, "offset": 3, "epoch": epoch, "flag": 3});
        assert_eq!(client.error("subscribe", strict).await, 112, "{why}");
        client.subscribe("strict").await;
    }
    assert_eq!(server.hub.stats().recovered, 0);
    let top = server.hub.stats().published;
    let mut client = server.client("ann").await;
    assert_eq!(client.resume("room", top - 5, "first").await["recovered"], true, "exactly the limit");
    let mut client = server.client("ann").await;
    let reply = client.resume("room", top, "first").await;
    assert_eq!((&reply["recovered"], &reply["offset"]), (&json!(true), &json!(top)), "nothing missed");
}

#[tokio::test]
async fn a_filter_holds_live_and_in_recovery() {
    let server = Server::with(HubConfig { recovery_limit: 4, ..config() }).await;
    let red = json!({"color": "red"});
    let mut client = server.client("ann").await;
    let reply = client.call("subscribe", json!({"channel": "room", "data": red})).await;
    assert_eq!(reply.get("offset"), None);
    for n in 1..=12 {
        server.publish_tagged("room", &n.to_string(), if n % 4 == 0 { "red" } else { "blue" });
    }
    for n in [4, 8, 12] {
        assert_eq!(client.publication().await.0, n);
    }
    // More were missed than may be recovered, but few of them pass this client's filter.
    for keep_memory in [true, false] {
        if !keep_memory {
            drop(std::mem::replace(&mut client, server.client("new").await));
            server.until("an empty room", |s| s.rooms == 0).await;
        }
        let mut back = server.client("ann").await;
        let body = json!({"channel": "room", "data": red, "recover": true, "offset": 1, "epoch": "first"});
        let reply = back.call("subscribe", body).await;
        assert_eq!(offsets(&reply), [4, 8, 12], "from memory: {keep_memory}");
        assert_eq!((&reply["recovered"], &reply["offset"]), (&json!(true), &json!(1)));
        let body = json!({"channel": "other", "data": {"color": "green"}, "recover": true});
        assert_eq!(back.call("subscribe", body).await["recovered"], true);
    }
}

#[tokio::test]
async fn with_all_missed_ones_filtered_out_the_position_still_advances() {
    let server = Server::start().await;
    for n in 1..=3 {
        server.publish_tagged("room", &n.to_string(), "blue");
    }
    let mut client = server.client("ann").await;
    let body =
        json!({"channel": "room", "data": {"color": "red"}, "recover": true, "offset": 1, "epoch": "first"});
    let reply = client.call("subscribe", body).await;
    assert_eq!((offsets(&reply), &reply["offset"], &reply["recovered"]), (vec![], &json!(3), &json!(true)));
}

#[tokio::test]
async fn a_client_ahead_of_the_room_gets_no_duplicates() {
    // Its snapshot is newer than what was published here so far.
    let server = with_events(config(), 2).await;
    let mut keeper = server.client("keeper").await;
    keeper.subscribe("room").await;
    let third = server.log.append("room", "3", hub::Tags::default());
    let fourth = server.log.append("room", "4", hub::Tags::default());
    let mut client = server.client("ann").await;
    let reply = client.resume("room", 3, "first").await;
    assert_eq!((offsets(&reply), &reply["recovered"]), (vec![4], &json!(true)));
    server.hub.publish("room", third);
    server.hub.publish("room", fourth);
    server.publish("room", "5");
    assert_eq!(client.publication().await.0, 5);
    for n in 3..=5 {
        assert_eq!(keeper.publication().await.0, n);
    }
}

#[tokio::test]
async fn a_broken_log_is_a_temporary_error_and_later_all_is_well() {
    let server = with_events(config(), 3).await;
    let mut client = server.client("ann").await;
    server.log.broken.store(true, SeqCst);
    let reply = client.ask("subscribe", json!({"channel": "room"})).await;
    assert_eq!(reply["error"], json!({"code": 100, "message": "internal server error", "temporary": true}));
    server.log.broken.store(false, SeqCst);
    assert_eq!(offsets(&client.resume("room", 1, "first").await), [2, 3]);
    let mut connecting = server.open().await;
    server.log.broken.store(true, SeqCst);
    connecting.start("connect", json!({"data": {"rooms": ["cold"]}})).await;
    assert_eq!(connecting.close().await.code, 3004);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_returning_clients_costs_the_log_almost_nothing() {
    let linger = HubConfig { room_linger: std::time::Duration::from_mins(1), ..config() };
    let server = with_events(linger, 50).await;
    let mut clients = Vec::new();
    for n in 0..100 {
        let mut client = server.client(&n.to_string()).await;
        client.subscribe("room").await;
        clients.push(client);
    }
    drop(clients);
    server.until("all to be gone", |s| s.sessions == 0).await;
    for _ in 0..20 {
        server.publish("room", "0");
    }
    let reads = server.log.reads.load(SeqCst);
    let returning = (0..100).map(async |n: u32| {
        let mut client = server.client(&n.to_string()).await;
        let reply = client.resume("room", 50, "first").await;
        assert_eq!(offsets(&reply), (51..=70).collect::<Vec<_>>());
        server.hub.disconnect_session(client.id(), hub::CloseCode::FORCE_RECONNECT);
        client.close().await;
    });
    futures_util::future::join_all(returning).await;
    assert_eq!(server.log.reads.load(SeqCst), reads);
}

#[tokio::test]
async fn nothing_live_goes_out_if_the_reply_with_what_came_before_does_not() {
    let server = Server::start().await;
    for n in 1..=3 {
        server.publish("room", &n.to_string());
    }
    let mut client = server.open().await;
    let position = json!({"room": {"recover": true, "offset": 1, "epoch": "first"}});
    let rooms = json!({"user": "ann", "rooms": ["room", "stalled"]});
    client.start("connect", json!({"data": rooms, "subs": position})).await;
    server.until("ann in the first room", |stats| stats.subscriptions == 1).await;
    server.publish("room", "4");
    server.hub.disconnect_user("ann", CloseCode::SHUTDOWN);
    // With 4 delivered it would never ask for 2 and 3.
    assert_eq!(client.next().await.unwrap_err().code, 3001);
}

#[tokio::test]
async fn no_message_comes_before_the_connect_reply() {
    let server = Server::start().await;
    let mut client = server.open().await;
    let id = client.start("connect", json!({"data": {"user": "ann", "rooms": ["stalled"]}})).await;
    wait_for("ann", || !server.hub.sessions_of("ann").is_empty()).await;
    let session = server.hub.sessions_of("ann")[0];
    assert!(server.hub.send(session, "1".into()));
    server.log.stall.add_permits(1);
    assert_eq!(client.next().await.unwrap()["id"], id);
    assert_eq!(client.push().await["message"]["data"], 1);
}

#[tokio::test]
async fn those_who_follow_no_stream_miss_nothing_while_it_is_opened() {
    let server = Server::start().await;
    let mut passer_by = server.client("ann").await;
    passer_by.call("subscribe", json!({"channel": "stalled", "data": {"ephemeral": true}})).await;
    let mut follower = server.client("bob").await;
    let id = follower.start("subscribe", json!({"channel": "stalled"})).await;
    server.until("bob at the log", |_| server.log.waiting.load(SeqCst) == 1).await;
    server.publish("stalled", "1");
    server.log.stall.add_permits(1);
    assert_eq!(passer_by.publication().await.0, 1);
    assert_eq!(follower.reply(id).await["subscribe"]["offset"], 1);
    server.publish("stalled", "2");
    assert_eq!((passer_by.publication().await.0, follower.publication().await.0), (2, 2));
}

#[tokio::test]
async fn those_who_follow_no_stream_miss_nothing_if_it_is_not_opened() {
    let server = Server::start().await;
    let mut passer_by = server.client("ann").await;
    passer_by.call("subscribe", json!({"channel": "stalled", "data": {"ephemeral": true}})).await;
    let mut follower = server.client("bob").await;
    follower.start("subscribe", json!({"channel": "stalled"})).await;
    server.until("bob at the log", |_| server.log.waiting.load(SeqCst) == 1).await;
    server.publish("stalled", "1");
    drop(follower);
    assert_eq!(passer_by.publication().await.0, 1);
    server.publish("stalled", "2");
    assert_eq!(passer_by.publication().await.0, 2);
}
