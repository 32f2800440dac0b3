//! HTTP/1.1 without a library: streamed answers, read line by line, and short requests.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::support::{Server, patient};

/// A client on a stream. The rest of the body ends with `None`: properly, or broken off.
pub(crate) struct Streamed {
    host: String,
    stream: BufReader<TcpStream>,
    lines: VecDeque<String>,
    partial: String,
    pub(crate) head: String,
    pub(crate) broken: bool,
    pub(crate) connected: Value,
    next_id: u32,
}

/// Status and body of a short request.
pub(crate) async fn ask(host: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    patient("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    (status(&answer), answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

pub(crate) fn post(path: &str, content_type: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

impl Server {
    pub(crate) fn host(&self) -> String {
        self.address.split('/').nth(2).unwrap().to_owned()
    }

    /// Opens a stream with this request.
    pub(crate) async fn stream(&self, request: &str) -> Streamed {
        let mut stream = BufReader::new(TcpStream::connect(self.host()).await.unwrap());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            patient("a head", stream.read_line(&mut head)).await.unwrap();
        }
        assert_eq!(status(&head), 200, "{head}");
        let (lines, partial) = (VecDeque::new(), String::new());
        Streamed {
            host: self.host(),
            stream,
            lines,
            partial,
            head,
            broken: false,
            connected: Value::Null,
            next_id: 2,
        }
    }

    /// A connected client on a stream of JSON lines.
    pub(crate) async fn streamed(&self, data: Value) -> Streamed {
        let connect = json!({"id": 1, "connect": {"data": data}}).to_string();
        let request = post("/connection/http_stream", "application/json", &connect);
        let mut client = self.stream(&request.replace("connection: close\r\n", "")).await;
        let reply = client.next().await.expect("a reply to connect");
        assert!(reply["connect"].is_object(), "{reply}");
        client.connected = reply["connect"].clone();
        client
    }
}

impl Streamed {
    /// The next line of the body without its event's framing; `None` at its end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                let line = line.strip_prefix("data: ").map(str::to_owned).unwrap_or(line);
                if line.is_empty() {
                    continue;
                }
                return Some(line);
            }
            self.chunk().await?;
        }
    }

    async fn chunk(&mut self) -> Option<()> {
        let mut size = String::new();
        let read = patient("a chunk", self.stream.read_line(&mut size)).await;
        let Some(size) = read.ok().and_then(|_| usize::from_str_radix(size.trim(), 16).ok()) else {
            self.broken = true;
            return None;
        };
        let mut bytes = vec![0; size + 2];
        if patient("the chunk", self.stream.read_exact(&mut bytes)).await.is_err() {
            self.broken = true;
            return None;
        }
        if size == 0 {
            return None;
        }
        self.partial.push_str(std::str::from_utf8(&bytes[..size]).unwrap());
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            self.lines.push_back(line.trim_end().to_owned());
        }
        Some(())
    }

    pub(crate) async fn next(&mut self) -> Option<Value> {
        self.line().await.map(|line| serde_json::from_str(&line).unwrap())
    }

    /// The code of the disconnect push, which is the last thing before a proper end.
    pub(crate) async fn end(&mut self) -> u64 {
        let mut last = Value::Null;
        while let Some(value) = self.next().await {
            last = value;
        }
        assert!(!self.broken, "the answer was broken off after {last}");
        last["push"]["disconnect"]["code"].as_u64().unwrap_or_else(|| panic!("the last was {last}"))
    }

    /// The request that carries a frame.
    pub(crate) fn emulated(&self, frame: &str) -> String {
        let text = |name: &str| self.connected[name].as_str().unwrap();
        let body = json!({"session": text("session"), "node": text("node"), "data": frame}).to_string();
        post("/emulation", "application/json", &body)
    }

    /// Sends a frame; gives the status.
    pub(crate) async fn send(&self, frame: &str) -> u16 {
        ask(&self.host, &self.emulated(frame)).await.0
    }

    pub(crate) async fn call(&mut self, kind: &str, body: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        assert_eq!(self.send(&json!({"id": id, kind: body}).to_string()).await, 204);
        loop {
            let value = self.next().await.expect("a reply");
            if value["id"] == id {
                return value;
            }
        }
    }
}
