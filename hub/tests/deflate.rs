//! permessage-deflate over a raw stream: the agreement is kept in both directions.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Value, json};

use crate::{raw::Raw, support::Server};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

async fn open(server: &Server) -> Raw {
    let (raw, answer) = Raw::upgrade(server, OFFER).await;
    let agreed = "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; \
                  client_no_context_takeover\r\n";
    assert!(answer.contains(agreed), "{answer}");
    raw
}

pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 100);
    let mut engine = Compress::new(Compression::best(), false);
    engine.compress_vec(data, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

fn inflate(data: &[u8]) -> Value {
    let mut out = Vec::with_capacity(100_000);
    let data = [data, &[0, 0, 0xff, 0xff]].concat();
    Decompress::new(false).decompress_vec(&data, &mut out, FlushDecompress::Sync).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[tokio::test]
async fn commands_and_pushes_go_deflated() {
    let server = Server::start().await;
    let mut raw = open(&server).await;
    let connect = deflate(b"{\"id\":1,\"connect\":{\"data\":{\"user\":\"ann\"}}}");
    raw.send(0x41, &connect[..5]).await;
    raw.send(0x89, b"between").await;
    assert_eq!(raw.next().await, (0x8a, b"between".to_vec()));
    raw.send(0x80, &connect[5..]).await;
    assert!(raw.json().await["connect"].is_object());
    raw.send(0x81, b"{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}").await;
    assert_eq!(raw.json().await["id"], 2);

    let text = "the same words again and again; ".repeat(100);
    for n in 1..=2 {
        server.publish("room", &json!(text).to_string());
        let (first, payload) = raw.next().await;
        assert_eq!(first, 0xc1, "deflated");
        assert!(payload.len() < 300, "{}", payload.len());
        let publication = &inflate(&payload)["push"]["pub"];
        assert_eq!((&publication["offset"], &publication["data"]), (&json!(n), &json!(text)));
    }
    server.publish("room", "\"short\"");
    assert_eq!(raw.json().await["push"]["pub"]["data"], "short", "as it is");
}

#[tokio::test]
async fn whoever_did_not_offer_it_gets_the_same_as_it_is() {
    let server = Server::start().await;
    let (mut with, mut without) = (open(&server).await, Raw::open(&server).await);
    let text = json!("words and ".repeat(200));
    for raw in [&mut with, &mut without] {
        let commands = "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}";
        raw.send(0x81, commands.as_bytes()).await;
        assert!(raw.next().await.1.starts_with(b"{\"id\":1"));
    }
    server.until("both", |stats| stats.subscriptions == 2).await;
    server.publish("room", &text.to_string());
    let pushed = async |raw: &mut Raw| loop {
        let (first, payload) = raw.next().await;
        if first == 0xc1 {
            return (first, inflate(&payload)["push"]["pub"]["data"].clone());
        }
        if payload.starts_with(b"{\"push") {
            return (
                first,
                serde_json::from_slice::<Value>(&payload).unwrap()["push"]["pub"]["data"].clone(),
            );
        }
    };
    assert_eq!(pushed(&mut with).await, (0xc1, text.clone()));
    assert_eq!(pushed(&mut without).await, (0x81, text));
}

#[tokio::test]
async fn a_bomb_and_broken_compression_close_with_their_codes() {
    let server = Server::start().await;
    let mut healthy = server.client("healthy").await;
    healthy.subscribe("room").await;
    let bomb = deflate(&vec![b' '; 40 << 20]);
    assert!(bomb.len() < 64 * 1024);
    let cases: [(u8, &[u8], u16, &str); 5] = [
        (0xc1, &bomb, 1009, "a bomb"),
        (0xc1, b"\xff\xff\xff", 1002, "broken"),
        (0xc9, b"ping", 1002, "a deflated ping"),
        (0xa1, b"{}", 1002, "another reserved bit"),
        (0xc1, &deflate(b"\xff\xfe"), 1007, "no text"),
    ];
    for (first, payload, code, what) in cases {
        let mut raw = open(&server).await;
        raw.send(first, payload).await;
        raw.closes(code, what).await;
    }
    let mut twice = open(&server).await;
    twice.send(0x41, b"").await;
    twice.send(0xc0, b"").await;
    twice.closes(1002, "the bit on a continuation").await;
    drop(twice);

    server.publish("room", "1");
    assert_eq!(healthy.publication().await.0, 1);
    drop(healthy);
    server.until_empty().await;
}
