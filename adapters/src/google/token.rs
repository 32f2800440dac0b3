//! Tokens of Google's OAuth 2.0: for a code, for a refresh token, and giving them back. Errors quote no secret.

use serde_json::Value;

use super::base;
use crate::{
    Account, Client,
    call::{Answer, Failure, Verdict, call},
    json,
};

pub(crate) const TOKEN_BASE: &str = "https://oauth2.googleapis.com";

/// The grant is gone: a person has to sign in again.
pub(crate) const SIGNED_OUT: &str = "invalid_grant";

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) lifetime_s: i64,
    /// Of a code only, and only when the person was asked.
    pub(crate) refresh: Option<String>,
    /// What the person allowed, which may be less than what was asked.
    pub(crate) scope: Option<String>,
}

pub(crate) async fn of_code(
    http: &Client,
    app: &Account,
    code: &str,
    redirect: &str,
) -> Result<Tokens, Failure> {
    ask(http, app, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)]).await
}

pub(crate) async fn refreshed(http: &Client, account: &Account) -> Result<Tokens, Failure> {
    let refresh =
        account.get("refresh_token").ok_or_else(|| Failure::setting("refresh_token", "is missing"))?;
    ask(http, account, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
}

/// Gives the grant back. One that is gone already is as good.
pub(crate) async fn revoke(http: &Client, account: &Account) -> Result<(), Failure> {
    let Some(token) = account.get("refresh_token") else { return Ok(()) };
    let base = base(account, "token_base", TOKEN_BASE)?;
    let answer = call(http.post(format!("{base}/revoke")).form(&[("token", token)])).await?.hiding(token);
    match answer.status {
        200..=299 | 400 => Ok(()),
        _ => Err(refusal(&answer)),
    }
}

async fn ask(http: &Client, account: &Account, form: &[(&str, &str)]) -> Result<Tokens, Failure> {
    let setting = |name| account.get(name).ok_or_else(|| Failure::setting(name, "is missing"));
    let (id, secret) = (setting("client_id")?, setting("client_secret")?);
    let base = base(account, "token_base", TOKEN_BASE)?;
    let form = [form, &[("client_id", id), ("client_secret", secret)]].concat();
    let mut answer = call(http.post(format!("{base}/token")).form(&form)).await?.hiding(secret);
    for (name, value) in &form {
        if matches!(*name, "code" | "refresh_token") {
            answer = answer.hiding(value);
        }
    }
    if !answer.is_success() {
        return Err(refusal(&answer));
    }
    let document = answer.json();
    let access = json::text(&document, "access_token").filter(|token| is_token(token)).ok_or_else(|| {
        Failure::new(Verdict::Retry { after_ms: None }, "unreadable_answer", "Google's answer holds no token")
    })?;
    Ok(Tokens {
        access,
        lifetime_s: json::integer(&document, "expires_in").unwrap_or(3600).clamp(0, 86_400),
        refresh: json::text(&document, "refresh_token"),
        scope: json::text(&document, "scope"),
    })
}

/// Goes into a header.
fn is_token(token: &str) -> bool {
    token.len() <= 4096 && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn refusal(answer: &Answer) -> Failure {
    let document = answer.json();
    let code = document.get("error").and_then(Value::as_str).unwrap_or_default();
    let words = json::text(&document, "error_description");
    let words = words.unwrap_or_else(|| format!("Google answered {} {code}", answer.status));
    let after_ms = answer.retry_after_s.map(|seconds| seconds.saturating_mul(1000));
    match (code, answer.status) {
        ("invalid_grant", _) => Failure::new(Verdict::ChannelDown, SIGNED_OUT, words),
        // The operator mends this for all channels; nobody has to sign in again.
        ("invalid_client" | "unauthorized_client", _) => Failure::new(
            Verdict::Retry { after_ms: Some(600_000) },
            "bad_app",
            format!("the app's id or secret is refused: {words}"),
        ),
        (_, 429 | 500..=599) => Failure::new(Verdict::Retry { after_ms }, "token_server", words),
        _ => Failure::new(Verdict::Rejected, if code.is_empty() { "refused" } else { code }, words),
    }
}
