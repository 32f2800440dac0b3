mod hooks;
mod oauth;
mod pages;
mod scripts;
mod whatsapp;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::*;
use crate::Clock;

const NUMBER: &str = "106500000000001";
const WABA: &str = "102200000000001";
const PAGE: &str = "1020000000000001";
const ACCOUNT: &str = "17841400000000001";
const LINKED: &str = "17841400000000003";
const PHONE: &str = "12025550143";
const PERSON: &str = "7300000000000001";
const HOUR_MS: i64 = 3_600_000;

/// What came to the callback: the value, its bytes and its signature.
#[derive(Clone)]
struct Taken {
    body: Value,
    bytes: Vec<u8>,
    signature: String,
}

/// The hub's end: answers the challenge and takes what comes, with statuses that can be scripted.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<Taken>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    async fn start(&self) -> String {
        let router = Router::new().fallback(receive).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hooks/meta/app")
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// The `messaging` items or the values of the changes, in their order.
    fn items(&self) -> Vec<Value> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let entries = self.taken().into_iter().flat_map(|taken| list(&taken.body["entry"]));
        entries
            .flat_map(|entry| {
                let values = list(&entry["changes"]).into_iter().map(|change| change["value"].clone());
                list(&entry["messaging"]).into_iter().chain(values).collect::<Vec<_>>()
            })
            .collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    Query(query): Query<std::collections::BTreeMap<String, String>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::GET {
        let is_known = query.get("hub.verify_token").is_some_and(|token| token.starts_with("verify-token"));
        let challenge = query.get("hub.challenge").cloned().filter(|_| is_known);
        return challenge.map_or_else(|| StatusCode::FORBIDDEN.into_response(), IntoResponse::into_response);
    }
    if let Some(status) = receiver.statuses.lock().unwrap().pop() {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let header = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let signature = header.unwrap_or_default().to_owned();
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    receiver.taken.lock().unwrap().push(Taken { body: value, bytes: body.to_vec(), signature });
    StatusCode::OK.into_response()
}

struct Bench {
    meta: MetaEmulator,
    receiver: Receiver,
    http: reqwest::Client,
    now_ms: Arc<AtomicI64>,
    number_token: String,
    page_token: String,
    instagram_token: String,
}

impl Bench {
    async fn start() -> Self {
        Self::with(EmulatorConfig::default()).await
    }

    async fn with(config: EmulatorConfig) -> Self {
        let now_ms = Arc::new(AtomicI64::new(1_794_312_000_000));
        let time = Arc::clone(&now_ms);
        let clock = Clock::new(move || time.load(Ordering::SeqCst));
        let config = EmulatorConfig { clock, second: Duration::from_millis(1), ..config };
        let meta = MetaEmulator::start(config).await.unwrap();
        let receiver = Receiver::default();
        meta.register(&receiver.start().await).await.unwrap();
        for account in [NUMBER, PAGE, ACCOUNT] {
            meta.subscribe(account, Fields::All);
        }
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            number_token: meta.number_token(NUMBER),
            page_token: meta.page_token(PAGE),
            instagram_token: meta.instagram_token(ACCOUNT),
            meta,
            receiver,
            http,
            now_ms,
        }
    }

    fn goes_on(&self, by_ms: i64) {
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// Status and body of a call with a token.
    async fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.meta.base_url());
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.call("GET", path, token, None).await
    }

    /// Sends for the account of that id, with its token.
    async fn send(&self, account: &str, body: &Value) -> (u16, Value) {
        let token = match account {
            NUMBER => &self.number_token,
            PAGE | LINKED => &self.page_token,
            _ => &self.instagram_token,
        };
        self.call("POST", &format!("/v25.0/{account}/messages"), token, Some(body)).await
    }

    /// The error's code of a send that must be refused; nothing may leave.
    async fn refused(&self, account: &str, body: &Value) -> (i64, i64) {
        let before = self.meta.sent().len() + self.meta.undelivered().len();
        let (status, answer) = self.send(account, body).await;
        assert!(status >= 400, "taken: {body}");
        assert_eq!(self.meta.sent().len() + self.meta.undelivered().len(), before);
        code(&answer)
    }
}

/// Code and subcode of an error.
fn code(answer: &Value) -> (i64, i64) {
    let error = &answer["error"];
    assert!(error["fbtrace_id"].is_string() && error["message"].is_string(), "{answer}");
    (error["code"].as_i64().unwrap(), error["error_subcode"].as_i64().unwrap_or_default())
}

/// A text to a phone.
fn text(to: &str, body: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "text",
        "text": { "body": body } })
}

/// A message of Messenger or Instagram.
fn message(to: &str, message: &Value) -> Value {
    json!({ "recipient": { "id": to }, "messaging_type": "RESPONSE", "message": message })
}
