//! Every reason for which a session is closed, with its exact code and text.

use std::time::Duration;

use hub::HubConfig;
use serde_json::json;

use crate::{
    raw::Raw,
    support::{Server, client::Client, config},
};

async fn closes(mut client: Client, code: u16, why: &str) {
    let close = client.close().await;
    assert_eq!(close.code, code, "{why}");
    assert!(!close.reason.is_empty() && close.reason.len() <= 123, "{why}");
    assert!(serde_json::from_str::<serde_json::Value>(&close.reason).is_err(), "{why}: reason is JSON");
}

#[tokio::test]
async fn malformed_frames_close_with_3501_and_harm_nobody_else() {
    let server = Server::start().await;
    let mut healthy = server.client("healthy").await;
    healthy.subscribe("room").await;
    let bad = [
        "",
        "\n",
        " ",
        "{",
        "not json",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{\"id\":2}",
        "{\"id\":2,\"unheard_of\":{}}",
        "{\"id\":\"2\",\"rpc\":{}}",
        "{\"id\":-2,\"rpc\":{}}",
        "{\"id\":4294967296,\"rpc\":{}}",
        "{\"rpc\":{\"method\":\"echo\"}}",
        "{\"id\":0,\"subscribe\":{\"channel\":\"a\"}}",
        "{\"id\":2,\"subscribe\":{\"channel\":\"\"}}",
        "{\"id\":2,\"unsubscribe\":{}}",
        "{\"id\":2,\"publish\":{\"data\":1}}",
        "{\"id\":2,\"presence\":{}}",
        "{\"id\":2,\"history\":{}}",
        "{\"id\":2,\"subscribe\":{\"channel\":7}}",
        "{\"id\":2,\"connect\":{}}",
        "{\"id\":2,\"rpc\":{\"method\":\"echo\"}}\ntrailing",
        "{}",
    ];
    for frame in bad {
        let mut client = server.client("bad").await;
        client.send_text(frame).await;
        closes(client, 3501, frame).await;
    }
    let mut binary = server.client("bad").await;
    binary.send_binary(b"{}".to_vec()).await;
    closes(binary, 3501, "binary").await;

    server.publish("room", "1");
    assert_eq!(healthy.publication().await.0, 1);
    drop(healthy);
    server.until_empty().await;
}

#[tokio::test]
async fn commands_before_a_bad_one_are_still_answered() {
    let server = Server::start().await;
    let mut client = server.open().await;
    client.send_text("{\"connect\":{},\"id\":1}\n{\"subscribe\":{\"channel\":\"a\"},\"id\":2}\n{oops").await;
    assert!(client.reply(1).await.get("connect").is_some());
    assert!(client.reply(2).await.get("subscribe").is_some());
    closes(client, 3501, "oops").await;
}

#[tokio::test]
async fn the_first_command_must_be_connect() {
    let server = Server::start().await;
    for frame in ["{\"id\":1,\"subscribe\":{\"channel\":\"a\"}}", "{}", "{\"send\":{}}"] {
        let mut client = server.open().await;
        client.send_text(frame).await;
        closes(client, 3501, frame).await;
    }
}

#[tokio::test]
async fn an_oversized_frame_closes_with_1009() {
    let server = Server::start().await;
    // Over the bound of the engine and under that of the transport; then over both.
    for size in [100 * 1024, 2 * 1024 * 1024] {
        let mut client = server.client("ann").await;
        client.send_text(format!("{{\"id\":2,\"rpc\":{{\"data\":\"{}\"}}}}", "x".repeat(size))).await;
        let close = client.close().await;
        assert!(close.code == 1009 || (size > 1 << 20 && close.code == 1006), "{close:?}");
    }
    server.until_empty().await;
}

#[tokio::test]
async fn silence_before_connect_is_stale() {
    let server = Server::with(HubConfig { connect_wait: Duration::from_millis(50), ..config() }).await;
    closes(server.open().await, 3502, "stale").await;
    let mut refused = server.open().await;
    refused.ask("connect", json!({"data": {"error": 101}})).await;
    closes(refused, 3502, "refused and silent").await;
}

#[tokio::test]
async fn a_ping_is_an_empty_object_and_must_be_answered() {
    let wait = Duration::from_millis(40);
    let config = HubConfig { ping_interval: 4 * wait, pong_wait: Duration::from_secs(5), ..config() };
    let server = Server::with(config).await;
    let mut client = server.client("ann").await;
    client.answer_pings = false;
    for _ in 0..3 {
        assert_eq!(client.next().await.unwrap(), json!({}));
        client.send_text("{}").await;
    }
    client.send_text("{}").await;
    closes(client, 3501, "a pong without a ping").await;

    let server = Server::with(HubConfig { ping_interval: 2 * wait, pong_wait: wait, ..self::config() }).await;
    let mut client = server.client("ann").await;
    client.answer_pings = false;
    assert_eq!(client.next().await.unwrap(), json!({}));
    closes(client, 3012, "no pong").await;
}

#[tokio::test]
async fn a_message_nobody_wants_closes_with_3508() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.send_text("{\"send\":{\"data\":{\"hello\":1}}}").await;
    client.call("rpc", json!({"method": "who"})).await;
    assert_eq!(*server.rules.messages.lock().unwrap(), ["{\"hello\":1}"]);
    client.send_text("{\"send\":{\"data\":\"unwelcome\"}}").await;
    closes(client, 3508, "unwelcome").await;
}

#[tokio::test]
async fn pings_of_the_websocket_for_those_who_ask_for_them() {
    let wait = Duration::from_millis(300);
    let server = Server::with(HubConfig { ping_interval: 2 * wait, pong_wait: wait, ..config() }).await;
    let path = "/connection/websocket?cf_ws_frame_ping_pong=true";
    let (mut raw, _) = Raw::upgrade_at(&server, path, "").await;
    raw.send(0x81, br#"{"id":1,"connect":{}}"#).await;
    let reply = raw.json().await;
    assert!(reply["connect"].is_object(), "{reply}");
    assert_eq!((reply["connect"].get("ping"), reply["connect"].get("pong")), (None, None));
    for _ in 0..3 {
        assert_eq!(raw.next().await, (0x89, Vec::new()));
        raw.send(0x8a, b"").await;
    }
    // Pong frames without a ping are allowed.
    raw.send(0x8a, b"once more").await;
    raw.send(0x81, br#"{"id":2,"rpc":{"method":"who"}}"#).await;
    assert_eq!(raw.json().await["id"], 2);
    assert_eq!(raw.next().await, (0x89, Vec::new()));
    raw.closes(3012, "a ping without an answer").await;
}
