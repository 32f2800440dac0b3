//! One connection, from the handshake to its end. Reconnecting is in `client.rs`.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::frames::{ErrorBody, Reply, is_final, replies};
use super::{Call, CallError, Target};

const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Tolerated delay of a ping before the connection counts as dead.
const PING_GRACE: Duration = Duration::from_secs(10);
const NO_PINGS: Duration = Duration::from_hours(24);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of a frame: a turn with its history.
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// Bound of outstanding calls on one connection.
const MAX_PENDING: usize = 1_024;
const CONNECT_ID: u32 = 1;

pub(super) enum Opened {
    Ready(Box<Socket>),
    /// Rejected permanently.
    Refused(String),
    Failed(String),
}

pub(super) enum Ended {
    /// Closed by `stop`.
    Stopped,
    Lost(String),
    Final(String),
}

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pong: bool,
    silence: Duration,
    /// Frames received together with the connect reply.
    early: Vec<Reply>,
    last_id: u32,
    pending: HashMap<u32, oneshot::Sender<Result<Value, CallError>>>,
}

pub(super) async fn open(target: &Target) -> Opened {
    match tokio::time::timeout(OPEN_TIMEOUT, shake_hands(target)).await {
        Ok(Ok(opened)) => opened,
        // An invalid address is a permanent error.
        Ok(Err(error @ (Error::Url(_) | Error::HttpFormat(_)))) => Opened::Refused(error.to_string()),
        Ok(Err(error)) => Opened::Failed(error.to_string()),
        Err(_) => Opened::Failed("nobody answers".to_owned()),
    }
}

async fn shake_hands(target: &Target) -> Result<Opened, Error> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    // `wss` needs the WebSocket library's TLS feature; without it, the error appears here.
    let (mut stream, _) =
        tokio_tungstenite::connect_async_with_config(target.url.as_str(), Some(config), true).await?;
    let data = json!({ "api_key": target.api_key, "capacity": target.capacity });
    let hello = json!({ "id": CONNECT_ID, "connect": { "name": "responder", "data": data } });
    stream.send(Message::text(hello.to_string())).await?;
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(frame))) => return Ok(welcome(stream, &frame)),
            Some(Ok(Message::Close(close))) => {
                return Ok(match close_of(close) {
                    (true, why) => Opened::Refused(why),
                    (false, why) => Opened::Failed(why),
                });
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => return Ok(Opened::Failed("the socket ended".to_owned())),
        }
    }
}

fn welcome(stream: WebSocketStream<MaybeTlsStream<TcpStream>>, frame: &Utf8Bytes) -> Opened {
    let mut all = replies(frame).filter_map(Result::ok);
    let Some(first) = all.next() else { return Opened::Failed("an unreadable answer to connect".to_owned()) };
    match (first.connect, first.error) {
        (_, Some(error)) if error.is_passing() => Opened::Failed(describe(&error)),
        (_, Some(error)) => Opened::Refused(describe(&error)),
        (None, None) => Opened::Failed("the first answer is not to connect".to_owned()),
        (Some(connect), None) => {
            let silence =
                if connect.ping == 0 { NO_PINGS } else { Duration::from_secs(connect.ping) + PING_GRACE };
            let (early, pending) = (all.collect(), HashMap::new());
            Opened::Ready(Box::new(Socket {
                stream,
                pong: connect.pong,
                silence,
                early,
                last_id: CONNECT_ID,
                pending,
            }))
        }
    }
}

fn describe(error: &ErrorBody) -> String {
    format!("{} ({})", error.message, error.code)
}

fn close_of(close: Option<CloseFrame>) -> (bool, String) {
    let Some(close) = close else { return (false, "closed without a reason".to_owned()) };
    let code = u16::from(close.code);
    (is_final(code), format!("{} ({code})", close.reason.as_str()))
}

impl Socket {
    /// Transfers calls and publications until the connection ends. Outstanding calls are then lost.
    pub(super) async fn serve(
        &mut self,
        calls: &mut mpsc::Receiver<Call>,
        notices: &mpsc::Sender<Value>,
        stop: &CancellationToken,
    ) -> Ended {
        for reply in std::mem::take(&mut self.early) {
            if let Some(ended) = self.take(reply, notices).await {
                return ended;
            }
        }
        let dead = tokio::time::sleep(self.silence);
        tokio::pin!(dead);
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => {
                    let close = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
                    let _ = tokio::time::timeout(WRITE_TIMEOUT, self.stream.close(Some(close))).await;
                    Some(Ended::Stopped)
                }
                () = &mut dead => Some(Ended::Lost("the hub is silent".to_owned())),
                Some(call) = calls.recv() => self.send(call).await,
                message = self.stream.next() => {
                    dead.as_mut().reset(Instant::now() + self.silence);
                    match message {
                        Some(Ok(Message::Text(frame))) => self.read(&frame, notices).await,
                        Some(Ok(Message::Close(close))) => Some(match close_of(close) {
                            (true, why) => Ended::Final(why),
                            (false, why) => Ended::Lost(why),
                        }),
                        Some(Ok(_)) => None,
                        Some(Err(error)) => Some(Ended::Lost(error.to_string())),
                        None => Some(Ended::Lost("the socket ended".to_owned())),
                    }
                }
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn read(&mut self, frame: &str, notices: &mpsc::Sender<Value>) -> Option<Ended> {
        for reply in replies(frame) {
            let ended = match reply {
                Ok(reply) => self.take(reply, notices).await,
                Err(error) => Some(Ended::Lost(format!("an unreadable frame: {error}"))),
            };
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    async fn take(&mut self, reply: Reply, notices: &mpsc::Sender<Value>) -> Option<Ended> {
        if reply.is_ping() {
            return if self.pong { self.write("{}".to_owned()).await } else { None };
        }
        if let Some(push) = reply.push {
            if let Some(told) = push.disconnect {
                let why = format!("{} ({})", told.reason, told.code);
                return Some(if is_final(told.code) { Ended::Final(why) } else { Ended::Lost(why) });
            }
            if let Some(publication) = push.publication {
                // The receiver only starts and stops tasks, so this does not wait for one of our calls.
                let _ = notices.send(publication.data).await;
            }
            return None;
        }
        if let Some(answer) = self.pending.remove(&reply.id) {
            let result = match (reply.error, reply.rpc) {
                (Some(ErrorBody { code, message, temporary }), _) => {
                    Err(CallError::Refused { code, message, temporary })
                }
                (None, rpc) => Ok(rpc.map_or(Value::Null, |rpc| rpc.data)),
            };
            let _ = answer.send(result);
        }
        None
    }

    async fn send(&mut self, call: Call) -> Option<Ended> {
        if self.pending.len() >= MAX_PENDING {
            // Removes calls whose caller has given up; if there are none, this call is lost.
            self.pending.retain(|_, answer| !answer.is_closed());
            if self.pending.len() >= MAX_PENDING {
                return None;
            }
        }
        self.last_id += 1;
        let command = json!({ "id": self.last_id, "rpc": { "method": call.method, "data": call.data } });
        self.pending.insert(self.last_id, call.answer);
        self.write(command.to_string()).await
    }

    async fn write(&mut self, text: String) -> Option<Ended> {
        match tokio::time::timeout(WRITE_TIMEOUT, self.stream.send(Message::text(text))).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Ended::Lost(error.to_string())),
            Err(_) => Some(Ended::Lost("the hub does not read".to_owned())),
        }
    }
}
