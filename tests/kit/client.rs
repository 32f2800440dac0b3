//! A raw client of the socket's protocol: sees every frame in its order, and hides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::PATIENCE;

pub enum As {
    Token(String),
    Key {
        key: String,
        capacity: usize,
    },
    /// Goes on from positions: room → (offset, epoch).
    Resume {
        token: String,
        positions: BTreeMap<String, (u64, String)>,
    },
}

pub struct Client {
    sink: Arc<Mutex<Sink>>,
    /// Filled by a task that reads all the time, answers pings and the close, and ends with the socket.
    frames: mpsc::Receiver<Value>,
    /// Frames that were read and not asked for yet.
    waiting: VecDeque<Value>,
    next_id: u64,
    /// The connect reply.
    pub hello: Value,
}

impl Client {
    pub async fn connect(address: SocketAddr, who: As) -> Self {
        let client = Self::try_connect(address, who).await;
        assert!(client.hello.get("connect").is_some(), "refused: {}", client.hello);
        client
    }

    /// Goes on in one room from a position: an offset and its epoch.
    pub async fn resume(address: SocketAddr, token: &str, room: &str, position: (u64, String)) -> Self {
        let positions = BTreeMap::from([(room.to_owned(), position)]);
        Self::connect(address, As::Resume { token: token.to_owned(), positions }).await
    }

    async fn try_connect(address: SocketAddr, who: As) -> Self {
        let mut client = Self::open(address, who).await;
        client.hello = client.frame(|frame| frame["id"] == 1).await;
        client
    }

    /// A connection that the server closes: code and reason.
    pub async fn refused(address: SocketAddr, who: As) -> (u64, String) {
        Self::open(address, who).await.closed().await
    }

    async fn open(address: SocketAddr, who: As) -> Self {
        let url = format!("ws://{address}/connection/websocket");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("the socket opens");
        let (sink, stream) = socket.split();
        let (sink, (tell, frames)) = (Arc::new(Mutex::new(sink)), mpsc::channel(100_000));
        tokio::spawn(pump(stream, Arc::clone(&sink), tell));
        let mut client = Self { sink, frames, waiting: VecDeque::new(), next_id: 2, hello: Value::Null };
        let request = match who {
            As::Token(token) => json!({ "token": token }),
            As::Key { key, capacity } => json!({ "data": { "api_key": key, "capacity": capacity } }),
            As::Resume { token, positions } => {
                let subs: BTreeMap<_, _> = positions
                    .into_iter()
                    .map(|(room, (offset, epoch))| {
                        (room, json!({ "recover": true, "offset": offset, "epoch": epoch }))
                    })
                    .collect();
                json!({ "token": token, "subs": subs })
            }
        };
        client.write(&json!({ "id": 1, "connect": request })).await;
        client
    }

    pub async fn write(&mut self, command: &Value) {
        let text = Message::text(command.to_string());
        self.sink.lock().await.send(text).await.expect("the socket takes a frame");
    }

    async fn read(&mut self) {
        let frame = tokio::time::timeout(PATIENCE, self.frames.recv()).await.expect("a frame in time");
        let frame = frame.expect("the socket is open");
        assert!(frame.get("closed").is_none(), "the server closed the socket: {frame}");
        self.waiting.push_back(frame);
    }

    /// Waits for the server to close the socket; gives code and reason.
    pub async fn closed(&mut self) -> (u64, String) {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.frames.recv())
                .await
                .expect("a close in time")
                .expect("a close");
            if let Some(code) = frame["closed"].as_u64() {
                return (code, frame["reason"].as_str().unwrap_or_default().to_owned());
            }
        }
    }

    /// The first frame that fits, now or later; the others stay, in their order.
    pub async fn frame(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(at) = self.waiting.iter().position(&fits) {
                return self.waiting.remove(at).expect("it is there");
            }
            self.read().await;
        }
    }

    /// Calls a method; the error's code if it is refused.
    pub async fn rpc(&mut self, method: &str, data: Value) -> Result<Value, u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.write(&json!({ "id": id, "rpc": { "method": method, "data": data } })).await;
        let reply = self.frame(|frame| frame["id"] == id).await;
        match reply.get("error") {
            Some(error) => Err(error["code"].as_u64().expect("a code")),
            None => Ok(reply["rpc"]["data"].clone()),
        }
    }

    /// Calls a method with arguments as they stand in the frame; gives the whole reply.
    pub async fn raw_rpc(&mut self, method: &str, arguments: &str) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let text = format!(r#"{{"id":{id},"rpc":{{"method":"{method}","data":{arguments}}}}}"#);
        self.sink.lock().await.send(Message::text(text)).await.expect("the socket takes a frame");
        self.frame(|frame| frame["id"] == id).await
    }

    pub async fn subscribe(&mut self, room: &str) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.write(&json!({ "id": id, "subscribe": { "channel": room } })).await;
        self.frame(|frame| frame["id"] == id).await
    }

    /// The next publication that fits: its data.
    pub async fn publication(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let frame =
            self.frame(|frame| frame["push"]["pub"].is_object() && fits(&frame["push"]["pub"]["data"])).await;
        frame["push"]["pub"]["data"].clone()
    }

    /// The next event of the feed of this kind.
    pub async fn event(&mut self, kind: &str) -> Value {
        self.publication(|data| data["kind"] == kind).await
    }

    /// The next turn that is offered to this worker.
    pub async fn offered(&mut self) -> Value {
        self.publication(|data| data["type"] == "turn.offered").await["turn"].clone()
    }

    /// Publications of durable rooms in the connect reply: what was missed.
    pub fn recovered(&self, room: &str) -> &Value {
        &self.hello["connect"]["subs"][room]
    }

    /// Frames that were read and not asked for.
    pub fn unread(&self) -> impl Iterator<Item = &Value> {
        self.waiting.iter()
    }

    pub async fn close(self) {
        let _ = self.sink.lock().await.close().await;
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Sink = SplitSink<Socket, Message>;

async fn pump(mut stream: SplitStream<Socket>, sink: Arc<Mutex<Sink>>, tell: mpsc::Sender<Value>) {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(text) => {
                for line in text.lines().filter(|line| !line.is_empty()) {
                    let frame: Value = serde_json::from_str(line).expect("JSON");
                    if frame == json!({}) {
                        let _ = sink.lock().await.send(Message::text("{}")).await;
                    } else if tell.send(frame).await.is_err() {
                        return;
                    }
                }
            }
            Message::Close(frame) => {
                let (code, reason) = frame
                    .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                let _ = tell.send(json!({ "closed": code, "reason": reason })).await;
            }
            _ => {}
        }
    }
}
