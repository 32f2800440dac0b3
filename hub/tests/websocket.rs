//! The framing over a raw stream: valid frames are served, violations end with the right code.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    raw::{self, Raw, host},
    support::{Server, patient},
};

#[tokio::test]
async fn fragments_with_a_ping_between_them_are_one_message() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    raw.send(0x01, b"{\"id\":1,\"con").await;
    raw.send(0x89, b"are you there").await;
    assert_eq!(raw.next().await, (0x8a, b"are you there".to_vec()));
    raw.send(0x00, b"").await;
    raw.send(0x80, b"nect\":{}}").await;
    let reply = raw.json().await;
    assert_eq!((&reply["id"], reply["connect"].is_object()), (&json!(1), true));
}

#[tokio::test]
async fn a_close_is_answered_and_the_stream_ends() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    raw.send(0x88, &1000u16.to_be_bytes()).await;
    raw.closes(1000, "bye").await;
    raw.ends().await;
    server.until_empty().await;
}

#[tokio::test]
async fn broken_framing_closes_with_its_code_and_harms_nobody_else() {
    let server = Server::start().await;
    let mut healthy = server.client("healthy").await;
    healthy.subscribe("room").await;
    let cases: [(u8, &[u8], u16); 7] = [
        (0xc1, b"{}", 1002),
        (0x80, b"{}", 1002),
        (0x83, b"{}", 1002),
        (0x09, b"", 1002),
        (0x88, b"\x03", 1002),
        (0x88, &[0x03, 0xed], 1002),
        (0x81, b"\xff{}", 1007),
    ];
    for (first, payload, code) in cases {
        let mut raw = Raw::open(&server).await;
        raw.send(first, payload).await;
        raw.closes(code, &format!("{first:x} {payload:?}")).await;
        // What follows is ignored.
        raw.send(0x81, b"{\"id\":1,\"connect\":{}}").await;
    }
    let mut unmasked = Raw::open(&server).await;
    unmasked.0.write_all(b"\x81\x02{}").await.unwrap();
    unmasked.closes(1002, "without mask").await;
    let mut huge = Raw::open(&server).await;
    // Before connect as well.
    huge.0.write_all(b"\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00").await.unwrap();
    huge.closes(1009, "huge").await;

    drop((unmasked, huge));
    server.publish("room", "1");
    assert_eq!(healthy.publication().await.0, 1);
    drop(healthy);
    server.until_empty().await;
}

#[tokio::test]
async fn a_message_is_refused_by_its_header_under_the_limit_of_the_moment() {
    let server = Server::start().await;
    let connect = |max: usize| format!("{{\"id\":1,\"connect\":{{\"data\":{{\"max_frame_bytes\":{max}}}}}}}");
    let big = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70];

    // Before connect the bound is 64 KiB.
    let mut nobody = Raw::open(&server).await;
    nobody.0.write_all(&big).await.unwrap();
    nobody.closes(1009, "before connect").await;

    let mut in_parts = Raw::open(&server).await;
    in_parts.send(0x01, &vec![b' '; 40_000]).await;
    in_parts.0.write_all(&[0x80, 0xfe, 0x9c, 0x40]).await.unwrap();
    in_parts.closes(1009, "the sum of its fragments").await;

    // Connected with a lower bound, while the reader already waits.
    let mut small = Raw::open(&server).await;
    small.send(0x81, connect(1000).as_bytes()).await;
    small.next().await;
    small.0.write_all(&[0x81, 0xfe, 0x03, 0xe9]).await.unwrap();
    small.closes(1009, "over its own limit").await;

    // And with a higher one.
    let mut large = Raw::open(&server).await;
    large.send(0x81, connect(1 << 20).as_bytes()).await;
    large.next().await;
    let call = format!("{{\"id\":2,\"rpc\":{{\"method\":\"who\",\"data\":\"{}\"}}}}", "x".repeat(70_000));
    large.send(0x81, call.as_bytes()).await;
    assert_eq!(large.json().await["id"], 2);
    large.0.write_all(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1]).await.unwrap();
    large.closes(1009, "over the larger limit").await;
    drop((nobody, in_parts, small, large));
    server.until_empty().await;
}

#[tokio::test]
async fn what_is_sent_with_the_upgrade_request_is_not_lost() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(host(&server)).await.unwrap();
    let mut request =
        b"GET /connection/websocket HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_vec();
    request.extend(b"\x81\x95\0\0\0\0{\"id\":1,\"connect\":{}}");
    stream.write_all(&request).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"connect\":{\"client\"") {
        seen.push(patient("the reply", stream.read_u8()).await.unwrap());
    }
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_refused() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(host(&server)).await.unwrap();
    stream
        .write_all(b"GET /connection/websocket HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    patient("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn another_version_is_answered_with_ours() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(host(&server)).await.unwrap();
    let request = "GET /connection/websocket HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = raw::head(&mut stream).await;
    assert!(answer.starts_with("http/1.1 426 "), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
}
