//! Pushes of Pub/Sub: signed with an identity token, repeated with growing pauses until they are accepted or a week has
//! passed, each independent of the others, so that they can come in any order.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::{
    dates,
    mailbox::Due,
    shared::Shared,
    state::{Delivery, Notification, State, Switch},
};

const RETENTION_MS: i64 = 7 * 24 * 3_600_000;
/// Ten minutes.
const MAX_PAUSE: Duration = Duration::from_mins(10);
const MAX_DOUBLINGS: u32 = 10;
const ACCEPTED: [u16; 5] = [102, 200, 201, 202, 204];
const TOKEN_LIFETIME_S: i64 = 3600;

/// What is wrong with the token of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// A token of Google's for another audience.
    OtherAudience,
    /// A token of Google's for the right audience, which another customer's account had signed.
    OtherAccount,
    UnverifiedEmail,
    Expired,
    OtherIssuer,
    /// Signed with a key that is not in the set, under a known key id.
    OtherKey,
    /// The header says `none`.
    AlgorithmNone,
    NoToken,
}

/// Notifies of a change of mails with these labels, if the watch asks for it and the rate allows it.
pub(super) fn changed(shared: &Arc<Shared>, address: &str, labels: &[String]) {
    changed_after(shared, address, labels, Duration::ZERO);
}

pub(super) fn changed_after(shared: &Arc<Shared>, address: &str, labels: &[String], delay: Duration) {
    let now_ms = shared.now_ms();
    let notification = shared.state.change(|state| {
        let mailbox = state.mailbox(address)?;
        let (address, history_id) = (mailbox.address.clone(), mailbox.history_id);
        match mailbox.notifies(labels, now_ms, shared.config.drops_surplus) {
            Due::No => None,
            Due::Dropped => {
                state.dropped += 1;
                None
            }
            Due::Yes => Some(state.notification(&address, history_id, now_ms)),
        }
    });
    if let Some(notification) = notification {
        publish(shared, &notification, delay);
    }
}

/// Pushes a notification, or holds it back while the test wants that.
pub(super) fn publish(shared: &Arc<Shared>, notification: &Notification, delay: Duration) {
    let times = shared.state.change(|state| {
        if let Some(held) = &mut state.held {
            held.push(notification.clone());
            return 0;
        }
        let times = 1 + usize::from(state.is_on(Switch::RepeatedPushes));
        state.under_way += times;
        times
    });
    for _ in 0..times {
        let (task_shared, notification) = (Arc::clone(shared), notification.clone());
        shared.tasks.spawn(async move {
            tokio::time::sleep(delay).await;
            deliver(&task_shared, &notification).await;
            task_shared.state.change(|state| state.under_way -= 1);
        });
    }
}

/// Pushes what was held back, the newest first, one after the other.
pub(super) fn release(shared: &Arc<Shared>) {
    let held = shared.state.change(|state| {
        let held = state.held.take().unwrap_or_default();
        state.under_way += held.len();
        held
    });
    let task_shared = Arc::clone(shared);
    shared.tasks.spawn(async move {
        for notification in held.iter().rev() {
            deliver(&task_shared, notification).await;
            task_shared.state.change(|state| state.under_way -= 1);
        }
    });
}

async fn deliver(shared: &Shared, notification: &Notification) {
    let body = body(shared, notification);
    for attempt in 1.. {
        let open = |state: &State| state.endpoint.clone().filter(|_| !state.is_on(Switch::Outage));
        let endpoint = shared.state.until(open).await;
        let token = token(shared, None);
        let status = post(shared, &endpoint, token.as_deref(), &body).await;
        let entry = Delivery {
            id: message_id(notification),
            mailbox: notification.address.clone(),
            history_id: notification.history_id,
            attempt,
            status,
        };
        shared.state.change(|state| state.deliveries.push(entry));
        if ACCEPTED.contains(&status) {
            return;
        }
        if shared.now_ms() - notification.at_ms >= RETENTION_MS {
            shared.state.change(|state| state.lost += 1);
            return;
        }
        let pause = shared.config.retry_pause * 2_u32.pow((attempt - 1).min(MAX_DOUBLINGS));
        tokio::time::sleep(pause.min(MAX_PAUSE)).await;
    }
}

