//! Delivery of updates as Telegram does it: each chat has its own queue, whose head is retried until the webhook
//! accepts it or it expires; other chats do not wait for it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    shared::Shared,
    state::{Delivery, Queue, Queued, Webhook},
};

const HOUR_MS: i64 = 3_600_000;
const MAX_RETRY_AFTER_S: u64 = 3_600;
/// Limit of doublings of the pause: from 2 s to about a minute.
const MAX_DOUBLINGS: u32 = 5;

/// Queues an update, unless the webhook's `allowed_updates` exclude its kind.
pub(super) fn enqueue(
    shared: &Arc<Shared>,
    chat: i64,
    kind: &str,
    content: &Value,
    again: Option<i64>,
) -> i64 {
    let now_ms = shared.config.clock.now_ms();
    let update_id = shared.state.change(|state| {
        state.learn(kind, content);
        let update_id = again.unwrap_or_else(|| state.next_update());
        if state.allowed.iter().any(|allowed| allowed == kind) {
            let lifetime_ms = if kind == "callback_query" { 150_000 } else { 24 * HOUR_MS };
            let body = json!({ "update_id": update_id, kind: content }).to_string().into_bytes();
            let queued = Queued { update_id, body, expires_ms: now_ms + lifetime_ms };
            state.queues.entry(chat).or_default().updates.push_back(queued);
        }
        update_id
    });
    wake(shared, chat);
    update_id
}

/// Starts a delivery task for the chat's queue if there is none.
pub(super) fn wake(shared: &Arc<Shared>, chat: i64) {
    let starts = shared.state.change(|state| {
        let has_hook = state.webhook.is_some();
        let queue = state.queues.entry(chat).or_default();
        let starts = has_hook && !queue.is_running && !queue.updates.is_empty();
        queue.is_running |= starts;
        starts
    });
    if starts {
        let task = run(Arc::clone(shared), chat);
        shared.tasks.spawn(task);
    }
}

enum Next {
    Deliver(Webhook, i64, Vec<u8>),
    Done,
}

async fn run(shared: Arc<Shared>, chat: i64) {
    let mut attempt = 0;
    loop {
        let now_ms = shared.config.clock.now_ms();
        let next = shared.state.change(|state| {
            let webhook = state.webhook.clone();
            let Some(queue) = state.queues.get_mut(&chat) else { return Next::Done };
            next(queue, webhook, now_ms)
        });
        let Next::Deliver(webhook, update_id, body) = next else { return };
        attempt += 1;
        let slots = shared.state.read(|state| Arc::clone(&state.slots));
        // The semaphore is never closed; without a permit the delivery would only ignore the limit.
        let slot = slots.acquire_owned().await.ok();
        let (status, retry_after_s) = post(&shared, &webhook, body).await;
        drop(slot);
        let taken = (200..300).contains(&status);
        shared.state.change(|state| {
            state.deliveries.push(Delivery { update_id, attempt, status });
            if taken {
                state.queues.entry(chat).or_default().updates.pop_front();
            } else {
                let words = if status == 0 {
                    "Connection failed".to_owned()
                } else {
                    format!("Wrong response from the webhook: {status}")
                };
                state.last_error = Some((now_ms / 1000, words));
            }
        });
        if taken {
            attempt = 0;
        } else {
            tokio::time::sleep(pause(shared.config.retry_pause, attempt, retry_after_s)).await;
        }
    }
}

fn next(queue: &mut Queue, webhook: Option<Webhook>, now_ms: i64) -> Next {
    while queue.updates.front().is_some_and(|head| head.expires_ms <= now_ms) {
        queue.updates.pop_front();
    }
    if let (Some(webhook), Some(head)) = (webhook, queue.updates.front()) {
        return Next::Deliver(webhook, head.update_id, head.body.clone());
    }
    queue.is_running = false;
    Next::Done
}

/// The first retry is immediate, unless the webhook sent `Retry-After`.
fn pause(unit: Duration, attempt: u32, retry_after_s: Option<u64>) -> Duration {
    match retry_after_s {
        Some(seconds) => Duration::from_secs(seconds.min(MAX_RETRY_AFTER_S)),
        None if attempt <= 1 => Duration::ZERO,
        None => unit * 2_u32.pow((attempt - 2).min(MAX_DOUBLINGS)),
    }
}

/// Delivers a whole body once, without a queue.
pub(super) async fn post_once(shared: &Shared, body: &Value) -> u16 {
    let webhook = shared.state.change(|state| {
        for (kind, content) in
            body.as_object().into_iter().flatten().filter(|(_, content)| content.is_object())
        {
            state.learn(kind, content);
        }
        state.webhook.clone()
    });
    match webhook {
        Some(webhook) => post(shared, &webhook, body.to_string().into_bytes()).await.0,
        None => 0,
    }
}

async fn post(shared: &Shared, webhook: &Webhook, body: Vec<u8>) -> (u16, Option<u64>) {
    let mut request = shared.http.post(&webhook.url).header("content-type", "application/json").body(body);
    if let Some(secret) = &webhook.secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    match request.send().await {
        Ok(response) => {
            let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            (response.status().as_u16(), retry_after.and_then(|value| value.parse().ok()))
        }
        Err(_) => (0, None),
    }
}
