//! The HTTP API of the emulated Bot API: `/bot<token>/<method>` with JSON parameters and `/file/bot<token>/<path>`.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Value, json};

use super::{calls, refusal::Refusal, shared::Shared, state::Call};
use crate::{
    script::Answer,
    serving::{Fail, cut},
};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{bot}/{method}", any(method))
        .route("/file/{bot}/{*path}", get(file))
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(shared)
}

async fn method(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if bot.strip_prefix("bot") != Some(shared.config.token.as_str()) {
        return Refusal::new(401, "Unauthorized").into_response();
    }
    let parameters = match body.as_ref() {
        b"" => json!({}),
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
