//! Many receivers, one of them slow.

use std::time::Duration;

use hub::{HubConfig, Tags};
use serde_json::json;

use crate::support::{Server, config};

#[tokio::test]
async fn a_slow_reader_is_cut_with_3008_and_nobody_else_waits() {
    let server = Server::start().await;
    let mut slow = server.open().await;
    slow.connect(json!({"user": "slow", "max_queue_bytes": 64 * 1024})).await;
    slow.subscribe("room").await;
    let mut quick = server.client("quick").await;
    quick.subscribe("room").await;
    let text = format!("\"{}\"", "x".repeat(16 * 1024));
    let mut published = 0;
    while server.hub.sessions_of("slow").len() == 1 && server.rules.closed.lock().unwrap().is_empty() {
        published += 1;
        assert!(published < 10_000, "the slow one was never cut");
        server.publish("room", &text);
        assert_eq!(quick.publication().await.0, published);
        if server.hub.stats().subscriptions == 1 {
            break;
        }
    }
    // It reads again: first what was written before, then the close frame with the reason.
    let close = slow.close().await;
    assert_eq!((close.code, close.reason.as_str()), (3008, "slow"));
    server.until("the count", |s| s.dropped_slow == 1).await;
    server.publish("room", "1");
    assert_eq!(quick.publication().await, (published + 1, json!(1)));
}

#[tokio::test]
async fn an_unread_socket_does_not_grow_without_bound_by_its_own_commands() {
    let server = Server::start().await;
    let mut greedy = server.open().await;
    greedy.connect(json!({"user": "greedy", "max_queue_bytes": 32 * 1024, "max_concurrent_rpc": 2})).await;
    let data = "x".repeat(20 * 1024);
    let flood = async {
        for _ in 0..4000 {
            greedy.start("rpc", json!({"method": "echo", "data": data})).await;
        }
    };
    // The server stops taking commands before its queue grows, so the flood cannot all be sent.
    let watch = server.until("a full queue", |s| s.queue_bytes > 32 * 1024);
    tokio::select! {
        () = flood => panic!("80 MB of commands were taken though no reply was read"),
        () = watch => {}
    }
    assert!(server.hub.stats().queue_bytes < 256 * 1024, "{:?}", server.hub.stats());
    drop(greedy);
    server.until_empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_room_gets_everything_in_order() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..150 {
        let mut client = server.client(&n.to_string()).await;
        client.subscribe("room").await;
        clients.push(client);
    }
    for n in 1..=200 {
        server.publish("room", &n.to_string());
        if n % 10 == 0 {
            server.hub.publish_ephemeral(
                None,
                "room",
                json!({"after": n}).to_string().into(),
                Tags::default(),
            );
        }
    }
    for client in &mut clients {
        for n in 1..=200 {
            assert_eq!(client.publication().await, (n, json!(n)));
            if n % 10 == 0 {
                assert_eq!(client.publication().await, (0, json!({"after": n})));
            }
        }
    }
    assert_eq!(server.hub.stats().delivered, 150 * 220);
}

#[tokio::test]
async fn data_of_any_shape_arrives() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    server.publish("room", "{\n \"pretty\": true\r\n}");
    server.publish("room", "\"\\u0000 \u{2028} ✓\"");
    assert_eq!(client.publication().await, (1, json!({"pretty": true})));
    assert_eq!(client.publication().await, (2, json!("\u{0} \u{2028} ✓")));
}

#[test]
fn publishing_needs_no_runtime_thread() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let mut client = runtime.block_on(async {
        let mut client = server.client("ann").await;
        client.subscribe("room").await;
        client
    });
    // This thread is outside the runtime.
    server.publish("room", "1");
    let second = server.log.append("room", "2", Tags::default());
    server.publish("room", "3");
    runtime.block_on(async {
        assert_eq!(client.publication().await.0, 1);
        assert_eq!(client.publication().await.0, second.offset);
        assert_eq!(client.publication().await.0, 3);
    });
}

#[tokio::test]
async fn a_ping_that_waits_behind_much_else_is_not_held_against_the_client() {
    let (ping_interval, pong_wait) = (Duration::from_millis(50), Duration::from_secs(1));
    let config = HubConfig { ping_interval, pong_wait, ..config() };
    let server = Server::with(config).await;
    let mut busy = server.open().await;
    busy.connect(json!({"user": "busy", "max_queue_bytes": 64 << 20})).await;
    busy.subscribe("room").await;
    let text = format!("\"{}\"", "x".repeat(256 * 1024));
    let mut published = 0;
    while server.hub.stats().queue_bytes < 4 << 20 {
        published += 1;
        assert!(published < 400, "nothing waits though nobody reads");
        server.publish("room", &text);
        tokio::task::yield_now().await;
    }
    // Several pings are due, and the answer to the first.
    tokio::time::sleep(pong_wait + 5 * ping_interval).await;
    for offset in 1..=published {
        assert_eq!(busy.publication().await.0, offset);
    }
    assert_eq!(busy.call("rpc", json!({"method": "echo", "data": 1})).await["data"], 1);
}
