//! Access to what people of Meta own: from the code that a sign-in gives, prolonged while it lasts, and looked at.

use serde_json::Value;

use super::{
    app::DIALOG,
    fault::{Fault, Known, TOKEN},
    graph::{self, BASE, Graph},
};
use crate::{
    Account, Binds, Client, ConnectFailure, CredentialField, Expiry, Renewed, SendError,
    call::{Failure, Verdict},
    json, outward,
};

pub(crate) const TOKEN_SETTING: &str = "access_token";
pub(crate) const EXPIRES_SETTING: &str = "access_expires_at_ms";

/// The person who signed in, by the id that the app knows: Meta names it when the person takes the rights back.
pub(crate) const GRANTED_BY: CredentialField = CredentialField {
    name: "granted_by",
    secret: false,
    required: false,
    binds: Binds::Nothing,
    default: None,
    help: "Who signed in at Meta, by the id that the app knows. Signing in sets it.",
};

const DAY_MS: i64 = 24 * 3_600_000;
/// Long before the end: a token that has ended cannot be prolonged.
const RENEW_AHEAD_MS: i64 = 14 * DAY_MS;

/// A token, and when it ends (Unix milliseconds) if it does.
#[derive(Clone)]
pub(crate) struct Token {
    pub text: String,
    pub ends_at_ms: Option<i64>,
}

fn no_codes(_: &Fault) -> Option<Known> {
    None
}

fn setting<'a>(account: &'a Account, name: &str) -> Result<&'a str, Failure> {
    account.get(name).ok_or_else(|| Failure::setting(name, "is missing"))
}

/// The app's own calls, which need no token or the app's.
pub(crate) fn app<'a>(http: &'a Client, app: &'a Account) -> Result<Graph<'a>, Failure> {
    Graph::open(http, app, ("graph_base", BASE), no_codes)
}

/// The page of Facebook where a person lets the app act for them. `scopes` unless the app has a configuration, which names
/// its own.
pub(crate) fn dialog(
    app: &Account,
    scopes: &[&str],
    redirect: &str,
    state: &str,
) -> Result<String, ConnectFailure> {
    let base = graph::base(app, "dialog_base", DIALOG)?;
    let address = format!("{base}/{}/dialog/oauth", graph::version(app)?);
    let mut url = outward::base(&address)
        .map_err(|why| ConnectFailure::from(Failure::setting("dialog_base", &why.to_string())))?;
    let mut query = url.query_pairs_mut();
    query.append_pair("client_id", setting(app, "app_id")?);
    query.append_pair("redirect_uri", redirect);
    query.append_pair("state", state);
    query.append_pair("response_type", "code");
    match app.get("config_id") {
        Some(config) => {
            query.append_pair("config_id", config);
            query.append_pair("override_default_response_type", "true");
        }
        None => {
            query.append_pair("scope", &scopes.join(","));
        }
    }
    drop(query);
    Ok(url.into())
}

/// The token that a code of the dialog opens, made to last where it would end within hours.
pub(crate) async fn exchange(
    http: &Client,
    account: &Account,
    code: &str,
    redirect: &str,
    now_ms: i64,
) -> Result<Token, Failure> {
    let (id, secret) = (setting(account, "app_id")?, setting(account, "app_secret")?);
    let query = [("client_id", id), ("client_secret", secret), ("redirect_uri", redirect), ("code", code)];
    let graph = app(http, account)?.hiding(code).giving_tokens();
    let answer = graph.get(&["oauth", "access_token"], &query).await?;
    let token = read(&answer, now_ms)?;
    match token.ends_at_ms {
        Some(end) if end < now_ms + 7 * DAY_MS => prolong(http, account, &token.text, now_ms).await,
        _ => Ok(token),
    }
}

/// A token that lasts in place of one that has not ended.
pub(crate) async fn prolong(
    http: &Client,
    account: &Account,
    token: &str,
    now_ms: i64,
) -> Result<Token, Failure> {
    let (id, secret) = (setting(account, "app_id")?, setting(account, "app_secret")?);
    let query = [
        ("grant_type", "fb_exchange_token"),
        ("client_id", id),
        ("client_secret", secret),
        ("fb_exchange_token", token),
    ];
    let graph = app(http, account)?.hiding(token).giving_tokens();
    let answer = graph.get(&["oauth", "access_token"], &query).await?;
    read(&answer, now_ms)
}

fn read(answer: &Value, now_ms: i64) -> Result<Token, Failure> {
    let text = json::text(answer, "access_token").ok_or_else(|| {
        Failure::new(Verdict::Rejected, "unreadable_answer", "Meta's answer holds no token")
    })?;
    let seconds = json::integer(answer, "expires_in").filter(|seconds| *seconds > 0);
    let ends_at_ms = seconds.map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1000)));
    Ok(Token { text, ends_at_ms })
}

/// What Meta says of a token: whose it is, what it may do, whether it is still good.
pub(crate) async fn look(http: &Client, account: &Account, token: &str) -> Result<Value, Failure> {
    let (id, secret) = (setting(account, "app_id")?, setting(account, "app_secret")?);
    let own = format!("{id}|{secret}");
    let graph = app(http, account)?.hiding(token).with_token(&own, None);
    let mut answer = graph.get(&["debug_token"], &[("input_token", token)]).await?;
    Ok(answer.get_mut("data").map(Value::take).unwrap_or_default())
}

/// Whose token it is, if Meta tells: signing in goes on without it.
pub(crate) async fn granted_by(http: &Client, account: &Account, token: &str) -> Option<String> {
    user(&look(http, account, token).await.ok()?)
}

/// The person of what Meta says of a token.
pub(crate) fn user(about: &Value) -> Option<String> {
    about.get("user_id").and_then(json::id)
}

/// The things that a token was given for a scope; nothing: all that the person has.
pub(crate) fn targets(about: &Value, scope: &str) -> Option<Vec<String>> {
    let scopes = json::list(about, "granular_scopes").iter();
    let mut of = scopes.filter(|one| one.get("scope").and_then(Value::as_str) == Some(scope));
    let ids = of.find_map(|one| one.get("target_ids")?.as_array())?;
    Some(ids.iter().filter_map(json::id).collect())
}

/// By the channel's settings. A token without an end is a system's, and lasts.
pub(crate) fn expiry(account: &Account) -> Option<Expiry> {
    let ends_at_ms: i64 = account.get(EXPIRES_SETTING)?.parse().ok().filter(|end| *end > 0)?;
    Some(Expiry {
        renew_at_ms: ends_at_ms - RENEW_AHEAD_MS,
        ends_at_ms,
        needs_person: account.get("app_id").is_none() || account.get("app_secret").is_none(),
    })
}

pub(crate) async fn renew(http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
    let Some(expiry) = expiry(account) else { return Ok(Renewed::default()) };
    let refused = |reason: &str| Failure::new(Verdict::Rejected, TOKEN, reason);
    if expiry.ends_at_ms <= now_ms {
        return Err(refused("the access has ended; somebody has to sign in again").into());
    }
    let token = prolong(http, account, setting(account, TOKEN_SETTING)?, now_ms).await?;
    let mut renewed = Renewed::default();
    renewed.settings.insert(TOKEN_SETTING.to_owned(), token.text);
    // 0: it does not end any more.
    let end = token.ends_at_ms.unwrap_or_default();
    renewed.settings.insert(EXPIRES_SETTING.to_owned(), end.to_string());
    Ok(renewed)
}
