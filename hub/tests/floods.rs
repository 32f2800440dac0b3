//! Floods of frames without content, which take little memory and could keep a core busy.

use serde_json::json;

use crate::{raw::Raw, support::Server};

const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const TEXT_BEGINS: u8 = 0x01;
const GOES_ON: u8 = 0x00;

async fn connected(server: &Server) -> Raw {
    let mut raw = Raw::open(server).await;
    raw.send(0x81, br#"{"id":1,"connect":{}}"#).await;
    assert!(raw.json().await["connect"].is_object());
    raw
}

/// Reads the answers to pings up to the close frame; returns its code.
async fn close_of(raw: &mut Raw) -> u16 {
    loop {
        let (first, payload) = raw.next().await;
        if first == 0x88 {
            return u16::from_be_bytes([payload[0], payload[1]]);
        }
        assert_eq!(first, 0x8a, "{payload:?}");
    }
}

#[tokio::test]
async fn floods_of_control_frames_close_with_3013_and_harm_nobody_else() {
    let server = Server::start().await;
    let mut healthy = server.client("healthy").await;
    healthy.subscribe("room").await;
    for (what, opcode) in [("pings", PING), ("pongs", PONG), ("empty pieces", GOES_ON)] {
        for is_connected in [false, true] {
            let mut raw = if is_connected { connected(&server).await } else { Raw::open(&server).await };
            if opcode == GOES_ON {
                raw.send(TEXT_BEGINS, b"{").await;
            }
            for _ in 0..150 {
                raw.send(opcode, b"").await;
            }
            assert_eq!(close_of(&mut raw).await, 3013, "{what}");
        }
    }
    server.publish("room", "1");
    assert_eq!(healthy.publication().await.0, 1);
    drop(healthy);
    server.until_empty().await;
}

#[tokio::test]
async fn what_libraries_do_is_no_flood() {
    let server = Server::start().await;
    let mut raw = connected(&server).await;
    for n in 0..30u8 {
        raw.send(PING, &[n]).await;
        assert_eq!(raw.next().await, (PONG, vec![n]));
        raw.send(PONG, b"unasked").await;
    }
    // A long message in medium fragments, and one in a few small ones.
    let text = format!(r#"{{"id":2,"rpc":{{"method":"echo","data":"{}"}}}}"#, "x".repeat(40_000));
    let mut pieces = text.as_bytes().chunks(200).peekable();
    let mut first = TEXT_BEGINS;
    while let Some(piece) = pieces.next() {
        raw.send(first | if pieces.peek().is_none() { 0x80 } else { 0 }, piece).await;
        first = GOES_ON;
    }
    assert_eq!(raw.json().await["rpc"]["data"], json!("x".repeat(40_000)));
    raw.send(TEXT_BEGINS, br#"{"id":3,"rpc":"#).await;
    raw.send(GOES_ON, br#"{"method":"who""#).await;
    raw.send(0x80, b"}}").await;
    assert_eq!(raw.json().await["id"], 3);
}
