//! From the opened socket to the connect reply.

use serde_json::json;

use crate::support::{Server, client::offsets};

#[tokio::test]
async fn the_first_frame_is_optimistic() {
    let server = Server::start().await;
    let mut client = server.open().await;
    let frame = [
        json!({"connect": {"data": {"user": "ann"}, "name": "js"}, "id": 1}),
        json!({"subscribe": {"channel": "a", "flag": 1}, "id": 2}),
        json!({"subscribe": {"channel": "b"}, "id": 3}),
    ];
    client.send_all(&frame).await;
    for id in 1..=3 {
        assert_eq!(client.next().await.unwrap()["id"], id);
    }
}

#[tokio::test]
async fn the_connect_reply_says_what_the_client_needs() {
    let server = Server::start().await;
    let mut client = server.open().await;
    let reply = client.connect(json!({"user": "ann"})).await;
    assert_eq!(reply["ping"], 25);
    assert_eq!(reply["pong"], true);
    assert!(reply["time"].as_i64().unwrap() > 1_600_000_000_000);
    assert!(reply["version"].as_str().unwrap().starts_with("hubbub"));
    assert_eq!(reply["client"].as_str().unwrap().len(), 36);
    assert!(reply.get("expires").is_none() && reply.get("subs").is_none());
}

#[tokio::test]
async fn after_a_refused_connect_nothing_counts() {
    let server = Server::start().await;
    let mut client = server.open().await;
    let reply = client.ask("connect", json!({"data": {"error": 111}})).await;
    assert_eq!(reply["error"], json!({"code": 111, "message": "too many requests", "temporary": true}));
    client.start("subscribe", json!({"channel": "a"})).await;
    client.start("connect", json!({"data": {"user": "ann"}})).await;
    client.start("nonsense", json!({})).await;
    let close = client.close().await;
    assert_eq!((close.code, close.reason.as_str()), (3501, "bad request"), "the only answer is to the last");
    assert!(client.pushes.is_empty());
    server.until_empty().await;
}

#[tokio::test]
async fn an_authority_may_close_or_panic_at_connect() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.start("connect", json!({"data": {"close": true}})).await;
    assert_eq!(client.close().await.code, 3500);

    let mut client = server.open().await;
    let reply = client.ask("connect", json!({"data": {"panic": true}})).await;
    assert_eq!(reply["error"]["code"], 100);
    assert_eq!(reply["error"]["temporary"], true);
    assert_eq!(server.hub.stats().panics, 1);
}

#[tokio::test]
async fn server_side_rooms_are_in_the_connect_reply_before_any_push() {
    let server = Server::start().await;
    for n in 1..=3 {
        server.publish("tenant:1", &n.to_string());
    }
    let mut client = server.open().await;
    let reply = client.connect(json!({"user": "ann", "rooms": ["tenant:1", "tenant:2"]})).await;
    assert_eq!(
        reply["subs"]["tenant:1"],
        json!({"recoverable": true, "positioned": true, "epoch": "first", "offset": 3})
    );
    assert_eq!(reply["subs"]["tenant:2"], json!({"recoverable": true, "positioned": true, "epoch": "first"}));
    server.publish("tenant:1", "4");
    assert_eq!(client.publication().await, (4, json!(4)));
    assert_eq!(client.error("subscribe", json!({"channel": "tenant:1"})).await, 105);
}

#[tokio::test]
async fn a_push_that_comes_while_connecting_waits_for_the_reply() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.start("connect", json!({"data": {"rooms": ["quick", "stalled"]}})).await;
    server.until("the first room to be joined", |s| s.subscriptions == 1).await;
    server.publish("quick", "1");
    server.until("the push to be in line", |s| s.queue_bytes > 0).await;
    server.log.stall.add_permits(1);
    assert!(client.next().await.unwrap().get("connect").is_some());
    assert_eq!(client.publication().await, (1, json!(1)));
}

#[tokio::test]
async fn a_room_that_is_slow_to_join_holds_up_no_other() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.subscribe("quick").await;
    let body = json!({"channel": "stalled", "recover": true, "epoch": "first"});
    let id = client.start("subscribe", body).await;
    server.until("both rooms", |s| s.rooms == 2).await;
    server.publish("stalled", "\"missed\"");
    server.publish("quick", "1");
    assert_eq!(client.publication().await, (1, json!(1)));
    server.log.stall.add_permits(2);
    let reply = client.reply(id).await;
    assert_eq!(offsets(&reply["subscribe"]), [1]);
    assert!(client.pushes.is_empty());
}

#[tokio::test]
async fn server_side_rooms_resume_from_connect_subs() {
    let server = Server::start().await;
    for n in 1..=5 {
        server.publish("tenant:1", &n.to_string());
    }
    let mut client = server.open().await;
    let subs = json!({
        "tenant:1": {"recover": true, "offset": 2, "epoch": "first"},
        "tenant:2": {"recover": true, "offset": 2, "epoch": "first"},
        "not:mine": {"recover": true, "offset": 2, "epoch": "first"},
    });
    let data = json!({"user": "ann", "rooms": ["tenant:1", "tenant:2"]});
    let reply = client.call("connect", json!({"data": data, "subs": subs})).await;
    let resumed = &reply["subs"]["tenant:1"];
    assert_eq!(offsets(resumed), [3, 4, 5]);
    assert_eq!((&resumed["recovered"], &resumed["offset"]), (&json!(true), &json!(2)));
    let ahead = &reply["subs"]["tenant:2"];
    assert_eq!((&ahead["was_recovering"], ahead.get("recovered")), (&json!(true), None));
    assert!(reply["subs"].get("not:mine").is_none());
}

#[tokio::test]
async fn too_many_server_side_rooms_close_with_3505() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.start("connect", json!({"data": {"rooms": ["a", "b", "c"], "max_rooms": 2}})).await;
    assert_eq!(client.close().await.code, 3505);
    server.until_empty().await;
}
