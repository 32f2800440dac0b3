//! The HTTP API: every call is recorded, then answered by an outage, by a script or as Graph answers it.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{self, DefaultBodyLimit, State as Extracted},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    config::Shared,
    filling, media, messages,
    messages::Plan,
    nodes, oauth,
    refusal::{Outcome, Refusal},
    request::Request,
    subscriptions, tokens,
    values::{Call, Outage},
};
use crate::{script::Answer, serving::cut};

const MAX_BODY_BYTES: usize = 128 << 20;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(call).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(shared)
}

async fn call(Extracted(shared): Extracted<Arc<Shared>>, request: extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = Request::new(&parts, bytes);
    let body = request.logged();
    let entry = Call {
        number: 0,
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.logged_query(),
        body: body.clone(),
        at_ms: shared.now_ms(),
        status: 0,
    };
    let (number, of_path, outage, scripted) = shared.state.change(|state| {
        let outage = state.outage;
        let service = request.segments.get(1).and_then(|named| {
            let token = request.token().and_then(|token| state.tokens.get(&token));
            state.service(&token.map_or_else(|| named.clone(), |token| token.names(named)))
        });
        let scripted = if outage.is_none() { state.script.take(&request, &body, service) } else { None };
        let number = state.calls.iter().next_back().map_or(1, |last| last.number + 1);
        state.calls.push(Call { number, ..entry });
        let of_path = state.calls_of_path.entry(request.path.clone()).or_default();
        *of_path += 1;
        (number, *of_path, outage, scripted)
    });
    let response = match outage {
        Some(Outage::Errors) => Refusal::transient(503).into_response(),
        Some(Outage::CutsConnections) => cut(),
        Some(Outage::Hangs) => std::future::pending().await,
        None => answer(&shared, &request, of_path, scripted).await,
    };
    let status = response.status().as_u16();
    shared.state.change(|state| {
        let known = state.calls.iter_mut().rev().find(|known| known.number == number);
        if let Some(known) = known {
            known.status = status;
        }
    });
    response
}

async fn answer(shared: &Arc<Shared>, request: &Request, of_path: u64, scripted: Option<Answer>) -> Response {
    let Some(mut scripted) = scripted else { return own(shared, request, Plan::of(shared, None)).await };
    scripted.body = filling::filled(shared, &scripted.body, of_path, false);
    let hang = Duration::from_millis(scripted.hang_ms.unwrap_or_default());
    let plan = Plan::of(shared, Some(&scripted));
    if scripted.status.is_none() {
        tokio::time::sleep(hang).await;
        return own(shared, request, plan).await;
    }
    let is_ok = scripted.status.is_some_and(|status| (200..300).contains(&status));
    if scripted.leaves.unwrap_or(is_ok) && messages::is_send(request) {
        messages::leave(shared, request, plan).await;
    }
    tokio::time::sleep(hang).await;
    if let Some(bytes) = &scripted.bytes {
        let status = scripted.status.and_then(|status| StatusCode::from_u16(status).ok());
        return (status.unwrap_or(StatusCode::OK), bytes.clone().into_bytes()).into_response();
    }
    scripted.response().unwrap_or_else(|| StatusCode::NOT_IMPLEMENTED.into_response())
}

/// Graph's own answer.
async fn own(shared: &Arc<Shared>, request: &Request, plan: Plan) -> Response {
    let parts: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    // Paths without a version.
    match (method, parts.as_slice()) {
        ("GET", ["whatsapp_business", "attachments"]) => return media::whatsapp_file(shared, request),
        ("GET", ["ig_messaging_cdn"]) => return media::public_file(shared, request),
        ("GET", ["oauth", "authorize"]) if request.is_at("www.instagram.com") => {
            return oauth::dialog(shared, request, true);
        }
        ("GET" | "POST", ["oauth", "access_token"]) => return json(oauth::exchange(shared, request)),
        ("GET", ["access_token"]) => return json(oauth::instagram_long(shared, request)),
        ("GET", ["refresh_access_token"]) => return json(oauth::instagram_refresh(shared, request)),
        _ => {}
    }
    let Some((version, rest)) = parts.split_first() else {
        return Refusal::unknown("").into_response();
    };
    if *version != shared.config.version {
        let words = format!("You are calling an unknown or deprecated version of the Graph API: {version}");
        return Refusal::new(2635, &words).into_response();
    }
    match (method, rest) {
        ("GET", ["dialog", "oauth"]) if request.is_at("www.facebook.com") => {
            oauth::dialog(shared, request, false)
        }
        (_, _) if request.host.is_some_and(|host| !host.starts_with("graph.")) => {
            Refusal::unknown(rest.first().copied().unwrap_or_default()).into_response()
        }
        ("GET" | "POST", ["oauth", "access_token"]) => json(oauth::exchange(shared, request)),
        ("GET", ["access_token"]) => json(oauth::instagram_long(shared, request)),
        ("GET", ["refresh_access_token"]) => json(oauth::instagram_refresh(shared, request)),
        ("GET", ["debug_token"]) => json(tokens::debug(shared, request)),
        ("POST", [account, "messages"]) => messages::send(shared, request, account, plan).await,
        ("POST", [number, "media"]) => json(media::upload(shared, request, number)),
        ("POST", [page, "message_attachments"]) => json(media::attachment(shared, request, page)),
        ("GET", ["me", "accounts"]) => json(nodes::my_accounts(shared, request)),
        ("DELETE", [_, "permissions"]) => json(oauth::revoke(shared, request)),
        ("POST", [app, "subscriptions"]) => json(subscriptions::of_app(shared, request, app).await),
        ("GET" | "POST" | "DELETE", [account, "subscribed_apps"]) => {
            json(subscriptions::of_account(shared, request, account).await)
        }
        ("POST", [number, "register" | "deregister"]) => json(nodes::register(shared, request, number)),
        ("GET", [waba, "phone_numbers"]) => json(nodes::phone_numbers(shared, request, waba)),
        ("GET", [waba, "message_templates"]) => json(nodes::templates(shared, request, waba)),
        ("GET", [id]) => json(nodes::get(shared, request, id)),
        ("DELETE", [id]) => json(media::delete(shared, request, id)),
        (_, rest) => Refusal::unknown(rest.first().copied().unwrap_or_default()).into_response(),
    }
}

fn json(outcome: Outcome) -> Response {
    match outcome {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}
