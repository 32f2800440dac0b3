//! A client of the protocol without a library: it returns every object in the order of the wire, as JSON in both forms.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use hub::Form;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Message, protocol::CloseFrame},
};

use super::{patient, protobuf};
use crate::FORM;

pub(crate) struct Client {
    form: Form,
    /// Data in Protobuf is not parsed.
    pub(crate) exact: bool,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    read: VecDeque<Value>,
    next_id: u32,
    /// Objects that came while another was awaited.
    pub(crate) pushes: VecDeque<Value>,
    pub(crate) answer_pings: bool,
    pub(crate) connected: Value,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl Client {
    pub(crate) async fn open(address: &str) -> Client {
        Client::open_as(FORM, address).await
    }

    pub(crate) async fn open_as(form: Form, address: &str) -> Client {
        let mut request = ClientRequestBuilder::new(address.parse().unwrap());
        if form == Form::Protobuf {
            request = request.with_sub_protocol(Form::PROTOBUF_SUBPROTOCOL);
        }
        let (socket, answer) = connect_async(request).await.unwrap();
        assert_eq!(answer.headers().contains_key("sec-websocket-protocol"), form == Form::Protobuf);
        let (read, pushes) = (VecDeque::new(), VecDeque::new());
        let connected = Value::Null;
        Client { form, exact: false, socket, read, next_id: 1, pushes, answer_pings: true, connected }
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, data: Vec<u8>) {
        self.socket.send(Message::binary(data)).await.unwrap();
    }

    /// Several commands in one frame.
    pub(crate) async fn send_all(&mut self, commands: &[Value]) {
        let message = match self.form {
            Form::Json => Message::text(commands.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")),
            Form::Protobuf => Message::binary(protobuf::encode(commands)),
        };
        self.socket.send(message).await.unwrap();
    }

    /// The next object, pings left out (and answered) unless wanted; or how the socket ended.
    pub(crate) async fn next(&mut self) -> Result<Value, Close> {
        loop {
            if let Some(value) = self.read.pop_front() {
                if self.answer_pings && value == json!({}) {
                    self.answer_ping().await;
                    continue;
                }
                return Ok(value);
            }
            match patient("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    assert_eq!(self.form, Form::Json, "text frame from a Protobuf server");
                    self.read.extend(text.split('\n').map(|line| serde_json::from_str(line).unwrap()));
                }
                Some(Ok(Message::Close(frame))) => {
                    // Sends the answer to it.
                    let _ = self.socket.flush().await;
                    return Err(closed(frame));
                }
                Some(Ok(Message::Binary(data))) => {
                    assert_eq!(self.form, Form::Protobuf, "binary frame from a JSON server");
                    self.read.extend(protobuf::decode(&data, self.exact));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Close { code: 1006, reason: String::new() }),
            }
        }
    }

    pub(crate) async fn answer_ping(&mut self) {
        let pong = match self.form {
            Form::Json => Message::text("{}"),
            Form::Protobuf => Message::binary(vec![0]),
        };
        let _ = self.socket.send(pong).await;
    }

    /// Reads and drops everything up to the end of the socket.
    pub(crate) async fn close(&mut self) -> Close {
        loop {
            if let Err(close) = self.next().await {
                return close;
            }
        }
    }

    pub(crate) async fn reply(&mut self, id: u32) -> Value {
        loop {
            let value = self.next().await.unwrap_or_else(|close| panic!("no reply to {id} but {close:?}"));
            if value["id"] == id {
                return value;
            }
            self.pushes.push_back(value);
        }
    }

    pub(crate) async fn start(&mut self, kind: &str, body: Value) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_all(&[json!({kind: body, "id": id})]).await;
        id
    }

    /// Sends a command and waits for the whole reply.
    pub(crate) async fn ask(&mut self, kind: &str, body: Value) -> Value {
        let id = self.start(kind, body).await;
        self.reply(id).await
    }

    /// Sends a command and waits for its result.
    pub(crate) async fn call(&mut self, kind: &str, body: Value) -> Value {
        let reply = self.ask(kind, body).await;
        assert!(reply.get("error").is_none(), "{kind}: {reply}");
        reply.get(kind).unwrap_or_else(|| panic!("no result key in {reply}")).clone()
    }

    pub(crate) async fn error(&mut self, kind: &str, body: Value) -> u64 {
        let reply = self.ask(kind, body).await;
        reply["error"]["code"].as_u64().unwrap_or_else(|| panic!("no error in {reply}"))
    }

    pub(crate) async fn connect(&mut self, data: Value) -> Value {
        self.connected = self.call("connect", json!({"data": data})).await;
        self.connected.clone()
    }

    pub(crate) async fn subscribe(&mut self, room: &str) -> Value {
        self.call("subscribe", json!({"channel": room})).await
    }

    pub(crate) async fn resume(&mut self, room: &str, offset: u64, epoch: &str) -> Value {
        let body = json!({"channel": room, "recover": true, "offset": offset, "epoch": epoch});
        self.call("subscribe", body).await
    }

    /// The next push; replies must not come in between.
    pub(crate) async fn push(&mut self) -> Value {
        let value = match self.pushes.pop_front() {
            Some(value) => value,
            None => self.next().await.unwrap_or_else(|close| panic!("no push but {close:?}")),
        };
        assert!(value.get("push").is_some(), "no push: {value}");
        value["push"].clone()
    }

    /// Offset and data of the next publication.
    pub(crate) async fn publication(&mut self) -> (u64, Value) {
        let push = self.push().await;
        let publication = push.get("pub").unwrap_or_else(|| panic!("no publication: {push}"));
        (publication["offset"].as_u64().unwrap_or(0), publication["data"].clone())
    }

    pub(crate) fn id(&self) -> hub::SessionId {
        hub::SessionId(self.connected["client"].as_str().unwrap().parse().unwrap())
    }
}

fn closed(frame: Option<CloseFrame>) -> Close {
    let frame = frame.expect("a close frame with a code");
    Close { code: frame.code.into(), reason: frame.reason.to_string() }
}

/// A reply's publications.
pub(crate) fn publications(reply: &Value) -> &[Value] {
    reply["publications"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Their offsets.
pub(crate) fn offsets(reply: &Value) -> Vec<u64> {
    publications(reply).iter().map(|p| p["offset"].as_u64().unwrap()).collect()
}
