//! The HTTP API of the emulated server. Every path needs the key; invalid calls get WAHA's errors.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde_json::{Value, json};

use super::{
    hooks, ids,
    refusal::{error, require},
    sending, sessions,
    shared::Shared,
    state::Call,
};
use crate::script::Answer;

/// Files come within, in base64.
const MAX_BODY_BYTES: usize = 50 << 20;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/api/sessions", get(sessions::list).post(sessions::create))
        .route("/api/sessions/{session}", get(sessions::get).put(sessions::put).delete(sessions::delete))
        .route("/api/sessions/{session}/me", get(sessions::me))
        .route("/api/sessions/{session}/{order}", post(sessions::order))
        .route("/api/{session}/auth/qr", get(sessions::qr))
        .route("/api/{session}/auth/request-code", post(sessions::request_code))
        .route("/api/{session}/new-message-id", get(new_message_id))
        .route("/api/{session}/lids/{lid}", get(lid))
        .route("/api/{session}/lids/pn/{phone}", get(lid_of_phone))
        .route("/api/{session}/groups/{group}", get(group))
        .route("/api/{session}/chats/overview", get(overview))
        .route("/api/{session}/chats/{chat}/messages", get(messages))
        .route("/api/{session}/chats/{chat}/messages/{id}", get(message))
        .route("/api/contacts/check-exists", get(check_exists))
        .route("/api/files/{session}/{file}", get(file))
        .route("/api/{session}/presence/{chat}/subscribe", post(subscribe))
        .route("/api/reaction", put(react))
        .route("/api/sendSeen", post(courtesy))
        .route("/api/startTyping", post(courtesy))
        .route("/api/stopTyping", post(courtesy));
    for call in sending::CALLS {
        router = router.route(&format!("/api/{call}"), post(sending::send));
    }
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

