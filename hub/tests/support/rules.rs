//! An authority that does what the client's `data` says, so that a test is written in one place.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use hub::{
    Authority, CloseCode, Closed, ConnectRequest, Connected, Data, ErrorReply, Expiry, Filter, JoinLeave,
    Limits, Peer, PublishDecision, Rejection, ServerSub, SessionId, SessionInfo, SubscribeRequest,
    Subscription,
};
use serde::Deserialize;
use tokio::sync::Semaphore;

pub(crate) struct Rules {
    /// Calls of `gate` wait here.
    pub(crate) gate: Semaphore,
    /// Subscribes with `wait` wait here.
    pub(crate) door: Semaphore,
    pub(crate) waiting: AtomicUsize,
    pub(crate) closed: Mutex<Vec<(String, Closed)>>,
    pub(crate) messages: Mutex<Vec<String>>,
    pub(crate) calls: Mutex<Vec<String>>,
    /// Topics and notices of other nodes.
    pub(crate) noticed: Mutex<Vec<(String, String)>>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            gate: Semaphore::new(0),
            door: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            closed: Mutex::default(),
            messages: Mutex::default(),
            calls: Mutex::default(),
            noticed: Mutex::default(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, named in JSON")]
struct Wish {
    user: String,
    rooms: Vec<String>,
    color: Option<String>,
    expires_in_s: Option<i64>,
    max_queue_bytes: Option<usize>,
    max_frame_bytes: Option<usize>,
    max_rooms: Option<usize>,
    max_concurrent_rpc: Option<usize>,
    rpc_per_second: Option<u32>,
    commands_per_second: Option<u32>,
    write_timeout_ms: Option<u64>,
    error: Option<u32>,
    close: bool,
    panic: bool,
    wait: bool,
    ephemeral: bool,
    presence: bool,
    /// Joins and leaves of others only if the client asks for them.
    asked: bool,
    whole: bool,
    bytes: bool,
    info: Option<Data>,
    topic: Option<String>,
}

fn wish(data: Option<&Data>) -> Wish {
    data.map(|data| serde_json::from_slice(data.as_bytes()).unwrap()).unwrap_or_default()
}

/// The client's info as others see it.
fn info(wish: &mut Wish) -> Option<Data> {
    if wish.bytes { Some(b"\x00\xffinfo".to_vec().into()) } else { wish.info.take() }
}

fn text(data: &Data) -> String {
    String::from_utf8_lossy(data.json().map_or(data.as_bytes(), |json| json.get().as_bytes())).into_owned()
}

fn now_s() -> i64 {
    (hub::HubConfig::default().clock)() / 1000
}

fn color_filter(color: Option<String>) -> Option<Filter> {
    color.map(|color| Arc::new(move |tags: &hub::Tags| tags.get("color") == Some(&color)) as Filter)
}

fn subscription(mut wish: Wish) -> Subscription {
    let info = info(&mut wish);
    let sub = if wish.ephemeral { Subscription::ephemeral() } else { Subscription::durable() };
    Subscription {
        presence: wish.presence,
        join_leave: if wish.presence { JoinLeave::Heard } else { JoinLeave::Off },
        filter: color_filter(wish.color),
        delta: !wish.whole,
        topic: wish.topic,
        expiry: wish.expires_in_s.map(|s| Expiry::At(now_s() + s)),
        info,
        ..sub
    }
}

fn refuse(wish: &Wish) -> Result<(), ErrorReply> {
    assert!(!wish.panic, "the rules panic as they were told");
    match wish.error {
        None => Ok(()),
        Some(111) => Err(ErrorReply::TOO_MANY_REQUESTS),
        Some(code) => Err(ErrorReply::new(code, "as you wish")),
    }
}

#[async_trait]
impl Authority for Rules {
    async fn connect(&self, _: &Peer, _: SessionId, request: ConnectRequest) -> Result<Connected, Rejection> {
        let mut wish = wish(request.data.as_ref());
        refuse(&wish)?;
        if wish.wait {
            self.waiting.fetch_add(1, SeqCst);
            self.door.acquire().await.unwrap().forget();
        }
        if wish.close {
            return Err(CloseCode::INVALID_TOKEN.into());
        }
        let (browser, user) = (Limits::browser(), wish.user.clone());
        let room = |name: &String| {
            let presence = wish.presence;
            let sub = subscription(Wish { color: wish.color.clone(), presence, ..Wish::default() });
            ServerSub { room: name.clone(), sub }
        };
        Ok(Connected {
            expiry: wish.expires_in_s.map(|s| Expiry::At(now_s() + s)),
            rooms: wish.rooms.iter().map(room).collect(),
            limits: Limits {
                max_frame_bytes: wish.max_frame_bytes.unwrap_or(browser.max_frame_bytes),
                max_queue_bytes: wish.max_queue_bytes.unwrap_or(browser.max_queue_bytes),
                max_rooms: wish.max_rooms.unwrap_or(browser.max_rooms),
                max_concurrent_rpc: wish.max_concurrent_rpc.unwrap_or(browser.max_concurrent_rpc),
                rpc_per_second: wish.rpc_per_second,
                commands_per_second: wish.commands_per_second,
                write_timeout: wish.write_timeout_ms.map_or(browser.write_timeout, Duration::from_millis),
            },
            info: info(&mut wish),
            ..Connected::new(user)
        })
    }

    async fn refresh(&self, _: &SessionInfo, token: &str) -> Result<Expiry, Rejection> {
        match token.parse::<i64>() {
            Ok(s) => Ok(Expiry::At(now_s() + s)),
            Err(_) => Err(CloseCode::INVALID_TOKEN.into()),
        }
    }

    async fn subscribe(&self, _: &SessionInfo, request: SubscribeRequest) -> Result<Subscription, Rejection> {
        let wish = wish(request.data.as_ref());
        refuse(&wish)?;
        if wish.close {
            return Err(CloseCode::INVALID_TOKEN.into());
        }
        if wish.wait {
            self.waiting.fetch_add(1, SeqCst);
            self.door.acquire().await.unwrap().forget();
        }
        let hears = !wish.asked || request.join_leave;
        let sub = subscription(wish);
        Ok(if hears { sub } else { Subscription { join_leave: JoinLeave::Announced, ..sub } })
    }

    async fn sub_refresh(&self, _: &SessionInfo, _: &str, token: &str) -> Result<Expiry, Rejection> {
        match token.parse::<i64>() {
            Ok(s) => Ok(Expiry::At(now_s() + s)),
            Err(_) if token == "somebody else's" => Err(CloseCode::INVALID_TOKEN.into()),
            Err(_) => Err(ErrorReply::PERMISSION_DENIED.into()),
        }
    }

    async fn publish(&self, _: &SessionInfo, room: &str, _: &Data) -> Result<PublishDecision, ErrorReply> {
        match room {
            "forbidden" => Err(ErrorReply::PERMISSION_DENIED),
            "handled" => Ok(PublishDecision::Handled),
            "fleeting" => Ok(PublishDecision::Ephemeral),
            _ => Ok(PublishDecision::Append),
        }
    }

    async fn rpc(&self, session: &SessionInfo, method: &str, data: &Data) -> Result<Data, ErrorReply> {
        self.calls.lock().unwrap().push(text(data));
        match method {
            "echo" => Ok(data.clone()),
            "who" => Ok(serde_json::to_string(&session.user).unwrap().into()),
            "gate" => {
                self.waiting.fetch_add(1, SeqCst);
                self.gate.acquire().await.unwrap().forget();
                Ok(data.clone())
            }
            "panic" => panic!("the rules panic as they were told"),
            _ => Err(ErrorReply::METHOD_NOT_FOUND),
        }
    }

    fn method_name(&self, method: &str) -> Option<&'static str> {
        ["echo", "who", "gate", "panic"].into_iter().find(|known| *known == method)
    }

    async fn message(&self, _: &SessionInfo, data: &Data) -> Result<(), CloseCode> {
        if data.as_bytes() == b"\"unwelcome\"" {
            return Err(CloseCode::NOT_AVAILABLE);
        }
        self.messages.lock().unwrap().push(text(data));
        Ok(())
    }

    fn noticed(&self, topic: &str, notice: &[u8]) {
        let notice = String::from_utf8_lossy(notice).into_owned();
        self.noticed.lock().unwrap().push((topic.to_owned(), notice));
    }

    async fn closed(&self, session: &SessionInfo, reason: &Closed) {
        self.closed.lock().unwrap().push((session.user.clone(), reason.clone()));
    }
}
