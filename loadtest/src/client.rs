//! A minimal client of the Centrifuge protocol, JSON over one WebSocket: it connects with a token and recovery
//! positions, answers pings and returns frames. It never reconnects.
//!
//! Frames are several JSON objects joined by newlines (protocol document, framing); `replies` splits them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Small, because one generator may hold many sockets.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// A client's position in a room; sent at connect, it requests all later publications.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Position {
    pub(crate) recover: bool,
    pub(crate) offset: u64,
    pub(crate) epoch: String,
}

#[derive(Deserialize)]
pub(crate) struct Reply<'a> {
    #[serde(default)]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) subscribe: Option<Joined>,
    #[serde(borrow, default)]
    pub(crate) push: Option<Push<'a>>,
    #[serde(borrow, default)]
    pub(crate) connect: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) error: Option<ProtocolError>,
}

#[derive(Deserialize)]
pub(crate) struct Push<'a> {
    #[serde(default)]
    pub(crate) channel: &'a str,
    #[serde(borrow, default, rename = "pub")]
    pub(crate) publication: Option<Publication<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Publication<'a> {
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
    #[serde(default)]
    pub(crate) offset: u64,
}

#[derive(Deserialize)]
pub(crate) struct ProtocolError {
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Connected {
    pub(crate) subs: BTreeMap<String, Joined>,
    pub(crate) pong: bool,
}

/// A server-side subscription, with the publications since the position we sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Joined {
    pub(crate) offset: u64,
    pub(crate) epoch: String,
    pub(crate) was_recovering: bool,
    pub(crate) recovered: bool,
    pub(crate) publications: Vec<Missed>,
}

#[derive(Deserialize)]
pub(crate) struct Missed {
    pub(crate) data: Box<RawValue>,
    #[serde(default)]
    pub(crate) offset: u64,
}

pub(crate) enum Opened {
    Ready(Box<Client>, Connected),
    /// The server refused the connect (credentials or admission).
    Refused {
        code: u32,
        reason: String,
    },
}

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    pong: bool,
    /// Replies in the same frame as the connect reply.
    held: Option<Utf8Bytes>,
}

impl Client {
    pub(crate) async fn open(
        url: &str,
        token: &str,
        positions: &BTreeMap<String, Position>,
    ) -> Result<Opened> {
        let request = url.into_client_request()?;
        let host = request.uri().authority().context("socket url names no host")?.as_str();
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let (mut socket, _) =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        let hello = json!({"id": 1, "connect": {"token": token, "name": "loadtest", "subs": positions}});
        socket.send(Message::text(hello.to_string())).await?;

        let mut client = Self { socket, pong: false, held: None };
        let frame = match client.read().await? {
            Read::Frame(frame) => frame,
            Read::Closed { code, reason } => return Ok(Opened::Refused { code, reason }),
        };
        let (first, rest) = frame.split_once('\n').unwrap_or((&frame, ""));
        let reply: Reply<'_> = serde_json::from_str(first).context("unreadable connect reply")?;
        if let Some(error) = reply.error {
            return Ok(Opened::Refused { code: error.code, reason: error.message });
        }
        let body = reply.connect.context("the first reply is not to connect")?;
        let connected: Connected = serde_json::from_str(body.get()).context("unreadable connect result")?;
        client.pong = connected.pong;
        client.held = (!rest.is_empty()).then(|| Utf8Bytes::from(rest));
        Ok(Opened::Ready(Box::new(client), connected))
    }

    /// The next frame that is not only a ping. Cancel-safe: no frame is lost.
    pub(crate) async fn next_frame(&mut self) -> Result<Utf8Bytes> {
        loop {
            let frame = match self.held.take() {
                Some(frame) => frame,
                None => match self.read().await? {
                    Read::Frame(frame) => frame,
                    Read::Closed { code, reason } => bail!("server closed the socket: {code} {reason}"),
                },
            };
            if !lines(&frame).any(is_ping) {
                return Ok(frame);
            }
            if lines(&frame).any(|line| !is_ping(line)) {
                // Stored while the pong is written, so that dropping this future does not lose it.
                self.held =
                    Some(lines(&frame).filter(|line| !is_ping(line)).collect::<Vec<_>>().join("\n").into());
            }
            if self.pong {
                self.socket.send(Message::text("{}")).await?;
            }
        }
    }

