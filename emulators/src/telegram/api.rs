//! The HTTP API of the emulated Bot API: `/bot<token>/<method>` with JSON parameters and `/file/bot<token>/<path>`.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Value, json};

use super::{calls, refusal::Refusal, shared::Shared, state::Call};
use crate::{
    form,
    script::Answer,
    serving::{Fail, cut},
};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{bot}/{method}", any(method))
        .route("/file/{bot}/{*path}", get(file))
        .layer(DefaultBodyLimit::max(64 << 20))
        .with_state(shared)
}

async fn method(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if bot.strip_prefix("bot") != Some(shared.config.token.as_str()) {
        return Refusal::new(401, "Unauthorized").into_response();
    }
    let content_type = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let parameters = match body.as_ref() {
        b"" => json!({}),
        bytes if content_type.starts_with("multipart/") => match of_form(&method, content_type, bytes) {
            Ok(parameters) => parameters,
            Err(refusal) => return refusal.into_response(),
        },
        bytes => match serde_json::from_slice::<Value>(bytes) {
            Ok(parameters) if parameters.is_object() => parameters,
            _ => return Refusal::bad("can't parse the parameters as a JSON object").into_response(),
        },
    };
    let at_ms = shared.config.clock.now_ms();
    let call = Call { method: method.clone(), parameters: parameters.clone(), at_ms };
    let scripted = shared.state.change(|state| {
        state.calls.push(call);
        state.script.take(&method)
    });
    if let Some(response) = scripted.as_ref().and_then(Answer::response) {
        if scripted.is_some_and(|answer| answer.leaves == Some(true)) {
            // Telegram's own response is discarded.
            let _ = calls::send(&shared, &method, &parameters).await;
        }
        return response;
    }
    if !calls::is_sending(&method) {
        return answer(calls::other(&shared, &method, &parameters));
    }
    if let Some(refusal) = calls::too_fast(&shared, &parameters) {
        return refusal.into_response();
    }
    match shared.state.change(|state| state.failures.pop_front()) {
        None => answer(calls::send(&shared, &method, &parameters).await),
        Some(Fail::TooManyRequests { retry_after }) => Refusal {
            code: 429,
            description: format!("Too Many Requests: retry after {retry_after}"),
            parameters: Some(json!({ "retry_after": retry_after })),
        }
        .into_response(),
        Some(Fail::Blocked) => Refusal::new(403, "Forbidden: bot was blocked by the user").into_response(),
        Some(Fail::Server500) => Refusal::new(500, "Internal Server Error").into_response(),
        Some(Fail::DropConnection) => cut(),
        Some(Fail::Slow) => {
            let sent = calls::send(&shared, &method, &parameters).await;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            answer(sent)
        }
        Some(Fail::Hang) => match calls::send(&shared, &method, &parameters).await {
            Ok(_) => std::future::pending().await,
            refused => answer(refused),
        },
    }
}

/// The parameters of a form; its file as what was brought, after a look at its size and its type.
fn of_form(method: &str, content_type: &str, body: &[u8]) -> Result<Value, Refusal> {
    let parts = form::parts(content_type, body).ok_or_else(|| Refusal::bad("can't parse the form"))?;
    let mut parameters = serde_json::Map::new();
    for part in parts {
        if part.file.is_some() {
            let most = if part.name == "photo" { 10 << 20 } else { 50 << 20 };
            if part.bytes.is_empty() || part.bytes.len() > most {
                return Err(Refusal::new(413, "Request Entity Too Large"));
            }
            if !form::is_kind(&part.name, part.bytes) {
                return Err(Refusal::bad(&format!("wrong type of the {} in {method}", part.name)));
            }
            parameters.insert(part.name, form::brought(part.bytes).into());
            continue;
        }
        let text = String::from_utf8_lossy(part.bytes).into_owned();
        let read = match part.name.as_str() {
            "reply_markup" | "reply_parameters" | "message_thread_id" | "direct_messages_topic_id" => {
                serde_json::from_str(&text).map_err(|_| Refusal::bad("can't parse a parameter"))?
            }
            _ => text.into(),
        };
        parameters.insert(part.name, read);
    }
    Ok(parameters.into())
}

fn answer(result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(result) => Json(json!({ "ok": true, "result": result })).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn file(State(shared): State<Arc<Shared>>, Path((bot, path)): Path<(String, String)>) -> Response {
    if bot.strip_prefix("bot") != Some(shared.config.token.as_str()) {
        return Refusal::new(401, "Unauthorized").into_response();
    }
    let found = shared.state.read(|state| {
        let mut files = state.files.values();
        let stored = files.find(|file| file.path == path).map(|file| file.bytes.clone());
        stored.or_else(|| state.script.file(&path))
    });
    match found {
        Some(bytes) => ([("content-type", "application/octet-stream")], bytes).into_response(),
        None => Refusal::new(404, "Not Found").into_response(),
    }
}
