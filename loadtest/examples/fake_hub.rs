//! The smallest server that keeps the hub's promises, for the generator's own tests: Telegram webhooks in, one
//! tenant's feed out, over HTTP and sockets. `--fault` breaks one promise at a time, because a check that never
//! fails proves nothing. Accepted bodies are kept in a file, so that it survives being killed.

use std::collections::{HashMap, HashSet};
use std::fs::{File, read_to_string};
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use clap::{Parser, ValueEnum};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Fault {
    /// Acknowledges some messages and forgets them.
    Lose,
    /// Stores some messages twice.
    Double,
    /// Leaves a cursor out now and then.
    Gap,
    /// Answers each turn with two messages.
    AnswerTwice,
    /// No broken promise: commits, then closes without an answer.
    Mute,
    /// No broken promise: cuts sockets.
    Cut,
}

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long)]
    data: String,
    #[arg(long)]
    fault: Option<Fault>,
    /// Answers every message at once, as a responder would.
    #[arg(long)]
    answer: bool,
}

#[derive(Default)]
struct State {
    events: Vec<Value>,
    updates: HashSet<u64>,
    conversations: HashMap<String, Vec<Value>>,
    sends: Vec<Value>,
}

struct Hub {
    args: Args,
    state: Mutex<State>,
    file: Mutex<File>,
    top: watch::Sender<usize>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await?;
    let stored = read_to_string(&args.data).unwrap_or_default();
    let file = Mutex::new(File::options().create(true).append(true).open(&args.data)?);
    let hub = Arc::new(Hub { args, state: Mutex::default(), file, top: watch::channel(0).0 });
    for body in stored.lines() {
        hub.accept(body);
    }
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(hub.clone(), stream));
    }
}

async fn serve(hub: Arc<Hub>, mut stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut start = [0; 15];
    stream.peek(&mut start).await?;
    if start.starts_with(b"GET /connection") {
        return hub.socket(stream).await;
    }
    let mut buffer = Vec::new();
    loop {
        let Some((path, body)) = read_request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let Some((status, answer)) = hub.answer(&path, &body) else { return Ok(()) };
        let text = format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(text.as_bytes()).await?;
    }
}

