//! The middleware of every request: a request id, a log line without bodies and secrets, metrics, a timeout, and
//! security headers.

use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use super::peer::{self, Caller};
use super::problem::{self, Problem};
use crate::admission::ConnectionSlot;
use crate::app::{App, AppState};
use crate::telemetry::MADE_UP;
use crate::telemetry::traces::Span;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest time until the head of the answer: longer than the timeout of a call to a provider. It also ends
/// requests whose body never arrives.
const PATIENCE: Duration = Duration::from_mins(1);

/// The same for a request that brings a file. It ends earlier when nothing comes (`operations/files.rs`).
const PATIENCE_FOR_FILES: Duration = Duration::from_mins(30);
const FILES: &[&str] = &["/api/v1/files", "/api/v1/uploads"];

/// Providers repeat what was refused after pauses that grow, and some of them obey `Retry-After` instead. A wait of
/// seconds would use all their attempts up within a short outage (WAHA has 15) and lose the event: they are told none.
const HOOKS: &str = "/hooks/";

/// Everything from this origin only. Images and sounds also from `blob:` URLs, in which the page keeps media that it
/// fetched with its token. Scripts set styles through the DOM's properties, which needs no `unsafe-inline`.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const SECURITY: &[(&str, &str)] = &[
    ("content-security-policy", CONTENT_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), payment=(), usb=()"),
];

pub async fn observe_and_secure(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| acceptable(id))
        .cloned()
        .or_else(|| HeaderValue::from_str(&app.store.ids().next().to_string()).ok());
    // The matched route, not the path: the path of a webhook contains its secret.
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "other".to_owned());
    let method = method_name(request.method());
    let (is_api, is_hook) = (route.starts_with("/api/"), route.starts_with(HOOKS));
    let shown = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let span = tracing::info_span!("request", id = shown, method, route);

    let mut trace = traced_request(&app, &route, request.headers());
    trace.put("http.request.method", || method.to_owned());
    trace.put("http.route", || route.clone());
    let caller = request.extensions().get::<ConnectInfo<Caller>>().map(|info| info.0);
    if let Some(caller) = caller {
        let trusted = &app.config.server.trusted_proxies;
        app.untrusted.note(caller.address.ip(), request.headers(), trusted, started);
    }
    let mut response = match take_slot(&app, caller, request.headers()) {
        Ok(_slot) => {
            let brings_file = FILES.iter().any(|path| route.starts_with(path));
            let patience = if brings_file { PATIENCE_FOR_FILES } else { PATIENCE };
            let answered =
                tokio::time::timeout(patience, trace.within(next.run(request).instrument(span.clone())))
                    .await;
            answered.unwrap_or_else(|_| {
                let detail = "the request took too long, or its body never came";
                Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail).into_response()
            })
        }
        Err(refusal) => refusal.into_response(),
    };

    let (status, took) = (response.status().as_u16(), started.elapsed());
    measure(route, method, status, took);
    trace.put("http.response.status_code", || status.to_string());
    if status >= 500 {
        trace.fail("the server could not answer");
    }
    span.in_scope(|| tracing::debug!(status, took_ms = took.as_millis() as u64, "answered"));

    let headers = response.headers_mut();
    if is_hook {
        headers.remove(header::RETRY_AFTER);
    }
    if is_api {
        // Answers to an authenticated caller: shared caches must not store them.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    for (name, value) in SECURITY {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if app.config.is_https() {
        let strict = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(strict);
    }
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Requests for the page and by probes are not traced.
fn traced_request(app: &App, route: &str, headers: &HeaderMap) -> Span {
    if route == "other" || route.starts_with("/health") || route == "/metrics" {
        return Span::none();
    }
    let told = headers.get("traceparent").and_then(|told| told.to_str().ok());
    Span::request(told, app.config.telemetry.accept_traceparent)
}

/// A method's name for figures, logs and traces. Anybody can make methods up, each of which would be one more label that
/// is kept for good.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(MADE_UP)
}

pub(super) fn measure(route: String, method: &'static str, status: u16, took: Duration) {
    let labels = [("route", route), ("method", method.to_owned()), ("status", format!("{}xx", status / 100))];
    metrics::histogram!("hubbub_http_request_seconds", &labels).record(took.as_secs_f64());
}

/// A trusted proxy's connection carries requests of many clients, so each request takes a slot of the forwarded
/// address.
pub(super) fn take_slot(
    app: &App,
    caller: Option<Caller>,
    headers: &HeaderMap,
) -> Result<Option<ConnectionSlot>, Problem> {
    let Some(proxy) = caller.filter(|caller| caller.is_proxy) else { return Ok(None) };
    let direct = proxy.address.ip().to_canonical();
    let seen = peer::resolve(direct, headers, &app.config.server.trusted_proxies);
    // The proxy forwarded no address.
    if seen == direct {
        return Ok(None);
    }
    app.admission.connection_slots.take(seen).map(Some).ok_or_else(problem::too_many_unfinished)
}

/// A client's request id is kept if it is safe to log.
fn acceptable(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (8..=64).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_may_have_neither_scripts_nor_styles_inline() {
        assert!(!CONTENT_POLICY.contains("unsafe"), "{CONTENT_POLICY}");
    }

    #[test]
    fn foreign_request_ids_are_short_words() {
        assert!(acceptable(&HeaderValue::from_static("0190-abc_DEF.9")));
        for id in ["short", "with blanks in it", &"x".repeat(65), "quote\"quote"] {
            assert!(!acceptable(&HeaderValue::from_str(id).expect("a value")), "{id}");
        }
    }
}
