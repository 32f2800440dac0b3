//! Connecting a session: making it deliver signed webhooks to us and starting it; its state, and the code to be
//! scanned. A session's configuration is replaced whole by every change, so it is read, changed and written back.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{api::Api, id, server::is_given, wire::EVENTS};
use crate::{
    Account, AccountInfo, Client, ConnectFailure, Health, HealthState, Hook, Remedy, SendError, Words,
    call::{Failure, Verdict},
    json as read, outward,
};

pub(super) async fn connect(
    http: &Client,
    account: &Account,
    hook: &Hook<'_>,
) -> Result<AccountInfo, ConnectFailure> {
    if hook.secret.is_empty() {
        return Err(Failure::setting("webhook secret", "is empty, so nothing would be signed").into());
    }
    let mut api = Api::of(http, account)?;
    api.hook_secret = hook.secret;
    match session(&api).await? {
        None => create(&api, hook).await?,
        Some(Session { info, config }) => {
            let config = config.filter(Value::is_object).unwrap_or(json!({}));
            if delivers_to_another(&config, hook.url) {
                return Err(Failure::new(
                    Verdict::Rejected,
                    "session_taken",
                    "the session delivers to another channel already; whoever it belongs to has to take that webhook off",
                )
                .into());
            }
            let wanted = with_hook(config.clone(), hook);
            if wanted != config {
                update(&api, wanted).await?;
            }
            if read::text(&info, "status").as_deref() == Some("STOPPED") {
                api.post(&format!("/api/sessions/{}/start", api.session), &json!({})).await?;
            }
        }
    }
    let info = session(&api).await?.map_or(Value::Null, |session| session.info);
    let me = info.get("me").unwrap_or(&Value::Null);
    let health = health_of(&info);
    Ok(AccountInfo {
        external_id: api.session.to_owned(),
        name: read::text(me, "pushName").or_else(|| read::text(me, "id")).map(Words::from),
        claim: health.account.clone(),
        health,
    })
}

/// The server of the account, by whatever address it is called.
pub(super) fn server(account: &Account) -> Option<String> {
    let base = outward::base(account.get("base_url")?).ok()?;
    Some(outward::server(&base))
}

/// A server has a session once, by whatever address it is called.
pub(super) fn claims(account: &Account) -> Vec<String> {
    let base = account.get("base_url").and_then(|text| outward::base(text).ok());
    let pair = base.zip(account.get("session"));
    pair.map(|(base, session)| format!("session:{session}@{}", outward::server(&base))).into_iter().collect()
}

/// A session as the server shows it.
struct Session {
    /// Without our secrets.
    info: Value,
    /// With them: it is compared and written back.
    config: Option<Value>,
}

