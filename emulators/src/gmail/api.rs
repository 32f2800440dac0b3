//! The HTTP endpoints of the emulated Google: OAuth, the keys of its tokens, and the Gmail API.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    keys, listing, oauth, reading,
    refusal::Refusal,
    sending,
    shared::Shared,
    state::{Call, State as Google, Switch},
};
use crate::{
    script::HttpCall,
    serving::{Fail, cut},
};

/// A mail of the largest size in base64 and JSON.
const MAX_BODY_BYTES: usize = 50 << 20;
const MINUTE_MS: i64 = 60_000;
/// Members of forms that are not kept in `calls`.
const SECRETS: [&str; 5] = ["client_secret", "code", "refresh_token", "token", "code_verifier"];

const READ: &[&str] = &["readonly", "modify"];
const MODIFY: &[&str] = &["modify"];
const SEND: &[&str] = &["send", "compose", "modify"];

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(any).with_state(shared)
}

/// A request that was read.
struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    json: Result<Value, Refusal>,
    headers: HeaderMap,
}

async fn any(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return Refusal::new(413, "Request Entity Too Large", "uploadTooLarge", "INVALID_ARGUMENT")
            .into_response();
    };
    let pairs =
        |bytes: &[u8]| -> Vec<(String, String)> { url::form_urlencoded::parse(bytes).into_owned().collect() };
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is = |mime: &str| content_type.is_some_and(|value| value.starts_with(mime));
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        form: if is("application/x-www-form-urlencoded") { pairs(&body) } else { Vec::new() },
        json: match body.as_ref() {
            b"" => Ok(Value::Null),
            _ if !is("application/json") => Err(Refusal::invalid("Unsupported content type")),
            bytes => serde_json::from_slice(bytes)
                .map_err(|error| Refusal::invalid(format!("Invalid JSON payload received. {error}"))),
        },
        headers: parts.headers,
    };
    answer(&shared, asked).await
}

async fn answer(shared: &Arc<Shared>, asked: Asked) -> Response {
    let now_ms = shared.now_ms();
    let caller = caller(shared, &asked);
    let form: serde_json::Map<_, _> = asked
        .form
        .iter()
        .filter(|(name, _)| !SECRETS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let call = Call {
        method: asked.method.clone(),
        path: asked.path.clone(),
        query: asked.query.clone(),
        body: if form.is_empty() { asked.json.as_ref().cloned().unwrap_or_default() } else { form.into() },
        mailbox: caller.as_ref().ok().map(|grant| grant.0.clone()),
        at_ms: now_ms,
    };
    let is_sending = asked.path.ends_with("/messages/send");
    let draft = match (&caller, &asked.json) {
        (Ok((mailbox, _)), Ok(json)) if is_sending => sending::read(shared, mailbox, json).ok(),
        _ => None,
    };
    let text = draft.as_ref().and_then(sending::Draft::text).unwrap_or_default();
    let http = HttpCall {
        method: &asked.method,
        path: &asked.path,
        query: &asked.query,
        text: &text,
        to: draft.as_ref().map_or(&[][..], |draft| &draft.to),
        has_attachment: draft.as_ref().is_some_and(sending::Draft::has_attachment),
    };
    let (scripted, is_out) = shared.state.change(|state| {
        state.calls.push(call);
        (state.script.take_http(&http), state.is_on(Switch::Outage))
    });
    if is_out {
        return Refusal::backend(503).into_response();
    }
    if let Some(scripted) = scripted {
        tokio::time::sleep(scripted.hang()).await;
        if let Some(response) = scripted.response() {
            if scripted.leaves.unwrap_or(response.status().is_success())
                && let (Ok((mailbox, _)), Some(draft)) = (&caller, draft)
            {
                // Google's own response is discarded.
                let _ = sending::send(shared, mailbox, draft, scripted.echo_after().unwrap_or_default());
            }
            return response;
        }
    }
    if asked.path.starts_with("/gmail/") {
        gmail(shared, &asked, caller).await
    } else {
        accounts(shared, &asked)
    }
}

/// OAuth and the keys.
fn accounts(shared: &Shared, asked: &Asked) -> Response {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/o/oauth2/v2/auth") => oauth::authorize(shared, &asked.query),
        ("POST", "/token") => oauth::token(shared, &asked.headers, &asked.form),
        ("POST", "/revoke") => oauth::revoke(shared, &asked.query, &asked.form),
        ("GET", "/oauth2/v3/certs") => {
            let age =
                format!("public, max-age={}, must-revalidate, no-transform", shared.config.certs_max_age_s);
            let keys = shared.state.read(|state| keys::jwks(&state.keys));
            ([("cache-control", age)], Json(keys)).into_response()
        }
        _ => Refusal::not_found().into_response(),
    }
}