    async fn read(&mut self) -> Result<Read> {
        loop {
            match self.socket.next().await.context("socket ended without a close")?? {
                Message::Text(frame) => return Ok(Read::Frame(frame)),
                Message::Close(close) => {
                    let (code, reason) = close.map_or((1005, String::new()), |close| {
                        (u16::from(close.code), close.reason.to_string())
                    });
                    return Ok(Read::Closed { code: code.into(), reason });
                }
                Message::Binary(_) => bail!("binary frame in a JSON session"),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

enum Read {
    Frame(Utf8Bytes),
    Closed { code: u32, reason: String },
}

fn lines(frame: &str) -> impl Iterator<Item = &str> {
    frame.split('\n').filter(|line| !line.is_empty())
}

fn is_ping(line: &str) -> bool {
    line == "{}"
}

/// The JSON objects of one frame, in order.
pub(crate) fn replies(frame: &str) -> impl Iterator<Item = Result<Reply<'_>>> {
    lines(frame).map(|line| serde_json::from_str(line).context("unreadable reply"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers the connect with `frames` and returns what else the client wrote.
    async fn served(
        frames: Vec<&'static str>,
    ) -> (String, tokio::task::JoinHandle<(String, Option<String>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/connection/websocket", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let hello = socket.next().await.unwrap().unwrap().into_text().unwrap().to_string();
            for frame in frames {
                socket.send(Message::text(frame)).await.unwrap();
            }
            let more = socket.next().await.and_then(Result::ok).and_then(|m| m.into_text().ok());
            (hello, more.map(|text| text.to_string()))
        });
        (url, server)
    }

    #[tokio::test]
    async fn frame_behind_the_connect_reply_is_kept_and_pings_are_answered() {
        let (url, server) = served(vec![
            "{\"id\":1,\"connect\":{\"pong\":true,\"subs\":{\"tenant:a\":{\"offset\":7,\"epoch\":\"e\"}}}}\n\
             {\"push\":{\"channel\":\"tenant:a\",\"pub\":{\"data\":{\"n\":1},\"offset\":8}}}",
            "{}\n{\"push\":{\"channel\":\"tenant:a\",\"pub\":{\"data\":{\"n\":2},\"offset\":9}}}",
        ])
        .await;
        let at = Position { recover: true, offset: 5, epoch: "e".into() };
        let opened = Client::open(&url, "secret", &BTreeMap::from([("tenant:a".into(), at)])).await.unwrap();
        let Opened::Ready(mut client, connected) = opened else { panic!("refused") };
        assert_eq!(connected.subs["tenant:a"].offset, 7);
        for offset in [8, 9] {
            let frame = client.next_frame().await.unwrap();
            let reply = replies(&frame).next().unwrap().unwrap();
            assert_eq!(reply.push.unwrap().publication.unwrap().offset, offset);
        }
        let (hello, pong) = server.await.unwrap();
        let hello: serde_json::Value = serde_json::from_str(&hello).unwrap();
        assert_eq!(hello["connect"]["token"], "secret");
        assert_eq!(hello["connect"]["subs"]["tenant:a"]["offset"], 5);
        assert_eq!(pong.as_deref(), Some("{}"));
    }

    #[tokio::test]
    async fn error_reply_is_a_refusal_with_its_code() {
        let (url, _server) =
            served(vec!["{\"id\":1,\"error\":{\"code\":109,\"message\":\"token expired\"}}"]).await;
        let opened = Client::open(&url, "old", &BTreeMap::new()).await.unwrap();
        assert!(matches!(opened, Opened::Refused { code: 109, .. }));
    }
}
