//! The worker against a scripted hub on a real socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: ResponderArgs,
}

#[test]
fn the_configured_server_is_the_hub_unless_a_url_is_given() {
    use clap::Parser as _;
    let given = |url: &[&str]| Line::parse_from([&["responder", "--api-key", "k"], url].concat()).args;
    let configured = || Ok("ws://127.0.0.1:9000/connection/websocket".to_owned());
    assert_eq!(given(&[]).url(configured).unwrap(), "ws://127.0.0.1:9000/connection/websocket");
    assert_eq!(given(&["--url", "ws://there/x"]).url(configured).unwrap(), "ws://there/x");
    let unknown = given(&[]).url(|| anyhow::bail!("a free port"));
    assert_eq!(format!("{:#}", unknown.unwrap_err()), "--url is not given: a free port");
}

/// Accepts everything that it is not told to refuse; what the worker asks for comes out of `calls`.
struct Hub {
    url: String,
    answers: Arc<Mutex<HashMap<&'static str, Value>>>,
    connections: mpsc::Receiver<(Value, mpsc::Sender<Message>)>,
    calls: mpsc::Receiver<(String, Value)>,
}

impl Hub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/connection/websocket", listener.local_addr().unwrap());
        let (connected, connections) = mpsc::channel(10);
        let (called, calls) = mpsc::channel(1_000);
        let answers = Arc::<Mutex<HashMap<&'static str, Value>>>::default();
        let script = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                tokio::spawn(serve(socket, connected.clone(), called.clone(), Arc::clone(&script)));
            }
        });
        Self { url, answers, connections, calls }
    }

    /// From now on the method is answered with this: an `error`, or nothing at all.
    fn answer(&self, method: &'static str, answer: Value) {
        self.answers.lock().unwrap().insert(method, answer);
    }

    async fn connected(&mut self) -> (Value, mpsc::Sender<Message>) {
        tokio::time::timeout(LIMIT, self.connections.recv()).await.expect("a connection").expect("the hub")
    }

    /// The next call that is one of these; others before it are passed over.
    async fn call(&mut self, methods: &[&str]) -> (String, Value) {
        loop {
            let call =
                tokio::time::timeout(LIMIT, self.calls.recv()).await.expect("a call").expect("the hub");
            if methods.contains(&call.0.as_str()) {
                return call;
            }
        }
    }
}

async fn serve(
    mut socket: WebSocketStream<TcpStream>,
    connected: mpsc::Sender<(Value, mpsc::Sender<Message>)>,
    called: mpsc::Sender<(String, Value)>,
    answers: Arc<Mutex<HashMap<&'static str, Value>>>,
) {
    let (out, mut outgoing) = mpsc::channel(100);
    loop {
        tokio::select! {
            Some(message) = outgoing.recv() => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            message = socket.next() => {
                let Some(Ok(Message::Text(text))) = message else { return };
                let command: Value = serde_json::from_str(&text).unwrap();
                if let Some(hello) = command.get("connect") {
                    let reply = json!({ "id": command["id"], "connect": { "client": "x", "ping": 25, "pong": true } });
                    socket.send(Message::text(reply.to_string())).await.unwrap();
                    connected.send((hello["data"].clone(), out.clone())).await.unwrap();
                } else if let Some(rpc) = command.get("rpc") {
                    let method = rpc["method"].as_str().unwrap().to_owned();
                    let scripted = answers.lock().unwrap().get(method.as_str()).cloned();
                    let mut reply = scripted.unwrap_or_else(|| json!({ "rpc": { "data": {} } }));
                    if !reply.is_null() {
                        reply["id"] = command["id"].clone();
                        let _ = socket.send(Message::text(reply.to_string())).await;
                    }
                    called.send((method, rpc["data"].clone())).await.unwrap();
                } else {
                    called.send(("pong".to_owned(), command)).await.unwrap();
                }
            }
        }
    }
}

fn push(data: &Value) -> Message {
    let push = json!({ "push": { "channel": "responder:x", "pub": { "data": data } } });
    // Two objects in one frame, as a busy hub sends them.
    Message::text(format!("{push}\n{{}}"))
}

fn offer(turn: &str, lease: &str, text: &str) -> Message {
    offer_for(turn, lease, text, 60_000)
}

