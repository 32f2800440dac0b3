//! Connecting a bot: proving the token and setting the webhook, and asking how its deliveries fare.

use serde_json::{Value, json};

use super::{api::Api, errors::Reply, wire::ALLOWED_UPDATES};
use crate::{
    Account, AccountInfo, Client, ConnectFailure, Health, HealthState, Hook, SendError, Words,
    call::{Failure, Verdict},
    json as read,
};

pub(super) async fn connect(
    http: &Client,
    account: &Account,
    hook: &Hook<'_>,
) -> Result<AccountInfo, ConnectFailure> {
    let mut api = Api::of(http, account)?;
    api.hook_secret = hook.secret;
    let me = done(api.call("getMe", &json!({})).await?);
    let id = read::integer(&me, "id").ok_or_else(|| {
        Failure::new(Verdict::Rejected, "unreadable_answer", "the address does not answer like the Bot API")
    })?;
    let parameters = json!({
        "url": hook.url,
        "secret_token": hook.secret,
        "allowed_updates": ALLOWED_UPDATES,
        "max_connections": 40,
    });
    api.call("setWebhook", &parameters).await?;
    Ok(AccountInfo {
        external_id: id.to_string(),
        name: read::text(&me, "username")
            .map(|name| format!("@{name}"))
            .or(read::text(&me, "first_name"))
            .map(Words::from),
        claim: Some(claim(id)),
        health: Health::new(HealthState::Up, "webhook set".into()),
    })
}

/// A bot is the same at every Bot API server, and the token begins with its id.
pub(super) fn claims(account: &Account) -> Vec<String> {
    let id = account.get("token").and_then(|token| token.split(':').next()?.parse().ok());
    id.map(claim).into_iter().collect()
}

fn claim(bot: i64) -> String {
    format!("bot:{bot}")
}

/// A bot has one webhook: that of another channel, which was set after ours, stays.
pub(super) async fn disconnect(http: &Client, account: &Account, hook_url: &str) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let info = done(api.call("getWebhookInfo", &json!({})).await?);
    // The end names the channel, whatever our public address was.
    let end = |url: &str| url.rsplit('/').next().map(str::to_owned);
    if read::text(&info, "url").is_some_and(|url| end(&url) == end(hook_url)) {
        api.call("deleteWebhook", &json!({})).await?;
    }
    Ok(())
}

/// The detail of a bot that delivers nowhere.
pub(super) const NO_WEBHOOK: &str = "no webhook is set";

pub(super) async fn health(http: &Client, account: &Account) -> Result<Health, SendError> {
    let info = match Api::of(http, account)?.call("getWebhookInfo", &json!({})).await {
        Ok(reply) => done(reply),
        Err(failure) if failure.verdict == Verdict::ChannelDown => {
            return Ok(Health::new(HealthState::Down, failure.reason));
        }
        Err(failure) => return Err(failure.into()),
    };
    let (state, detail) = match read::text(&info, "url") {
        Some(_) => (HealthState::Up, "webhook set"),
        None => (HealthState::Down, NO_WEBHOOK),
    };
    Ok(Health {
        pending: read::unsigned(&info, "pending_update_count"),
        last_error: read::text(&info, "last_error_message").map(Words::from),
        ..Health::new(state, detail.into())
    })
}

fn done(reply: Reply) -> Value {
    match reply {
        Reply::Done(result) => result,
        Reply::Nothing | Reply::Moved(_) => Value::Null,
    }
}
