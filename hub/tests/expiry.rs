//! Connections and subscriptions that expire unless they are refreshed.

use std::time::Duration;

use hub::HubConfig;
use serde_json::json;

use crate::support::{Server, client::Client, config};

async fn short_grace() -> Server {
    Server::with(HubConfig { expiry_grace: Duration::from_millis(50), ..config() }).await
}

async fn connect(server: &Server, data: serde_json::Value) -> Client {
    let mut client = server.open().await;
    client.connect(data).await;
    client
}

#[tokio::test]
async fn an_unrefreshed_connection_ends_with_3005() {
    let server = short_grace().await;
    let mut client = connect(&server, json!({"user": "ann", "expires_in_s": 1})).await;
    assert_eq!((&client.connected["expires"], &client.connected["ttl"]), (&json!(true), &json!(1)));
    let close = client.close().await;
    assert_eq!((close.code, close.reason.as_str()), (3005, "connection expired"));
}

#[tokio::test]
async fn a_refreshed_connection_outlives_its_first_expiry() {
    let server = short_grace().await;
    let mut client = connect(&server, json!({"user": "ann", "expires_in_s": 1})).await;
    let mut witness = connect(&server, json!({"user": "bob", "expires_in_s": 1})).await;
    let reply = client.call("refresh", json!({"token": "3600"})).await;
    assert_eq!(reply["client"], client.connected["client"]);
    assert_eq!((&reply["expires"], &reply["ttl"]), (&json!(true), &json!(3600)));
    assert_eq!(witness.close().await.code, 3005, "the time has come for whoever did not refresh");
    assert_eq!(client.call("rpc", json!({"method": "who"})).await["data"], "ann");
    client.start("refresh", json!({"token": "invalid"})).await;
    assert_eq!(client.close().await.code, 3500);
}

#[tokio::test]
async fn who_refreshes_with_an_expired_token_may_come_back_with_another() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.start("refresh", json!({"token": "-5"})).await;
    assert_eq!(client.close().await.code, 3005);
}

#[tokio::test]
async fn a_token_for_something_else_ends_the_connection() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.subscribe("room").await;
    assert_eq!(client.error("sub_refresh", json!({"channel": "room", "token": "nonsense"})).await, 103);
    client.start("sub_refresh", json!({"channel": "room", "token": "somebody else's"})).await;
    assert_eq!(client.close().await.code, 3500);
    let mut client = server.client("ann").await;
    client.start("subscribe", json!({"channel": "room", "data": {"close": true}})).await;
    assert_eq!(client.close().await.code, 3500);
}

#[tokio::test]
async fn who_refreshes_a_subscription_with_an_expired_token_comes_again_with_another() {
    let server = short_grace().await;
    let mut client = server.client("ann").await;
    client.call("subscribe", json!({"channel": "room", "data": {"expires_in_s": 1}})).await;
    let id = client.start("sub_refresh", json!({"channel": "room", "token": "-5"})).await;
    // For a client an error that is not temporary is final.
    let error = client.reply(id).await["error"].clone();
    assert_eq!(error, json!({"code": 109, "message": "token expired", "temporary": true}));
    assert_eq!(
        client.call("sub_refresh", json!({"channel": "room", "token": "3600"})).await,
        json!({"expires": true, "ttl": 3600})
    );
    // A client that is late subscribes again, and gets the error that its token has expired.
    client.call("subscribe", json!({"channel": "lost", "data": {"expires_in_s": 1}})).await;
    assert_eq!(client.push().await["unsubscribe"]["code"], 2501);
    let again = json!({"channel": "lost", "data": {"expires_in_s": -1}});
    assert_eq!(client.error("subscribe", again).await, 109);
}

#[tokio::test]
async fn an_expired_token_at_connect_is_error_109() {
    let server = Server::start().await;
    let mut client = server.open().await;
    assert_eq!(client.error("connect", json!({"data": {"expires_in_s": -1}})).await, 109);
}

#[tokio::test]
async fn an_unrefreshed_subscription_ends_alone() {
    let server = short_grace().await;
    let mut client = server.client("ann").await;
    let short = json!({"expires_in_s": 1});
    for room in ["kept", "lost"] {
        let reply = client.call("subscribe", json!({"channel": room, "data": short})).await;
        assert_eq!((&reply["expires"], &reply["ttl"]), (&json!(true), &json!(1)));
    }
    let reply = client.call("sub_refresh", json!({"channel": "kept", "token": "3600"})).await;
    assert_eq!(reply, json!({"expires": true, "ttl": 3600}));
    let push = client.push().await;
    let unsubscribe = json!({"code": 2501, "reason": "subscription expired"});
    assert_eq!(push, json!({"channel": "lost", "unsubscribe": unsubscribe}));
    server.publish("lost", "1");
    server.publish("kept", "2");
    assert_eq!(client.push().await["channel"], "kept");
}
