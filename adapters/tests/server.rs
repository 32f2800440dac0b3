//! A provider's server for one test: answers by path, records what it was asked, can hang up or keep silent.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;

#[derive(Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    Bytes(u16, Vec<u8>),
    /// May be kept for so many seconds.
    Kept(u64, Value),
    /// With a `Retry-After`.
    Later(u16, u64),
    Redirect(String),
    /// Never answers.
    Silence,
    /// Announces more than it sends.
    Torn(u16),
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    /// The `Authorization`.
    pub(crate) bearer: Option<String>,
    /// As it came, for what is no JSON.
    pub(crate) text: String,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    asked: Mutex<Vec<Asked>>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Script::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next answer under `METHOD /path`; the last one given stays.
    pub(crate) fn on(&self, route: &str, answer: Answer) -> &Self {
        self.script.answers.lock().unwrap().entry(route.to_owned()).or_default().push_back(answer);
        self
    }

    /// Nothing is answered there any more.
    pub(crate) fn forget(&self, route: &str) {
        self.script.answers.lock().unwrap().remove(route);
    }

    pub(crate) fn json(&self, route: &str, status: u16, body: Value) -> &Self {
        self.on(route, Answer::Json(status, body))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().expect("the server was asked")
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name)?.to_str().ok().map(str::to_owned)
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let route = format!("{} {}", request.method(), request.uri());
    let (key, bearer) = (header(&request, "x-api-key"), header(&request, "authorization"));
    let key = key.or_else(|| bearer.clone());
    let bytes = to_bytes(request.into_body(), 64 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A form stays the text that it is.
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(text.clone()));
    script.asked.lock().unwrap().push(Asked { path: route.clone(), key, bearer, text, body });
    let next = {
        let mut answers = script.answers.lock().unwrap();
        answers
            .get_mut(&route)
            .and_then(|queue| if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() })
    };
    let status = |code| StatusCode::from_u16(code).unwrap();
    match next {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Answer::Json(code, body)) => (status(code), axum::Json(body)).into_response(),
        Some(Answer::Bytes(code, body)) => (status(code), body).into_response(),
        Some(Answer::Kept(seconds, body)) => {
            ([("cache-control", format!("public, max-age={seconds}"))], axum::Json(body)).into_response()
        }
        Some(Answer::Later(code, seconds)) => {
            (status(code), [("retry-after", seconds.to_string())], "{}").into_response()
        }
        Some(Answer::Redirect(to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Some(Answer::Silence) => std::future::pending().await,
        Some(Answer::Torn(code)) => {
            let broken = futures_util::stream::iter([Ok("{\"ok\":tr"), Err(std::io::Error::other("cut"))]);
            (status(code), Body::from_stream(broken)).into_response()
        }
    }
}
