//! The short commands, their error replies, and history.

use serde_json::json;

use crate::support::{Server, client::offsets};

#[tokio::test]
async fn refusals_have_their_codes_and_leave_the_session_alone() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.connect(json!({"user": "ann", "max_rooms": 2})).await;
    let long = "x".repeat(256);
    assert_eq!(client.error("subscribe", json!({"channel": long})).await, 107);
    assert_eq!(client.error("subscribe", json!({"channel": "a", "data": {"error": 403}})).await, 403);
    assert_eq!(client.error("subscribe", json!({"channel": "a", "data": {"panic": true}})).await, 100);
    client.subscribe("a").await;
    assert_eq!(client.error("subscribe", json!({"channel": "a"})).await, 105);
    client.subscribe(&"x".repeat(255)).await;
    assert_eq!(client.error("subscribe", json!({"channel": "c"})).await, 106);
    assert_eq!(client.call("unsubscribe", json!({"channel": "never seen"})).await, json!({}));
    assert_eq!(client.call("unsubscribe", json!({"channel": "a"})).await, json!({}));
    client.subscribe("c").await;
    assert_eq!(client.error("ping", json!({})).await, 108);
    assert_eq!(client.error("rpc", json!({"method": "unheard of"})).await, 104);
    assert_eq!(client.error("publish", json!({"channel": "forbidden", "data": 1})).await, 103);
    assert_eq!(client.error("publish", json!({"channel": "c"})).await, 107);
    assert_eq!(client.error("presence", json!({"channel": "not mine"})).await, 103);
    assert_eq!(client.error("presence", json!({"channel": "c"})).await, 108);
    assert_eq!(client.error("history", json!({"channel": "not mine"})).await, 103);
    assert_eq!(client.error("sub_refresh", json!({"channel": "not mine", "token": "9"})).await, 103);
}

#[tokio::test]
async fn after_unsubscribe_nothing_comes() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.subscribe("a").await;
    client.subscribe("b").await;
    client.call("unsubscribe", json!({"channel": "a"})).await;
    server.publish("a", "1");
    server.publish("b", "2");
    assert_eq!(client.push().await["channel"], "b");
    assert_eq!(server.hub.stats().subscriptions, 1);
}

#[tokio::test]
async fn clients_publish_as_the_authority_decides() {
    let server = Server::start().await;
    let mut ann = server.client("ann").await;
    let mut bob = server.client("bob").await;
    for room in ["kept", "fleeting", "handled"] {
        ann.subscribe(room).await;
        bob.subscribe(room).await;
    }
    assert_eq!(ann.call("publish", json!({"channel": "handled", "data": 0})).await, json!({}));
    ann.call("publish", json!({"channel": "kept", "data": {"n": null}})).await;
    ann.call("publish", json!({"channel": "fleeting", "data": null})).await;
    for client in [&mut ann, &mut bob] {
        let kept = client.push().await;
        assert_eq!((&kept["channel"], &kept["pub"]["offset"]), (&json!("kept"), &json!(1)));
        assert_eq!(kept["pub"]["data"], json!({"n": null}));
        assert_eq!(kept["pub"]["info"]["user"], "ann");
        assert!(kept["pub"]["time"].as_i64().unwrap() > 0);
        let fleeting = client.push().await;
        assert_eq!(fleeting["channel"], "fleeting");
        assert!(fleeting["pub"].get("offset").is_none());
        assert_eq!(fleeting["pub"]["data"], json!(null));
    }
}

#[tokio::test]
async fn history_by_limit_since_and_reverse() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    for n in 1..=9 {
        server.publish("room", &n.to_string());
    }
    let mut history = async |more: serde_json::Value| {
        let mut body = json!({"channel": "room"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = client.ask("history", body).await;
        assert!(reply.get("error").is_some() || reply["history"]["offset"] == 9, "{reply}");
        (offsets(&reply["history"]), reply["error"]["code"].as_u64())
    };
    assert_eq!(history(json!({})).await.0, [0u64; 0]);
    assert_eq!(history(json!({"limit": 3})).await.0, [1, 2, 3]);
    assert_eq!(history(json!({"limit": -1})).await.0.len(), 9);
    assert_eq!(history(json!({"limit": 2, "reverse": true})).await.0, [9, 8]);
    assert_eq!(history(json!({"limit": 2, "since": {"offset": 5, "epoch": "first"}})).await.0, [6, 7]);
    assert_eq!(history(json!({"limit": 2, "since": {"offset": 5}, "reverse": true})).await.0, [4, 3]);
    assert_eq!(history(json!({"since": {"offset": 5, "epoch": "first"}})).await.0, [6, 7, 8, 9]);
    assert_eq!(history(json!({"limit": 2, "since": {"offset": 5, "epoch": "other"}})).await.1, Some(112));
}

#[tokio::test]
async fn history_is_filtered_like_the_live_stream() {
    let server = Server::with(hub::HubConfig { log_page: 3, ..crate::support::config() }).await;
    let mut client = server.client("ann").await;
    client.call("subscribe", json!({"channel": "room", "data": {"color": "red"}})).await;
    for n in 0..20 {
        server.publish_tagged("room", "0", if n % 5 == 0 { "red" } else { "blue" });
    }
    let reply = client.call("history", json!({"channel": "room", "limit": 3})).await;
    assert_eq!(offsets(&reply), [1, 6, 11]);
    let reply = client.call("history", json!({"channel": "room", "limit": 3, "reverse": true})).await;
    assert_eq!(offsets(&reply), [16, 11, 6]);
}

#[tokio::test]
async fn an_ephemeral_room_has_no_history() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let reply = client.call("subscribe", json!({"channel": "typing", "data": {"ephemeral": true}})).await;
    assert_eq!(reply, json!({}));
    assert_eq!(client.error("history", json!({"channel": "typing", "limit": 1})).await, 108);
    server.hub.publish_ephemeral(None, "typing", "{\"kind\":\"typing\"}".into(), hub::Tags::default());
    assert_eq!(client.publication().await, (0, json!({"kind": "typing"})));
    assert_eq!(server.hub.stats().log_reads, 0);
}