fn offer_for(turn: &str, lease: &str, text: &str, lease_ms: u64) -> Message {
    push(&json!({ "type": "turn.offered", "turn": {
        "id": turn, "lease": lease, "lease_ms": lease_ms, "conversation": "c", "attempt": 1,
        "contact": { "id": "p", "name": "Mia" }, "history": [],
        "messages": [{ "direction": "in", "kind": "text", "text": text }],
    }}))
}

fn withdrawn(turn: &str, lease: &str) -> Message {
    push(&json!({ "type": "turn.withdrawn", "turn": turn, "lease": lease, "reason": "superseded" }))
}

fn rules(pace: Duration) -> Brain {
    Brain::Rules(Rules { pace, ..Rules::default() })
}

async fn started() -> (Hub, Responder, mpsc::Sender<Message>) {
    let mut hub = Hub::start().await;
    let worker = Responder::start(&hub.url, "hbk_test", rules(Duration::ZERO));
    let (hello, socket) = hub.connected().await;
    assert_eq!(hello, json!({ "api_key": "hbk_test", "capacity": DEFAULT_CAPACITY }));
    (hub, worker, socket)
}

#[tokio::test]
async fn an_answer_is_shown_and_sent_once() {
    let (mut hub, worker, socket) = started().await;
    socket.send(offer("t1", "l1", "is it blue?")).await.unwrap();
    assert_eq!(hub.call(&["pong"]).await.1, json!({}), "the ping is answered");
    let mut shown = String::new();
    let reply = loop {
        match hub.call(&["turn.delta", "turn.reply"]).await {
            (method, delta) if method == "turn.delta" => shown.push_str(delta["text"].as_str().unwrap()),
            (_, reply) => break reply,
        }
    };
    assert_eq!((&reply["turn"], &reply["lease"]), (&json!("t1"), &json!("l1")));
    let text = reply["text"].as_str().unwrap();
    assert!(text.contains("“is it blue?”") && text.starts_with(&shown), "{shown:?} of {text:?}");
    worker.stop().await.unwrap();
    while let Ok((method, _)) = hub.calls.try_recv() {
        assert_ne!(method, "turn.reply");
    }
}

#[tokio::test]
async fn a_person_is_called() {
    let (mut hub, _worker, socket) = started().await;
    socket.send(offer("t1", "l1", "оператор!")).await.unwrap();
    let (method, handoff) = hub.call(&["turn.handoff", "turn.reply"]).await;
    assert_eq!((method.as_str(), handoff["reason"].is_string()), ("turn.handoff", true));
}

#[tokio::test]
async fn a_withdrawn_turn_is_left_and_only_its_lease() {
    let mut hub = Hub::start().await;
    let _worker = Responder::start(&hub.url, "hbk_test", rules(Duration::from_mins(10)));
    let (_, socket) = hub.connected().await;
    for (turn, lease) in [("t1", "l2"), ("t2", "l3")] {
        socket.send(offer_for(turn, lease, "hello", 150)).await.unwrap();
        assert_eq!(hub.call(&["turn.delta"]).await.1["turn"], turn);
    }
    // The lease that was withdrawn is not the one that is worked under: the work goes on.
    socket.send(withdrawn("t1", "l1")).await.unwrap();
    socket.send(withdrawn("t2", "l3")).await.unwrap();
    // Notices are heard in order, and calls come in order: what follows was made after the withdrawals.
    socket.send(offer("t3", "l4", "human")).await.unwrap();
    hub.call(&["turn.handoff"]).await;
    for _ in 0..4 {
        assert_eq!(hub.call(&["turn.extend"]).await.1["turn"], "t1", "t2 is extended no more");
    }
}

#[tokio::test]
async fn a_reply_survives_a_cut() {
    let (mut hub, _worker, socket) = started().await;
    hub.answer("turn.reply", Value::Null);
    socket.send(offer("t1", "l1", "hello")).await.unwrap();
    let (_, first) = hub.call(&["turn.reply"]).await;
    hub.answer("turn.reply", json!({ "rpc": { "data": {} } }));
    let close = CloseFrame { code: 3001.into(), reason: "shutdown".into() };
    socket.send(Message::Close(Some(close))).await.unwrap();
    hub.connected().await;
    let mut extended = false;
    let second = loop {
        match hub.call(&["turn.reply", "turn.extend"]).await {
            (method, reply) if method == "turn.reply" => break reply,
            _ => extended = true,
        }
    };
    assert_eq!(first, second);
    assert!(extended, "the lease is renewed as soon as the connection is back");
}

