//! The emulated server's sessions: their lifecycle, and their configuration, which every change replaces completely.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    hooks,
    refusal::{self, unknown},
    shared::Shared,
    state::{Session, next_me},
};

const HISTORY: usize = 10;
const CODES: u8 = 6;
/// A QR code of `https://example.com/pair`, as large as the real server's: a person can see that it is one. No phone is linked
/// by it.
const QR_PNG: &[u8] = include_bytes!("qr.png");

pub(super) fn set_status(shared: &Arc<Shared>, name: &str, status: &str) {
    let now_ms = shared.config.clock.now_ms();
    let payload = shared.state.change(|state| {
        let session = state.sessions.get_mut(name)?;
        status.clone_into(&mut session.status);
        session.history.push(json!({ "status": status, "timestamp": now_ms }));
        if session.history.len() > HISTORY {
            session.history.remove(0);
        }
        Some(json!({ "name": name, "status": status, "statuses": session.history, "data": null }))
    });
    if let Some(payload) = payload {
        hooks::emit(shared, name, "session.status", &payload);
    }
}

/// Shows the next of six codes; after the last one the session fails.
pub(super) fn next_code(shared: &Arc<Shared>, name: &str) {
    let count = shared.state.change(|state| {
        let session = state.sessions.get_mut(name)?;
        session.codes += 1;
        Some(session.codes)
    });
    let status = if count.is_some_and(|count| count > CODES) { "FAILED" } else { "SCAN_QR_CODE" };
    set_status(shared, name, status);
}

fn start(shared: &Arc<Shared>, name: &str) {
    shared.state.change(|state| {
        if let Some(session) = state.sessions.get_mut(name) {
            session.codes = 1;
        }
        state.heard.retain(|(session, _)| session != name);
    });
    set_status(shared, name, "STARTING");
    set_status(shared, name, if shared.config.links_itself { "WORKING" } else { "SCAN_QR_CODE" });
}

fn show(shared: &Shared, name: &str) -> Option<Value> {
    shared.state.read(|state| {
        let session = state.sessions.get(name)?;
        let is_working = session.status == "WORKING";
        let me = is_working.then(|| json!({ "id": session.me, "pushName": "Demo Shop" }));
        let engine = json!({ "engine": shared.config.engine.name() });
        Some(json!({ "name": name, "status": session.status, "config": session.config, "me": me, "engine": engine }))
    })
}

fn shown(shared: &Shared, name: &str) -> Response {
    match show(shared, name) {
        Some(session) => Json(session).into_response(),
        None => unknown(),
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let names: Vec<String> = shared.state.read(|state| state.sessions.keys().cloned().collect());
    Json(names.iter().filter_map(|name| show(&shared, name)).collect::<Vec<_>>()).into_response()
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let name = body["name"].as_str().unwrap_or("default").to_owned();
    let config = body.get("config").cloned().unwrap_or(json!({}));
    let is_new = shared.state.change(|state| {
        let is_new = !state.sessions.contains_key(&name);
        let me = next_me(&shared.config.me, state.made);
        state.made += usize::from(is_new);
        let session = Session { status: "STOPPED".into(), config, me, codes: 1, history: Vec::new() };
        state.sessions.entry(name.clone()).or_insert(session);
        is_new
    });
    if !is_new {
        return refusal::error(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("Session '{name}' already exists."),
        );
    }
    if body.get("start") != Some(&json!(false)) {
        start(&shared, &name);
    }
    (StatusCode::CREATED, shown(&shared, &name)).into_response()
}

pub(super) async fn get(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    shown(&shared, &name)
}

/// Replaces the whole configuration and restarts the session, unless it is stopped.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let config = body.get("config").cloned().unwrap_or(json!({}));
    let was = shared.state.change(|state| {
        let session = state.sessions.get_mut(&name)?;
        session.config = config;
        Some(session.status.clone())
    });
    match was.as_deref() {
        None => return unknown(),
        Some("STOPPED") => {}
        Some(_) => start(&shared, &name),
    }
    shown(&shared, &name)
}

pub(super) async fn delete(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match shared.state.change(|state| state.sessions.remove(&name)) {
        Some(_) => StatusCode::OK.into_response(),
        None => unknown(),
    }
}

/// `start`, `stop`, `restart` and `logout`.
pub(super) async fn order(
    State(shared): State<Arc<Shared>>,
    Path((name, order)): Path<(String, String)>,
) -> Response {
    let Some(session) = show(&shared, &name) else { return unknown() };
    match order.as_str() {
        "start" if session["status"] == "WORKING" => {}
        "start" | "restart" => start(&shared, &name),
        "stop" | "logout" => set_status(&shared, &name, "STOPPED"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    (StatusCode::CREATED, shown(&shared, &name)).into_response()
}

pub(super) async fn me(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match show(&shared, &name) {
        Some(session) => Json(session["me"].clone()).into_response(),
        None => unknown(),
    }
}

pub(super) async fn qr(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    if let Err(refusal) = refusal::require(&shared, &name, "SCAN_QR_CODE") {
        return *refusal;
    }
    let codes = shared.state.read(|state| state.sessions.get(&name).map_or(0, |one| one.codes));
    // What follows the end of a picture is no part of it, and makes each code another one.
    let picture = [QR_PNG, &[codes]].concat();
    ([("content-type", "image/png")], picture).into_response()
}

/// A code to be typed on the phone of that number.
pub(super) async fn request_code(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    if let Err(refusal) = refusal::require(&shared, &name, "SCAN_QR_CODE") {
        return *refusal;
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let number = body["phoneNumber"].as_str().unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return refusal::error(StatusCode::BAD_REQUEST, "phoneNumber must be digits only");
    }
    (StatusCode::CREATED, Json(json!({ "code": "ABCD-EFGH" }))).into_response()
}
