//! The client's own filter on tags, and tags on the wire.

use serde_json::json;

use crate::support::{Server, client::offsets};

fn color(cmp: &str, val: &str) -> serde_json::Value {
    json!({"key": "color", "cmp": cmp, "val": val})
}

#[tokio::test]
async fn a_filter_holds_live_and_in_recovery() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.call("subscribe", json!({"channel": "room", "tf": color("eq", "red")})).await;
    for n in 1..=10 {
        server.publish_tagged("room", "0", if n % 3 == 0 { "red" } else { "blue" });
    }
    for n in [3, 6, 9] {
        let push = client.push().await;
        assert_eq!((&push["pub"]["offset"], &push["pub"]["tags"]), (&json!(n), &json!({"color": "red"})));
    }
    // The client's filter does not apply to history.
    let history = client.call("history", json!({"channel": "room", "limit": 4})).await;
    assert_eq!(offsets(&history), [1, 2, 3, 4]);

    let filter = json!({"op": "not", "nodes": [{"key": "color", "cmp": "in", "vals": ["blue", "green"]}]});
    let body = json!({"channel": "room", "tf": filter, "recover": true, "offset": 4, "epoch": "first"});
    let reply = server.client("bob").await.call("subscribe", body).await;
    assert_eq!((offsets(&reply), &reply["recovered"]), (vec![6, 9], &json!(true)));
}

#[tokio::test]
async fn a_filter_only_narrows_what_is_allowed() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let body = json!({"channel": "room", "data": {"color": "red"}, "tf": color("neq", "green")});
    client.call("subscribe", body).await;
    for color in ["blue", "green", "red"] {
        server.publish_tagged("room", "0", color);
    }
    assert_eq!(client.publication().await.0, 3);
}

#[tokio::test]
async fn a_senseless_filter_is_refused() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    assert_eq!(client.error("subscribe", json!({"channel": "room", "tf": color("like", "r")})).await, 107);
    client.subscribe("room").await;
}
