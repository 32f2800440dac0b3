//! The framing over a raw stream: what a client may do is served, what it may not ends with the right code.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Server, patient};

struct Raw(TcpStream);

fn host(server: &Server) -> &str {
    server.address.split('/').nth(2).unwrap()
}

impl Raw {
    async fn open(server: &Server) -> Raw {
        let mut raw = Raw(TcpStream::connect(host(server)).await.unwrap());
        let request = "GET /connection/websocket HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        raw.0.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(raw.0.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        assert!(!answer.contains("sec-websocket-protocol"), "{answer}");
        raw
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        assert!(payload.len() < 126);
        let mut frame = vec![first, 0x80 | payload.len() as u8, 1, 2, 3, 4];
        frame.extend(payload.iter().zip([1u8, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame: its first byte and its payload.
    async fn next(&mut self) -> (u8, Vec<u8>) {
        let frame = async {
            let first = self.0.read_u8().await.unwrap();
            let size = match self.0.read_u8().await.unwrap() {
                126 => self.0.read_u16().await.unwrap().into(),
                short => u64::from(short),
            };
            let mut payload = vec![0; size as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            (first, payload)
        };
        patient("a frame", frame).await
    }

    async fn closes(&mut self, code: u16, what: &str) {
        let (first, payload) = self.next().await;
        assert_eq!(first, 0x88, "{what}: {payload:?}");
        assert_eq!(payload[..2], code.to_be_bytes(), "{what}");
        assert!(payload.len() > 2, "{what}: without a reason");
    }

    async fn ends(&mut self) {
        let mut rest = Vec::new();
        patient("the end", self.0.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    }
}

#[tokio::test]
async fn fragments_with_a_ping_between_them_are_one_message() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    raw.send(0x01, b"{\"id\":1,\"con").await;
    raw.send(0x89, b"are you there").await;
    assert_eq!(raw.next().await, (0x8a, b"are you there".to_vec()));
    raw.send(0x00, b"").await;
    raw.send(0x80, b"nect\":{}}").await;
    let (first, payload) = raw.next().await;
    let reply: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((first, &reply["id"], reply["connect"].is_object()), (0x81, &json!(1), true));
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
        // Whatever comes after it is of no interest.
        raw.send(0x81, b"{\"id\":1,\"connect\":{}}").await;
    }
    let mut unmasked = Raw::open(&server).await;
    unmasked.0.write_all(b"\x81\x02{}").await.unwrap();
    unmasked.closes(1002, "without mask").await;
    let mut huge = Raw::open(&server).await;
    huge.0.write_all(b"\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00").await.unwrap();
    huge.closes(1009, "huge").await;

    drop((unmasked, huge));
    server.publish("room", "1");
    assert_eq!(healthy.publication().await.0, 1);
    drop(healthy);
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
