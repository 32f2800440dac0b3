//! The tokens of Instagram Login: one of an hour for a code, one of sixty days for that, and another one for that as long as
//! it has not ended.

use serde_json::Value;

use super::door::Kind;
use crate::{
    Account, Client, Expiry, Renewed, SendError,
    call::{Failure, Verdict, call},
    json,
    meta::{
        INSTAGRAM, INSTAGRAM_TOKEN,
        fault::{TOKEN, judge},
        graph::{self, Graph},
        messaging::table,
    },
};

const DAY_MS: i64 = 24 * 3_600_000;
/// Of sixty days. A token of less than a day is not renewed, and one that has ended neither.
const RENEW_AHEAD_MS: i64 = 30 * DAY_MS;
/// Of a page's token, with which only its owner can do anything.
const WARN_MS: i64 = 7 * DAY_MS;

/// A token and what came with it.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) user: Option<String>,
    pub(super) ends_at_ms: Option<i64>,
}

impl Token {
    /// The answer has been documented with and without a list around it.
    fn of(answer: &Value, now_ms: i64) -> Result<Self, Failure> {
        let told = json::list(answer, "data").first().unwrap_or(answer);
        let text = json::text(told, "access_token").ok_or_else(|| {
            Failure::new(Verdict::Rejected, "unreadable_answer", "Instagram's answer holds no token")
        })?;
        let seconds = json::integer(told, "expires_in").filter(|seconds| *seconds > 0);
        Ok(Self {
            text,
            user: told.get("user_id").and_then(json::id),
            ends_at_ms: seconds.map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1000))),
        })
    }
}

pub(super) fn setting<'a>(account: &'a Account, name: &str) -> Result<&'a str, Failure> {
    account.get(name).ok_or_else(|| Failure::setting(name, "is missing"))
}

/// The token of an hour that a code opens. The one call that is a form.
pub(super) async fn open(
    http: &Client,
    app: &Account,
    (code, redirect): (&str, &str),
    now_ms: i64,
) -> Result<Token, Failure> {
    let base = graph::base(app, "instagram_token_base", INSTAGRAM_TOKEN)?;
    let secret = setting(app, "instagram_app_secret")?;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", setting(app, "instagram_app_id")?)
        .append_pair("client_secret", secret)
        .append_pair("grant_type", "authorization_code")
        .append_pair("redirect_uri", redirect)
        // Instagram has been seen to write this after the code.
        .append_pair("code", code.trim_end_matches("#_"))
        .finish();
    let answer = call(http.post(format!("{base}/oauth/access_token")).form(form)).await?;
    match refusal(&answer.json()) {
        Some(reason) => Err(Failure::new(Verdict::Rejected, "code_refused", reason)),
        None if answer.is_success() => Token::of(&answer.json(), now_ms),
        None => {
            let answer = answer.hiding(secret).hiding(code);
            judge(&answer, table).and_then(|answer| Token::of(&answer, now_ms))
        }
    }
}

/// This server has a form of its own for errors.
fn refusal(answer: &Value) -> Option<String> {
    json::text(answer, "error_message").filter(|_| answer.get("access_token").is_none())
}

/// A token of sixty days for one of an hour.
pub(super) async fn lengthen(
    http: &Client,
    app: &Account,
    token: &str,
    now_ms: i64,
) -> Result<Token, Failure> {
    let secret = setting(app, "instagram_app_secret")?;
    let query = [("grant_type", "ig_exchange_token"), ("client_secret", secret), ("access_token", token)];
    let graph = Graph::open(http, app, ("instagram_base", INSTAGRAM), table)?.hiding(token);
    Token::of(&graph.get(&["access_token"], &query).await?, now_ms)
}

/// By the channel's settings.
pub(super) fn expiry(account: &Account) -> Option<Expiry> {
    let ends_at_ms: i64 = account.get("access_expires_at_ms")?.parse().ok().filter(|end| *end > 0)?;
    let is_own = Kind::of(account) == Ok(Kind::Own);
    let ahead_ms = if is_own { RENEW_AHEAD_MS } else { WARN_MS };
    Some(Expiry { renew_at_ms: ends_at_ms.saturating_sub(ahead_ms), ends_at_ms, needs_person: !is_own })
}

pub(super) async fn renew(http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
    if Kind::of(account)? == Kind::Page {
        return Ok(Renewed::default());
    }
    if expiry(account).is_some_and(|expiry| expiry.ends_at_ms <= now_ms) {
        let reason = "the access has ended; somebody has to sign in again";
        return Err(Failure::new(Verdict::Rejected, TOKEN, reason).into());
    }
    let token = setting(account, "access_token")?;
    let query = [("grant_type", "ig_refresh_token"), ("access_token", token)];
    let graph = Graph::open(http, account, ("instagram_base", INSTAGRAM), table)?;
    let token = Token::of(&graph.get(&["refresh_access_token"], &query).await?, now_ms)?;
    let mut renewed = Renewed::default();
    renewed.settings.insert("access_token".to_owned(), token.text);
    // 0: it does not say when it ends.
    let end = token.ends_at_ms.unwrap_or_default();
    renewed.settings.insert("access_expires_at_ms".to_owned(), end.to_string());
    Ok(renewed)
}