/// Path and body; the secret is not looked at.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> anyhow::Result<Option<(String, String)>> {
    loop {
        let text = String::from_utf8_lossy(buffer).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if rest.len() >= length {
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                buffer.drain(..head.len() + 4 + length);
                return Ok(Some((path, rest[..length].to_owned())));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parameter(path: &str, name: &str) -> u64 {
    path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.parse().ok()).unwrap_or(0)
}

impl Hub {
    /// Status and body, or nothing to close the connection unanswered.
    fn answer(&self, path: &str, body: &str) -> Option<(u16, String)> {
        if path.starts_with("/hooks/") {
            let first = self.accept(body);
            return (self.args.fault != Some(Fault::Mute) || !first || !self.every(10))
                .then(|| (200, String::new()));
        }
        let state = self.state.lock().unwrap();
        let answer = match path.split('?').next().unwrap_or_default() {
            "/health/ready" => json!({}),
            "/api/v1/session" => json!({"access_token": "token"}),
            "/api/v1/me" => json!({"tenants": [{"id": "t", "name": "Shop", "role": "owner"}]}),
            "/sent" => Value::from(state.sends.clone()),
            "/api/v1/events" => {
                let after = parameter(path, "after=");
                let newer = state.events.iter().filter(|event| event["cursor"].as_u64() > Some(after));
                let page: Vec<_> = newer.take(parameter(path, "limit=") as usize).collect();
                json!({"events": page, "top": top(&state), "epoch": "e"})
            }
            path => {
                let conversation = path.strip_prefix("/api/v1/conversations/")?.strip_suffix("/messages")?;
                json!({"messages": state.conversations.get(conversation)?, "more": false})
            }
        };
        Some((200, answer.to_string()))
    }

    fn every(&self, n: usize) -> bool {
        self.state.lock().unwrap().updates.len().is_multiple_of(n)
    }

    /// Stores a webhook; true if it was new.
    fn accept(&self, body: &str) -> bool {
        let Ok(update) = serde_json::from_str::<Value>(body) else { return false };
        let Some(id) = update["update_id"].as_u64() else { return false };
        let mut state = self.state.lock().unwrap();
        if !state.updates.insert(id) {
            return false;
        }
        self.file.lock().unwrap().write_all(format!("\n{body}").as_bytes()).unwrap();
        let chat = update["message"]["chat"]["id"].to_string();
        let text = update["message"]["text"].as_str().unwrap();
        let nth = state.updates.len();
        let copies = match self.args.fault {
            Some(Fault::Lose) if nth.is_multiple_of(50) => 0,
            Some(Fault::Double) if nth.is_multiple_of(50) => 2,
            _ => 1,
        };
        for _ in 0..copies {
            self.store(&mut state, &chat, "in", text, &Value::Null);
        }
        if self.args.answer {
            let turn = format!("turn-{nth}");
            for _ in 0..if self.args.fault == Some(Fault::AnswerTwice) { 2 } else { 1 } {
                self.store(&mut state, &chat, "out", "We do.", &json!(turn));
                state.sends.push(json!({"chat": chat.parse::<u64>().unwrap(), "text": "We do."}));
            }
            let cursor = top(&state) + 1;
            let event =
                json!({"cursor": cursor, "kind": "turn.updated", "turn": {"id": turn, "state": "answered"}});
            state.events.push(event);
        }
        self.top.send_replace(state.events.len());
        true
    }

    fn store(&self, state: &mut State, chat: &str, direction: &str, text: &str, turn: &Value) {
        let skip = self.args.fault == Some(Fault::Gap) && state.events.len() % 50 == 49;
        let cursor = top(state) + 1 + u64::from(skip);
        let messages = state.conversations.entry(format!("c{chat}")).or_default();
        let (author, status) =
            if direction == "in" { ("customer", "received") } else { ("responder", "sent") };
        let message = json!({"id": format!("m{cursor}"), "conversation": format!("c{chat}"), "seq": messages.len() + 1,
            "direction": direction, "text": text, "author": {"kind": author}, "status": status, "turn": turn});
        messages.push(message.clone());
        state.events.push(json!({"cursor": cursor, "kind": "message.created", "message": message}));
    }

    async fn socket(&self, stream: TcpStream) -> anyhow::Result<()> {
        let mut socket = tokio_tungstenite::accept_async(stream).await?;
        let Some(hello) = socket.next().await else { return Ok(()) };
        let hello: Value = serde_json::from_str(hello?.to_text()?)?;
        let wanted = &hello["connect"]["subs"]["tenant:t"];
        let mut changes = self.top.subscribe();
        let reply = {
            let state = self.state.lock().unwrap();
            let since = wanted["offset"].as_u64();
            let missed = state
                .events
                .iter()
                .filter(|event| since.is_some_and(|at| event["cursor"].as_u64() > Some(at)));
            let missed: Vec<_> =
                missed.map(|event| json!({"data": event, "offset": event["cursor"]})).collect();
            changes.mark_unchanged();
            json!({"offset": since.unwrap_or(top(&state)), "epoch": "e", "recoverable": true, "publications": missed,
                "was_recovering": since.is_some(), "recovered": since.is_some(), "next": state.events.len()})
        };
        let mut next = reply["next"].as_u64().unwrap_or(0) as usize;
        let cut_at = next + 20;
        let connected = json!({"id": 1, "connect": {"ping": 25, "pong": true, "subs": {"tenant:t": reply}}});
        socket.send(Message::text(format!("{connected}\n{{}}"))).await?;
        loop {
            let pushes: Vec<_> = self.state.lock().unwrap().events[next..]
                .iter()
                .map(|event| json!({"push": {"channel": "tenant:t", "pub": {"data": event, "offset": event["cursor"]}}}))
                .map(|push| push.to_string())
                .collect();
            if !pushes.is_empty() {
                next += pushes.len();
                socket.send(Message::text(pushes.join("\n"))).await?;
                if self.args.fault == Some(Fault::Cut) && next >= cut_at {
                    return Ok(());
                }
            }
            changes.changed().await?;
        }
    }
}

fn top(state: &State) -> u64 {
    state.events.last().and_then(|event| event["cursor"].as_u64()).unwrap_or(0)
}