/// Records the call and checks its key.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "request entity too large");
    };
    let is_allowed = parts.headers.get("x-api-key").is_some_and(|key| key == shared.config.api_key.as_str());
    let call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        body: sending::without_bytes(serde_json::from_slice(&bytes).unwrap_or(Value::Null)),
        at_ms: shared.config.clock.now_ms(),
    };
    shared.state.change(|state| state.calls.push(call));
    if !is_allowed {
        return error(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    let scripted = shared.state.change(|state| state.script.take(parts.uri.path()));
    if let Some(response) = scripted.as_ref().and_then(Answer::response) {
        if let Some(answer) = scripted.filter(|answer| answer.leaves == Some(true)) {
            let call = parts.uri.path().rsplit('/').next().unwrap_or_default();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            sending::leave(&shared, call, &body, answer.echo_after()).await;
        }
        return response;
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

async fn new_message_id(State(shared): State<Arc<Shared>>, Path(session): Path<String>) -> Response {
    if let Err(refusal) = require(&shared, &session, "WORKING") {
        return *refusal;
    }
    if shared.config.engine.takes_ids() {
        Json(json!({ "id": ids::new_bare_id() })).into_response()
    } else {
        error(StatusCode::NOT_IMPLEMENTED, "The method is not implemented by the engine")
    }
}

async fn lid(State(shared): State<Arc<Shared>>, Path((_, lid)): Path<(String, String)>) -> Response {
    let lid = if lid.contains('@') { lid } else { format!("{lid}@lid") };
    let phone = shared.state.read(|state| state.lids.get(&lid).cloned());
    Json(json!({ "lid": lid, "pn": phone })).into_response()
}

async fn group(
    State(shared): State<Arc<Shared>>,
    Path((session, group)): Path<(String, String)>,
) -> Response {
    if let Err(refusal) = require(&shared, &session, "WORKING") {
        return *refusal;
    }
    match shared.state.read(|state| state.groups.get(&group).cloned()) {
        Some(subject) => Json(json!({ "id": group, "subject": subject })).into_response(),
        None => error(StatusCode::NOT_FOUND, "Group not found"),
    }
}

async fn lid_of_phone(
    State(shared): State<Arc<Shared>>,
    Path((_, phone)): Path<(String, String)>,
) -> Response {
    let phone = if phone.contains('@') { phone } else { format!("{phone}@c.us") };
    let lid = shared.state.read(|state| {
        let mut lids = state.lids.iter();
        lids.find(|(_, known)| **known == phone).map(|(lid, _)| lid.clone())
    });
    Json(json!({ "lid": lid, "pn": phone })).into_response()
}

#[derive(serde::Deserialize)]
struct Wanted {
    phone: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
    #[serde(rename = "filter.timestamp.gte")]
    since_s: Option<i64>,
    #[serde(rename = "downloadMedia")]
    download_media: Option<bool>,
}

async fn check_exists(Query(wanted): Query<Wanted>) -> Response {
    let digits: String = wanted.phone.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    let exists = digits.len() >= 7;
    let chat = exists.then(|| format!("{digits}@c.us"));
    Json(json!({ "numberExists": exists, "chatId": chat })).into_response()
}

async fn messages(
    State(shared): State<Arc<Shared>>,
    Path((session, chat)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Response {
    if let Err(refusal) = require(&shared, &session, "WORKING") {
        return *refusal;
    }
    let since_ms = wanted.since_s.unwrap_or(0) * 1000;
    let payloads: Vec<Value> = shared.state.read(|state| {
        let messages = state.messages.get(&session).into_iter().flat_map(|messages| messages.iter().rev());
        let of_chat = messages
            .filter(|message| message.chat == chat && message.at_ms >= since_ms)
            .skip(wanted.offset.unwrap_or(0))
            .take(wanted.limit.unwrap_or(10));
        of_chat.map(|message| sending::payload(&shared.config, &session, message, &state.lids)).collect()
    });
    Json(payloads).into_response()
}

/// The chats, those of the newest messages first.
async fn overview(
    State(shared): State<Arc<Shared>>,
    Path(session): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    if let Err(refusal) = require(&shared, &session, "WORKING") {
        return *refusal;
    }
    let chats: Vec<Value> = shared.state.read(|state| {
        let mut seen = std::collections::BTreeSet::new();
        let messages = state.messages.get(&session).into_iter().flat_map(|messages| messages.iter().rev());
        let newest = messages.filter(|message| seen.insert(message.chat.clone()));
        let chats = newest.map(|message| {
            let last = sending::payload(&shared.config, &session, message, &state.lids);
            json!({ "id": message.chat, "name": null, "picture": null, "lastMessage": last })
        });
        chats.skip(wanted.offset.unwrap_or(0)).take(wanted.limit.unwrap_or(20)).collect()
    });
    Json(chats).into_response()
}

/// With `downloadMedia`, the file becomes available again.
async fn message(
    State(shared): State<Arc<Shared>>,
    Path((session, _chat, id)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Response {
    if let Err(refusal) = require(&shared, &session, "WORKING") {
        return *refusal;
    }
    let payload = shared.state.change(|state| {
        if wanted.download_media == Some(true) {
            let until_ms = shared.config.clock.now_ms() + shared.config.file_lifetime_ms;
            state.renew_file(&session, &id, until_ms);
        }
        let message = state.message(&session, &id)?;
        Some(sending::payload(&shared.config, &session, message, &state.lids))
    });
    payload.map_or_else(
        || error(StatusCode::NOT_FOUND, "Message not found"),
        |found| Json(found).into_response(),
    )
}

async fn file(State(shared): State<Arc<Shared>>, Path((session, file)): Path<(String, String)>) -> Response {
    let now_ms = shared.config.clock.now_ms();
    let id = file.rsplit_once('.').map_or(file.as_str(), |(id, _)| id);
    let found = shared.state.read(|state| {
        let stored = state.message(&session, id)?.file.as_ref()?;
        (stored.until_ms > now_ms).then(|| stored.file.clone())
    });
    match found {
        Some(file) => ([("content-type", file.mime)], file.bytes).into_response(),
        None => error(StatusCode::NOT_FOUND, "File not found"),
    }
}

/// From now on what the chat's customer types is told.
async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Path((session, chat)): Path<(String, String)>,
) -> Response {
    if let Err(refusal) = require(&shared, &session, "WORKING") {
        return *refusal;
    }
    if !chat.contains('@') {
        return error(StatusCode::BAD_REQUEST, "chatId must have a server");
    }
    shared.state.change(|state| state.heard.insert((session, chat)));
    StatusCode::CREATED.into_response()
}

/// The account's reaction to a message that the engine knows by its long id; the engine tells its webhooks as well.
async fn react(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let session = body["session"].as_str().unwrap_or("default");
    if let Err(refusal) = require(&shared, session, "WORKING") {
        return *refusal;
    }
    let (Some(id), Some(_)) = (body["messageId"].as_str(), body["reaction"].as_str()) else {
        return error(StatusCode::BAD_REQUEST, "messageId and reaction must be strings");
    };
    let mut parts = id.splitn(3, '_');
    let (Some("true" | "false"), Some(chat), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return error(StatusCode::BAD_REQUEST, "messageId must be {fromMe}_{chat}_{id}");
    };
    let bare = rest.split('_').next().unwrap_or_default();
    if !shared.state.read(|state| state.message(session, bare).is_some()) {
        return error(StatusCode::NOT_FOUND, "Message not found");
    }
    let own = ids::message_id(true, chat, &ids::new_bare_id(), None);
    let payload = json!({ "id": own, "from": chat, "fromMe": true, "participant": chat,
        "timestamp": shared.config.clock.now_ms() / 1000, "reaction": { "text": body["reaction"], "messageId": id } });
    hooks::emit(&shared, session, "message.reaction", &payload);
    (StatusCode::OK, Json(json!({}))).into_response()
}

/// Seen and typing: the call is only recorded.
async fn courtesy(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match require(&shared, body["session"].as_str().unwrap_or("default"), "WORKING") {
        Ok(()) if body["chatId"].is_string() => (StatusCode::CREATED, Json(json!({}))).into_response(),
        Ok(()) => error(StatusCode::BAD_REQUEST, "chatId must be a string"),
        Err(refusal) => *refusal,
    }
}