/// `None` when the server has none of that name.
async fn session(api: &Api<'_>) -> Result<Option<Session>, Failure> {
    match api.get_whole(&format!("/api/sessions/{}", api.session)).await {
        Ok((info, mut whole)) => Ok(Some(Session { info, config: whole.get_mut("config").map(Value::take) })),
        Err(failure) if failure.code == "session_unknown" => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn create(api: &Api<'_>, hook: &Hook<'_>) -> Result<(), Failure> {
    // Stories, channels and broadcast lists are no conversations.
    let config = json!({ "ignore": { "status": true, "channels": true, "broadcast": true } });
    let body = json!({ "name": api.session, "start": true, "config": with_hook(config, hook) });
    api.post("/api/sessions", &body).await.map(drop)
}

async fn update(api: &Api<'_>, config: Value) -> Result<(), Failure> {
    let path = format!("/api/sessions/{}", api.session);
    api.send(Method::PUT, &path, &json!({ "name": api.session, "config": config })).await.map(drop)
}

/// The configuration with exactly one webhook to us and all others as they were.
fn with_hook(config: Value, hook: &Hook<'_>) -> Value {
    let mut config = without_hook(config, hook.url);
    let ours = json!({
        "url": hook.url,
        "events": EVENTS,
        "hmac": { "key": hook.secret },
        "retries": { "policy": "exponential", "delaySeconds": 2, "attempts": 15 },
    });
    match config.get_mut("webhooks").and_then(Value::as_array_mut) {
        Some(webhooks) => webhooks.push(ours),
        None => config["webhooks"] = json!([ours]),
    }
    config
}

/// Takes our webhook out, also as it was when this server had another public address.
fn without_hook(mut config: Value, url: &str) -> Value {
    if let Some(webhooks) = config.get_mut("webhooks").and_then(Value::as_array_mut) {
        webhooks.retain(|webhook| {
            let other = webhook.get("url").and_then(Value::as_str);
            other.is_none_or(|other| other != url && compare(other, url) != Same::Channel)
        });
    }
    config
}

/// Whether one of the session's webhooks leads to another channel, of this installation or of another: joining it
/// would show us the customers of whoever connected it. Webhooks of other programs stay beside ours.
fn delivers_to_another(config: &Value, url: &str) -> bool {
    let urls = read::list(config, "webhooks").iter().filter_map(|webhook| webhook.get("url")?.as_str());
    urls.into_iter().any(|other| compare(other, url) == Same::Kind)
}

#[derive(PartialEq, Eq)]
enum Same {
    Channel,
    /// An address of the form of ours, with another secret at its end.
    Kind,
    Nothing,
}

/// Compares two webhook addresses by the end of their paths: a fixed word, and the secret that names a channel.
fn compare(other: &str, ours: &str) -> Same {
    let end = |url: &str| {
        let url = Url::parse(url).ok()?;
        let mut segments = url.path_segments()?.rev().map(str::to_owned);
        segments.next().zip(segments.next())
    };
    let is_secret = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match (end(other), end(ours)) {
        (Some((secret, word)), Some((our_secret, our_word))) if word == our_word => {
            if secret == our_secret {
                Same::Channel
            } else if secret.len() == our_secret.len() && secret.bytes().all(is_secret) {
                Same::Kind
            } else {
                Same::Nothing
            }
        }
        _ => Same::Nothing,
    }
}

pub(super) async fn disconnect(http: &Client, account: &Account, hook_url: &str) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    if is_given(account) {
        return remove(&api).await;
    }
    let Some(config) = session(&api).await?.and_then(|session| session.config) else { return Ok(()) };
    if !config.is_object() {
        return Ok(());
    }
    let wanted = without_hook(config.clone(), hook_url);
    if wanted != config {
        update(&api, wanted).await?;
    }
    Ok(())
}

/// Logs a session out and removes it. One that is not there is removed already.
async fn remove(api: &Api<'_>) -> Result<(), SendError> {
    match api.delete(&format!("/api/sessions/{}", api.session)).await {
        Err(failure) if failure.code == "session_unknown" => Ok(()),
        Err(failure) => Err(failure.into()),
        Ok(_) => Ok(()),
    }
}

pub(super) async fn health(http: &Client, account: &Account) -> Result<Health, SendError> {
    let api = Api::of(http, account)?;
    let down = |detail: Words| Health::new(HealthState::Down, detail);
    match session(&api).await {
        Ok(Some(session)) => Ok(health_of(&session.info)),
        Ok(None) => Ok(down("the WAHA server does not know the session".into())),
        Err(failure) if failure.verdict == Verdict::ChannelDown => Ok(down(failure.reason)),
        Err(failure) => Err(failure.into()),
    }
}

/// What a session's state means for its channel.
pub(super) fn state_of(status: &str) -> HealthState {
    match status {
        "WORKING" => HealthState::Up,
        "STARTING" => HealthState::Starting,
        "SCAN_QR_CODE" | "PASSKEY_REQUIRED" | "PASSKEY_CONFIRMATION_REQUIRED" => HealthState::NeedsPerson,
        // STOPPED, FAILED, and whatever is invented next.
        _ => HealthState::Down,
    }
}

pub(super) fn remedy(state: HealthState, detail: &str) -> Option<Remedy> {
    match state {
        HealthState::NeedsPerson if detail.starts_with("PASSKEY") => Some(Remedy::ConfirmPasskey),
        HealthState::NeedsPerson => Some(Remedy::ScanCode),
        HealthState::Down => Some(Remedy::Connect),
        HealthState::Up | HealthState::Starting => None,
    }
}

fn health_of(info: &Value) -> Health {
    let detail = read::text(info, "status").unwrap_or_else(|| "UNKNOWN".to_owned());
    let id = info.get("me").and_then(|me| read::text(me, "id")).and_then(|id| id::chat_id(&id));
    // An engine that names the account by its hidden id does not tell of another phone.
    let account = id.filter(|id| id::phone(id).is_some()).map(|id| format!("account:{id}"));
    Health { account, ..Health::new(state_of(&detail), detail.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_webhooks_and_settings_survive() {
        let hook = Hook { url: "https://hub.example.com/hooks/w", secret: "k" };
        let config = json!({ "debug": true, "webhooks": [{ "url": "https://other.example.com/" }] });
        let once = with_hook(config.clone(), &hook);
        assert_eq!(once["webhooks"].as_array().unwrap().len(), 2);
        assert_eq!(once["debug"], true);
        assert_eq!(with_hook(once.clone(), &hook), once);
        assert_eq!(without_hook(once, hook.url), config);
        assert!(!EVENTS.contains(&"message"));
    }

    #[test]
    fn a_session_of_another_channel_is_known_by_its_webhook() {
        let ours = "https://hub.example.com/hooks/AAAA-BBBB_CCCC";
        let config = |url: &str| json!({ "webhooks": [{ "url": url }] });
        for taken in [
            "https://hub.example.com/hooks/DDDD-EEEE_FFFF",
            "http://rival.example.org:1/x/hooks/000000000000-A",
        ] {
            let taken = &taken[..taken.rfind('/').unwrap() + 1 + 14];
            assert!(delivers_to_another(&config(taken), ours), "{taken}");
        }
        for free in [
            ours,
            "https://old.example.com/hooks/AAAA-BBBB_CCCC",
            "https://n8n.example.com/webhook/4711",
            "https://crm.example.com/hooks/in",
            "nonsense",
        ] {
            assert!(!delivers_to_another(&config(free), ours), "{free}");
        }
        let moved = config("https://old.example.com/hooks/AAAA-BBBB_CCCC");
        let hook = Hook { url: ours, secret: "k" };
        assert_eq!(with_hook(moved, &hook)["webhooks"].as_array().unwrap().len(), 1);
    }
}