#[tokio::test]
async fn a_refused_reply_is_dropped_and_a_busy_hub_asked_again() {
    let (mut hub, _worker, socket) = started().await;
    hub.answer("turn.reply", json!({ "error": { "code": 410, "message": "turn is over" } }));
    socket.send(offer("t1", "l1", "hello")).await.unwrap();
    hub.call(&["turn.reply"]).await;
    hub.answer("turn.reply", json!({ "error": { "code": 100, "message": "busy", "temporary": true } }));
    socket.send(offer("t2", "l2", "hello")).await.unwrap();
    for _ in 0..2 {
        let (method, reply) = hub.call(&["turn.reply", "turn.fail"]).await;
        assert_eq!((method.as_str(), &reply["turn"]), ("turn.reply", &json!("t2")));
    }
}

#[tokio::test]
async fn a_lost_lease_ends_the_work() {
    let mut hub = Hub::start().await;
    let worker = Responder::start(&hub.url, "hbk_test", rules(Duration::from_mins(10)));
    let (_, socket) = hub.connected().await;
    hub.answer("turn.extend", json!({ "error": { "code": 409, "message": "the lease is another's" } }));
    socket.send(offer_for("t1", "l1", "hello", 60)).await.unwrap();
    hub.call(&["turn.extend"]).await;
    // With the work at hand ended, a stop has nothing to wait for.
    tokio::time::timeout(LIMIT / 4, worker.stop()).await.expect("it stops at once").unwrap();
}

#[tokio::test]
async fn a_stop_finishes_what_is_at_hand_and_takes_nothing_new() {
    let mut hub = Hub::start().await;
    let worker = Responder::start(&hub.url, "hbk_test", rules(Duration::from_millis(10)));
    let (_, socket) = hub.connected().await;
    socket.send(offer("t1", "l1", "hello")).await.unwrap();
    hub.call(&["turn.delta"]).await;
    let stopped = tokio::spawn(worker.stop());
    assert_eq!(hub.call(&["responder.capacity"]).await.1, json!({ "capacity": 0 }));
    socket.send(offer("t2", "l2", "hello")).await.unwrap();
    let (_, reply) = hub.call(&["turn.reply"]).await;
    assert_eq!(reply["turn"], "t1");
    stopped.await.unwrap().unwrap();
    drop(socket);
    while let Ok((method, data)) = hub.calls.try_recv() {
        assert_ne!(data["turn"], "t2", "{method}");
    }
}

#[tokio::test]
async fn a_hub_that_wants_us_never_again_is_believed() {
    let (_hub, worker, socket) = started().await;
    let close = CloseFrame { code: 3500.into(), reason: "invalid token".into() };
    socket.send(Message::Close(Some(close))).await.unwrap();
    let error = tokio::time::timeout(LIMIT, worker.wait()).await.expect("it ends").unwrap_err();
    assert!(error.to_string().contains("invalid token"), "{error}");
    let wrong = Responder::start("not an address", "hbk_test", rules(Duration::ZERO));
    assert!(wrong.connected().await.is_err());
}

mod arguments {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: ResponderArgs,
    }

    fn brain(line: &str) -> anyhow::Result<Brain> {
        let words = std::iter::once("responder").chain(line.split(' ')).chain(["--api-key", "hbk_test"]);
        Cli::try_parse_from(words)?.args.brain()
    }

    #[test]
    fn rules_and_models_are_built_from_them() {
        let hours = brain("--hours mon-fri --hours x").err();
        assert!(hours.is_some());
        let Ok(Brain::Rules(rules)) = brain("--rules --handoff-words boss,chef --language ru") else {
            panic!()
        };
        assert_eq!((rules.handoff_words.len(), rules.language), (2, Some(Language::Ru)));
        assert!(matches!(brain("--openai-url https://llm.example.com --model m"), Ok(Brain::Model(_))));
        for wrong in
            ["--openai-url https://llm.example.com", "--rules --openai-url x --model m", "--hours noon"]
        {
            assert!(brain(wrong).is_err(), "{wrong}");
        }
    }
}
