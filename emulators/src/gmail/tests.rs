//! The emulator is driven with plain HTTP, as no adapter decides what Google refuses.

mod mails;
mod pushes;
mod sign_in;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Bytes, extract::State as Extracted, http::HeaderMap, http::StatusCode};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::Clock;

const MAILBOX: &str = "support@shop.example.com";
const START_MS: i64 = 1_794_312_000_000;

/// An emulator with a clock of its own, an endpoint for pushes, and tokens of one mailbox.
struct Bench {
    google: GmailEmulator,
    tokens: Tokens,
    now_ms: Arc<AtomicI64>,
    received: Received,
    http: reqwest::Client,
}

/// The pushes: token and body.
#[derive(Clone, Default)]
struct Received {
    pushes: Arc<Mutex<Vec<(String, Value)>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

async fn receive(Extracted(received): Extracted<Received>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let token = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    received.pushes.lock().unwrap().push((token, serde_json::from_slice(&body).unwrap()));
    let status = received.statuses.lock().unwrap().pop().unwrap_or(204);
    StatusCode::from_u16(status).unwrap()
}

impl Bench {
    async fn start() -> Self {
        Self::with(EmulatorConfig::default()).await
    }

    async fn with(config: EmulatorConfig) -> Self {
        let now_ms = Arc::new(AtomicI64::new(START_MS));
        let clock = Arc::clone(&now_ms);
        let clock = Clock::new(move || clock.load(Ordering::SeqCst));
        let config = EmulatorConfig { clock, retry_pause: Duration::from_millis(2), ..config };
        let google = GmailEmulator::start(config).await.unwrap();
        let received = Received::default();
        let router = Router::new().fallback(receive).with_state(received.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        google.subscribes(&format!("http://{}/hooks/gmail", listener.local_addr().unwrap()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let tokens = google.grant(MAILBOX);
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { google, tokens, now_ms, received, http }
    }

    fn passes(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// A call of the Gmail API: status and body.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/gmail/v1/users/me/{path}", self.google.base());
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, url).bearer_auth(&self.tokens.access_token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn refused(&self, path: &str) -> (u16, String) {
        let (status, body) = self.call("GET", path, None).await;
        (status, body["error"]["errors"][0]["reason"].as_str().unwrap_or_default().to_owned())
    }

    async fn watch(&self) {
        let topic = self.google.config().topic.clone();
        let (status, body) = self.call("POST", "watch", Some(json!({ "topicName": topic }))).await;
        assert_eq!(status, 200, "{body}");
        self.google.idle().await;
    }

    async fn send(&self, raw: &str, thread: Option<&str>) -> (u16, Value) {
        let mut body = json!({ "raw": BASE64_URL_SAFE_NO_PAD.encode(raw) });
        if let Some(thread) = thread {
            body["threadId"] = thread.into();
        }
        self.call("POST", "messages/send", Some(body)).await
    }

    /// The notifications, decoded.
    fn notified(&self) -> Vec<Value> {
        let pushes = self.received.pushes.lock().unwrap();
        let decode = |push: &Value| {
            let data = push["message"]["data"].as_str().unwrap().trim_end_matches('=');
            let data = data.replace('+', "-").replace('/', "_");
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(data).unwrap()).unwrap()
        };
        pushes.iter().map(|(_, push)| decode(push)).collect()
    }

    /// A form is posted to OAuth: status and body.
    async fn form(&self, path: &str, members: &[(&str, &str)]) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
        let request = self.http.post(format!("{}{path}", self.google.base()));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

/// A mail of ours with CRLF.
fn raw(headers: &[(&str, &str)], text: &str) -> String {
    let own = [
        ("From", "Shop Support <support@shop.example.com>"),
        ("To", "ari@example.org"),
        ("Message-ID", "<reply-1@shop.example.com>"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    ];
    let replaced = |name: &str| headers.iter().any(|(other, _)| *other == name);
    let given = headers.iter().filter(|(_, value)| !value.is_empty());
    let all = own.iter().filter(|(name, _)| !replaced(name)).chain(given);
    let head: String = all.flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    format!("{head}\r\n{text}\r\n")
}