/// One attempt with a bad token.
pub(super) async fn post_forged(shared: &Shared, notification: &Notification, forgery: Forgery) -> u16 {
    let Some(endpoint) = shared.state.read(|state| state.endpoint.clone()) else { return 0 };
    let body = body(shared, notification);
    post(shared, &endpoint, token(shared, Some(forgery)).as_deref(), &body).await
}

/// One attempt with this `message` and a good token.
pub(super) async fn post_message(shared: &Shared, message: &Value) -> u16 {
    let Some(endpoint) = shared.state.read(|state| state.endpoint.clone()) else { return 0 };
    let body = json!({ "message": message, "subscription": shared.config.subscription }).to_string();
    post(shared, &endpoint, token(shared, None).as_deref(), body.as_bytes()).await
}

async fn post(shared: &Shared, endpoint: &str, token: Option<&str>, body: &[u8]) -> u16 {
    let mut request =
        shared.http.post(endpoint).header("content-type", "application/json").body(body.to_vec());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.send().await.map_or(0, |response| response.status().as_u16())
}

fn message_id(notification: &Notification) -> String {
    format!("{}", 4_500_377_063_000_000 + notification.id)
}

/// The wrapped form. Both alphabets of base64, padding, and the type of `historyId` change from one to the next.
fn body(shared: &Shared, notification: &Notification) -> Vec<u8> {
    let is_even = notification.id.is_multiple_of(2);
    let history_id: Value =
        if is_even { notification.history_id.to_string().into() } else { notification.history_id.into() };
    let data = json!({ "emailAddress": notification.address, "historyId": history_id }).to_string();
    let data = if is_even { BASE64_URL_SAFE_NO_PAD.encode(data) } else { BASE64_STANDARD.encode(data) };
    let (id, at) = (message_id(notification), dates::rfc3339(notification.at_ms));
    let message =
        json!({ "data": data, "messageId": id, "message_id": id, "publishTime": at, "publish_time": at });
    json!({ "message": message, "subscription": shared.config.subscription }).to_string().into_bytes()
}

/// The identity token of a push.
fn token(shared: &Shared, forgery: Option<Forgery>) -> Option<String> {
    let now_s = shared.now_ms() / 1000;
    let endpoint = shared.state.read(|state| state.endpoint.clone()).unwrap_or_default();
    let mut claims = json!({
        "aud": shared.config.audience.clone().unwrap_or(endpoint), "azp": "113774264463038300000",
        "email": shared.config.service_account, "email_verified": true, "exp": now_s + TOKEN_LIFETIME_S,
        "iat": now_s, "iss": "https://accounts.google.com", "sub": "113774264463038300000",
    });
    match forgery {
        Some(Forgery::OtherAudience) => claims["aud"] = "https://other.example.com/hooks/gmail".into(),
        Some(Forgery::OtherAccount) => claims["email"] = "attacker@other.iam.gserviceaccount.com".into(),
        Some(Forgery::UnverifiedEmail) => claims["email_verified"] = false.into(),
        Some(Forgery::Expired) => {
            claims["exp"] = (now_s - TOKEN_LIFETIME_S).into();
            claims["iat"] = (now_s - 2 * TOKEN_LIFETIME_S).into();
        }
        Some(Forgery::OtherIssuer) => claims["iss"] = "https://accounts.example.com".into(),
        Some(Forgery::NoToken) => return None,
        Some(Forgery::OtherKey | Forgery::AlgorithmNone) | None => {}
    }
    let signed = shared.state.read(|state| {
        let key = state.keys.last()?;
        Some(key.sign(if forgery == Some(Forgery::AlgorithmNone) { "none" } else { "RS256" }, &claims))
    })?;
    Some(match forgery {
        // No other key is needed: a signature of another content fits no better.
        Some(Forgery::OtherKey) => {
            let other = shared.state.read(|state| Some(state.keys.last()?.sign("RS256", &json!({}))))?;
            format!("{}.{}", signed.rsplit_once('.')?.0, other.rsplit_once('.')?.1)
        }
        Some(Forgery::AlgorithmNone) => format!("{}.", signed.rsplit_once('.')?.0),
        _ => signed,
    })
}