/// The mailbox and the scope of the access token.
fn caller(shared: &Shared, asked: &Asked) -> Result<(String, String), Refusal> {
    // A token in the address ends in the logs of proxies.
    if asked.query.iter().any(|(name, _)| name == "access_token" || name == "oauth_token") {
        return Err(Refusal::unauthenticated());
    }
    let mut values = asked.headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).filter(|_| values.next().is_none());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(Refusal::unauthenticated)?;
    let now_ms = shared.now_ms();
    let grant = shared.state.read(|state| state.access.get(token).cloned());
    let grant = grant.filter(|grant| grant.until_ms > now_ms).ok_or_else(Refusal::unauthenticated)?;
    Ok((grant.mailbox, grant.scope))
}

async fn gmail(shared: &Arc<Shared>, asked: &Asked, caller: Result<(String, String), Refusal>) -> Response {
    let segments: Vec<&str> = asked.path.split('/').skip(1).collect();
    let ["gmail", "v1", "users", user, rest @ ..] = &segments[..] else {
        return Refusal::not_found().into_response();
    };
    let (address, scope) = match caller {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let user = user.replace("%40", "@");
    if user != "me" && !user.eq_ignore_ascii_case(&address) {
        let refusal =
            Refusal::new(403, format!("Delegation denied for {address}"), "forbidden", "PERMISSION_DENIED");
        return refusal.into_response();
    }
    let Some((units, scopes)) = price(&asked.method, rest) else {
        return Refusal::not_found().into_response();
    };
    if !oauth::allows(&scope, scopes) {
        let words = "Request had insufficient authentication scopes.";
        return Refusal::new(403, words, "insufficientPermissions", "PERMISSION_DENIED").into_response();
    }
    if let Err(refusal) = shared.state.change(|state| charge(shared, state, &address, units)) {
        return refusal.into_response();
    }
    let Ok(json) = &asked.json else { return asked_json_error(asked) };
    let result = match rest {
        ["profile"] => listing::profile(shared, &address),
        ["watch"] => listing::watch(shared, &address, json),
        ["stop"] => listing::stop(shared, &address),
        ["history"] => listing::history(shared, &address, &asked.query),
        ["messages"] => listing::messages(shared, &address, &asked.query),
        ["messages", "send"] => return send(shared, &address, json).await,
        ["messages", id] => reading::message(shared, &address, id, &asked.query),
        ["messages", id, "modify"] => reading::modify(shared, &address, id, json),
        ["messages", id, "attachments", attachment] => reading::attachment(shared, &address, id, attachment),
        _ => Err(Refusal::not_found()),
    };
    respond(result)
}

fn asked_json_error(asked: &Asked) -> Response {
    let is_json = asked
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let words = if is_json { "Invalid JSON payload received." } else { "Unsupported content type" };
    Refusal::invalid(words).into_response()
}

/// Units of quota and the scopes of a call; `None` if there is no such call.
fn price(method: &str, rest: &[&str]) -> Option<(u64, &'static [&'static str])> {
    Some(match (method, rest) {
        ("GET", ["profile"]) => (1, &["readonly", "modify", "metadata", "compose"]),
        ("POST", ["watch"]) => (100, &["readonly", "modify", "metadata"]),
        ("POST", ["stop"]) => (50, &["readonly", "modify", "metadata"]),
        ("GET", ["history"]) => (2, READ),
        ("GET", ["messages"]) => (5, READ),
        ("POST", ["messages", "send"]) => (100, SEND),
        ("GET", ["messages", _] | ["messages", _, "attachments", _]) => (20, READ),
        ("POST", ["messages", _, "modify"]) => (5, MODIFY),
        _ => return None,
    })
}

fn charge(shared: &Shared, state: &mut Google, address: &str, units: u64) -> Result<(), Refusal> {
    let Some(limit) = shared.config.units_per_minute else { return Ok(()) };
    let minute = shared.now_ms().div_euclid(MINUTE_MS);
    let mailbox = listing::of(state, address)?;
    let used = if mailbox.used.0 == minute { mailbox.used.1 } else { 0 };
    if used + units > limit {
        return Err(Refusal::quota());
    }
    mailbox.used = (minute, used + units);
    Ok(())
}

fn respond(result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(Value::Null) => StatusCode::NO_CONTENT.into_response(),
        Ok(value) => Json(json!(value)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn send(shared: &Arc<Shared>, address: &str, json: &Value) -> Response {
    let draft = match sending::read(shared, address, json) {
        Ok(draft) => draft,
        Err(refusal) => return refusal.into_response(),
    };
    let at_once = std::time::Duration::ZERO;
    match shared.state.change(|state| state.failures.pop_front()) {
        None => respond(sending::send(shared, address, draft, at_once)),
        Some(Fail::TooManyRequests { retry_after }) => Refusal::too_many(retry_after).into_response(),
        Some(Fail::Blocked) => respond(sending::send_and_bounce(shared, address, draft)),
        Some(Fail::Server500) => Refusal::backend(500).into_response(),
        Some(Fail::DropConnection) => cut(),
        Some(Fail::Slow) => {
            let sent = sending::send(shared, address, draft, at_once);
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            respond(sent)
        }
        Some(Fail::Hang) => match sending::send(shared, address, draft, at_once) {
            Ok(_) => std::future::pending().await,
            refused => respond(refused),
        },
    }
}
