//! Webhook delivery as WAHA does it: each event goes to each webhook independently, so events can be reordered; signed
//! when a key is configured; a failed attempt is retried by the webhook's policy, and the event is dropped after the
//! last one.

use std::{fmt::Write, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{ids, shared::Shared, state::Delivery};

const DEFAULT_ATTEMPTS: u64 = 15;
const DEFAULT_DELAY_S: u64 = 2;
const MAX_DOUBLINGS: u32 = 6;

struct Hook {
    url: String,
    key: Option<String>,
    policy: Policy,
}

#[derive(Clone, Copy)]
enum Policy {
    Constant(u64, u64),
    Linear(u64, u64),
    Exponential(u64, u64),
}

impl Policy {
    fn of(webhook: &Value) -> Self {
        let retries = &webhook["retries"];
        let delay_s = retries["delaySeconds"].as_u64().unwrap_or(DEFAULT_DELAY_S);
        let attempts = retries["attempts"].as_u64().unwrap_or(DEFAULT_ATTEMPTS);
        match retries["policy"].as_str() {
            Some("linear") => Self::Linear(delay_s, attempts),
            Some("exponential") => Self::Exponential(delay_s, attempts),
            _ => Self::Constant(delay_s, attempts),
        }
    }

    /// The pause after a failed attempt, in seconds; `None` when it was the last.
    fn pause_s(self, attempt: u64) -> Option<u64> {
        let (Self::Constant(delay_s, attempts)
        | Self::Linear(delay_s, attempts)
        | Self::Exponential(delay_s, attempts)) = self;
        (attempt < attempts).then(|| match self {
            Self::Constant(..) => delay_s,
            Self::Linear(..) => delay_s * attempt,
            Self::Exponential(..) => delay_s << (attempt - 1).min(u64::from(MAX_DOUBLINGS)),
        })
    }
}

/// Delivers an event of a session to every webhook that subscribes to it.
pub(super) fn emit(shared: &Arc<Shared>, session: &str, name: &str, payload: &Value) {
    let now_ms = shared.config.clock.now_ms();
    let me = shared.state.read(|state| state.me(session).map(str::to_owned));
    let me = json!({ "id": me, "pushName": "Demo Shop" });
    let engine = shared.config.engine.name();
    let id = ids::new_bare_id().to_lowercase();
    let hooks = shared.state.change(|state| {
        let Some(session) = state.sessions.get(session) else { return Vec::new() };
        let hooks = hooks_for(&session.config, name);
        if state.loses_events {
            state.lost += hooks.len();
            return Vec::new();
        }
        state.under_way += hooks.len();
        hooks
    });
    let envelope = json!({
        "id": format!("evt_{id}"), "timestamp": now_ms, "event": name, "session": session, "metadata": {},
        "me": me, "payload": payload, "engine": engine,
        "environment": { "version": "2026.7.1", "engine": engine, "tier": "PLUS", "browser": null },
    });
    let body = envelope.to_string().into_bytes();
    let message = payload["id"].as_str().map(str::to_owned);
    for hook in hooks {
        let event =
            Event { name: name.to_owned(), id: id.clone(), message: message.clone(), body: body.clone() };
        shared.tasks.spawn(deliver(Arc::clone(shared), hook, event, now_ms));
    }
}

fn hooks_for(config: &Value, name: &str) -> Vec<Hook> {
    let webhooks = config.get("webhooks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let wants = |webhook: &&Value| {
        let events = webhook["events"].as_array().map_or(&[][..], Vec::as_slice);
        events.iter().any(|event| event == name || event == "*")
    };
    let hook = |webhook: &Value| {
        let url = webhook["url"].as_str()?.to_owned();
        let key = webhook["hmac"]["key"].as_str().filter(|key| !key.is_empty()).map(str::to_owned);
        Some(Hook { url, key, policy: Policy::of(webhook) })
    };
    webhooks.iter().filter(wants).filter_map(hook).collect()
}

struct Event {
    name: String,
    id: String,
    message: Option<String>,
    body: Vec<u8>,
}

/// Id, time and signature stay the same over all attempts.
async fn deliver(shared: Arc<Shared>, hook: Hook, event: Event, now_ms: i64) {
    let mut attempt = 0;
    let is_taken = loop {
        attempt += 1;
        let (status, retry_after_s) = post(&shared, &hook, &event.id, now_ms, &event.body).await;
        let entry = Delivery { event: event.name.clone(), message: event.message.clone(), attempt, status };
        shared.state.change(|state| state.deliveries.push(entry));
        if (200..300).contains(&status) {
            break true;
        }
        let Some(pause_s) = hook.policy.pause_s(attempt) else { break false };
        let seconds = u32::try_from(retry_after_s.unwrap_or(pause_s)).unwrap_or(u32::MAX);
        tokio::time::sleep(shared.config.second.checked_mul(seconds).unwrap_or(Duration::MAX)).await;
    };
    shared.state.change(|state| {
        state.under_way -= 1;
        state.lost += usize::from(!is_taken);
    });
}

/// Delivers a whole envelope once, without retries.
pub(super) async fn post_once(shared: &Shared, session: &str, body: &Value) -> u16 {
    let now_ms = shared.config.clock.now_ms();
    let name = body["event"].as_str().unwrap_or_default();
    let hooks = shared.state.read(|state| {
        state.sessions.get(session).map(|session| hooks_for(&session.config, name)).unwrap_or_default()
    });
    let bytes = body.to_string().into_bytes();
    let mut status = 0;
    for hook in hooks {
        status = post(shared, &hook, &ids::new_bare_id(), now_ms, &bytes).await.0;
    }
    status
}

/// One attempt: the status (0 without a response) and the `Retry-After`, in seconds.
async fn post(shared: &Shared, hook: &Hook, id: &str, now_ms: i64, body: &[u8]) -> (u16, Option<u64>) {
    let mut request = shared
        .http
        .post(&hook.url)
        .header("content-type", "application/json")
        .header("X-Webhook-Request-Id", id)
        .header("X-Webhook-Timestamp", now_ms.to_string())
        .body(body.to_vec());
    if let Some(key) = hook.key.as_deref() {
        let signature = sign(key, body);
        request = request.header("X-Webhook-Hmac", signature).header("X-Webhook-Hmac-Algorithm", "sha512");
    }
    match request.send().await {
        Ok(response) => {
            let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            (response.status().as_u16(), retry_after.and_then(|value| value.parse().ok()))
        }
        Err(_) => (0, None),
    }
}

fn sign(key: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes());
    hmac::sign(&key, body).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
