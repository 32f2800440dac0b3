//! The frames themselves, in Protobuf.

use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn malformed_binary_frames_close_with_3501_and_harm_nobody_else() {
    let server = Server::start().await;
    let mut healthy = server.client("healthy").await;
    healthy.subscribe("room").await;
    let bad: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x05\x08\x01",
        b"\x02\x08\x02",
        b"\x02\xff\xff",
        b"\x80",
        b"{\"id\":2,\"rpc\":{}}",
        b"\x02\x6a\x00",
    ];
    for frame in bad {
        let mut client = server.client("bad").await;
        client.send_binary(frame.to_vec()).await;
        let close = client.close().await;
        assert_eq!((close.code, close.reason.as_str()), (3501, "bad request"), "{frame:?}");
    }
    let mut text = server.client("bad").await;
    text.send_text("{\"id\":2,\"rpc\":{\"method\":\"who\"}}").await;
    assert_eq!(text.close().await.code, 3501, "text");

    server.publish("room", "1");
    assert_eq!(healthy.publication().await.0, 1);
    drop(healthy);
    server.until_empty().await;
}

#[tokio::test]
async fn pings_are_empty_messages() {
    let config = hub::HubConfig {
        ping_interval: std::time::Duration::from_millis(100),
        pong_wait: std::time::Duration::from_secs(5),
        ..crate::support::config()
    };
    let server = Server::with(config).await;
    let mut client = server.client("ann").await;
    client.answer_pings = false;
    for _ in 0..2 {
        assert_eq!(client.next().await.unwrap(), json!({}));
        client.answer_ping().await;
    }
    client.call("rpc", json!({"method": "who"})).await;
}
