//! A client that writes frames byte by byte, and can violate the protocol.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Server, patient};

pub(crate) struct Raw(pub(crate) TcpStream);

pub(crate) fn host(server: &Server) -> &str {
    server.address.split('/').nth(2).unwrap()
}

/// The head of an answer, in lower case.
pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(patient("the answer", stream.read_u8()).await.unwrap());
    }
    String::from_utf8(answer).unwrap().to_lowercase()
}

impl Raw {
    pub(crate) async fn open(server: &Server) -> Raw {
        let (raw, answer) = Raw::upgrade(server, "").await;
        assert!(!answer.contains("sec-websocket-protocol"), "{answer}");
        assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
        raw
    }

    /// With further headers, each with its line end; also returns the answer.
    pub(crate) async fn upgrade(server: &Server, headers: &str) -> (Raw, String) {
        Raw::upgrade_at(server, "/connection/websocket", headers).await
    }

    pub(crate) async fn upgrade_at(server: &Server, path: &str, headers: &str) -> (Raw, String) {
        let mut raw = Raw(TcpStream::connect(host(server)).await.unwrap());
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        raw.0.write_all(request.as_bytes()).await.unwrap();
        let answer = head(&mut raw.0).await;
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        (raw, answer)
    }

    /// `first` is flags and opcode.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            middle @ 126..0x10000 => {
                frame.push(0xfe);
                frame.extend((middle as u16).to_be_bytes());
            }
            long => {
                frame.push(0xff);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame: its first byte and its payload.
    pub(crate) async fn next(&mut self) -> (u8, Vec<u8>) {
        let frame = async {
            let first = self.0.read_u8().await.unwrap();
            let size = match self.0.read_u8().await.unwrap() {
                126 => self.0.read_u16().await.unwrap().into(),
                127 => self.0.read_u64().await.unwrap(),
                short => u64::from(short),
            };
            let mut payload = vec![0; size as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            (first, payload)
        };
        patient("a frame", frame).await
    }

    /// The next frame, which is uncompressed text.
    pub(crate) async fn json(&mut self) -> Value {
        let (first, payload) = self.next().await;
        assert_eq!(first, 0x81);
        serde_json::from_slice(&payload).unwrap()
    }

    pub(crate) async fn closes(&mut self, code: u16, what: &str) {
        let (first, payload) = self.next().await;
        assert_eq!(first, 0x88, "{what}: {payload:?}");
        assert_eq!(payload[..2], code.to_be_bytes(), "{what}");
        assert!(payload.len() > 2, "{what}: without a reason");
    }

    pub(crate) async fn ends(&mut self) {
        let mut rest = Vec::new();
        patient("the end", self.0.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    }
}
