//! OAuth: consent, the exchange of codes and refresh tokens, and revocation. The owner's answer is that of the test, or
//! of a person on the consent page.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use url::Url;

use super::{
    ids,
    refusal::oauth,
    shared::Shared,
    state::{Code, Grant, Switch},
};

const CODE_LIFETIME_MS: i64 = 600_000;
const MAIL_SCOPE: &str = "https://mail.google.com/";

pub(super) type Form = [(String, String)];

pub(super) fn get<'a>(form: &'a Form, name: &str) -> &'a str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// `GET /o/oauth2/v2/auth`. Errors that the client caused are shown to the owner and never redirected.
pub(super) fn authorize(shared: &Shared, query: &Form) -> Response {
    let redirect_uri = get(query, "redirect_uri");
    if get(query, "client_id") != shared.config.client_id {
        return page(401, "Error 401: invalid_client");
    }
    let Some(mut back) = allowed_redirect(shared, redirect_uri) else {
        return page(400, "Error 400: redirect_uri_mismatch");
    };
    if get(query, "response_type") != "code" {
        return page(400, "Error 400: invalid_request (response_type)");
    }
    let asked: Vec<&str> = get(query, "scope").split_whitespace().collect();
    if asked.is_empty() || !asked.iter().all(|scope| is_scope(scope)) {
        return page(400, "Error 400: invalid_scope");
    }
    if !get(query, "code_challenge").is_empty() && get(query, "code_challenge_method") != "S256" {
        return page(400, "Error 400: invalid_request (code_challenge_method)");
    }
    let answer = get(query, "emulated_answer");
    if shared.config.consent_page && answer.is_empty() {
        return consent_page(shared, query);
    }
    let now_ms = shared.now_ms();
    let code = shared.state.change(|state| {
        let denies = state.is_on(Switch::Refusal);
        state.switch(Switch::Refusal, false);
        if denies || answer == "no" {
            return None;
        }
        let hint = get(query, "login_hint").to_lowercase();
        let chosen = state.signs_in.take().or_else(|| state.mailboxes.contains_key(&hint).then_some(hint));
        let mailbox = chosen.or_else(|| state.mailboxes.keys().next().cloned())?;
        let is_known = state.consented.contains(&mailbox);
        let asks_consent = get(query, "prompt").split(' ').any(|prompt| prompt == "consent");
        let is_granted = |scope: &&&str| !state.withheld.iter().any(|withheld| withheld == **scope);
        let scope = asked.iter().filter(is_granted).copied().collect::<Vec<_>>().join(" ");
        let challenge = Some(get(query, "code_challenge").to_owned()).filter(|text| !text.is_empty());
        let code = Code {
            mailbox: mailbox.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scope,
            challenge,
            is_offline: get(query, "access_type") == "offline" && (asks_consent || !is_known),
            until_ms: now_ms + CODE_LIFETIME_MS,
        };
        if !is_known {
            state.consented.push(mailbox);
        }
        let name = ids::token("4/0A");
        state.codes.insert(name.clone(), code.clone());
        Some((name, code.scope))
    });
    match code {
        None => back.query_pairs_mut().append_pair("error", "access_denied"),
        Some((code, scope)) => back.query_pairs_mut().append_pair("code", &code).append_pair("scope", &scope),
    };
    if query.iter().any(|(name, _)| name == "state") {
        back.query_pairs_mut().append_pair("state", get(query, "state"));
    }
    (StatusCode::FOUND, [("location", back.to_string())]).into_response()
}

fn allowed_redirect(shared: &Shared, uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok().filter(|url| url.fragment().is_none())?;
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let known = &shared.config.redirect_uris;
    let is_allowed = known.iter().any(|known| known == uri)
        || known.is_empty() && (url.scheme() == "https" || is_loopback);
    is_allowed.then_some(url)
}

fn is_scope(scope: &str) -> bool {
    scope == MAIL_SCOPE
        || ["openid", "email", "profile"].contains(&scope)
        || scope.starts_with("https://www.googleapis.com/auth/")
}

/// Links for each mailbox and a refusal, without scripts.
fn consent_page(shared: &Shared, query: &Form) -> Response {
    let link = |answer: &str, hint: &str, text: &str| {
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.extend_pairs(query.iter().filter(|(name, _)| name != "login_hint"));
        link.append_pair("login_hint", hint).append_pair("emulated_answer", answer);
        let (href, text) = (escape(&link.finish()), escape(text));
        format!("<li><a href=\"/o/oauth2/v2/auth?{href}\">{text}</a></li>")
    };
    let mailboxes: String = shared.state.read(|state| {
        let all = state.mailboxes.values();
        all.map(|mailbox| link("yes", &mailbox.address, &format!("Allow as {}", mailbox.address))).collect()
    });
    let deny = link("no", "", "Deny");
    let scopes = escape(get(query, "scope"));
    let body = format!(
        "<!doctype html><html lang=\"en\"><title>Sign in (emulated)</title><h1>Emulated Google sign-in</h1>\
         <p>Requested: {scopes}</p><ul>{mailboxes}{deny}</ul></html>"
    );
    Html(body).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(code: u16, words: &str) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Html(format!("<!doctype html><title>Access blocked</title><p>{words}</p>"))).into_response()
}

/// `POST /token`.
pub(super) fn token(shared: &Shared, headers: &HeaderMap, form: &Form) -> Response {
    let (id, secret) = basic(headers)
        .unwrap_or_else(|| (get(form, "client_id").to_owned(), get(form, "client_secret").to_owned()));
    if id != shared.config.client_id || secret != shared.config.client_secret {
        return oauth(401, "invalid_client", "The OAuth client was not found.");
    }
    match get(form, "grant_type") {
        "authorization_code" => exchange(shared, form),
        "refresh_token" => refresh(shared, get(form, "refresh_token")),
        "" => oauth(400, "invalid_request", "Required parameter is missing: grant_type"),
        _ => oauth(400, "unsupported_grant_type", "Invalid grant_type"),
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn exchange(shared: &Shared, form: &Form) -> Response {
    let now_ms = shared.now_ms();
    // A code is used up by the first attempt, whatever becomes of it.
    let code = shared.state.change(|state| state.codes.remove(get(form, "code")));
    let Some(code) = code.filter(|code| code.until_ms > now_ms) else {
        return oauth(400, "invalid_grant", "Malformed auth code.");
    };
    if get(form, "redirect_uri") != code.redirect_uri {
        return oauth(400, "redirect_uri_mismatch", "Bad Request");
    }
    let verifier = get(form, "code_verifier");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    if code.challenge.is_some_and(|challenge| challenge != BASE64_URL_SAFE_NO_PAD.encode(digest)) {
        return oauth(400, "invalid_grant", "Invalid code verifier.");
    }
    let refresh = code.is_offline.then(|| issue_refresh(shared, &code.mailbox, &code.scope));
    tokens(shared, &code.mailbox, &code.scope, refresh)
}

fn refresh(shared: &Shared, token: &str) -> Response {
    let now_ms = shared.now_ms();
    let grant = shared.state.read(|state| state.refresh.get(token).cloned());
    match grant.filter(|grant| grant.until_ms > now_ms) {
        Some(grant) => tokens(shared, &grant.mailbox, &grant.scope, None),
        None => oauth(400, "invalid_grant", "Token has been expired or revoked."),
    }
}

pub(super) fn issue_refresh(shared: &Shared, mailbox: &str, scope: &str) -> String {
    let token = ids::token("1//0e");
    let lifetime_ms = shared.config.refresh_lifetime_ms;
    let until_ms = lifetime_ms.map_or(i64::MAX, |lifetime_ms| shared.now_ms() + lifetime_ms);
    let grant = Grant { mailbox: mailbox.to_owned(), scope: scope.to_owned(), until_ms };
    shared.state.change(|state| state.refresh.insert(token.clone(), grant));
    token
}

pub(super) fn issue_access(shared: &Shared, mailbox: &str, scope: &str) -> String {
    let token = ids::token("ya29.");
    let until_ms = shared.now_ms() + shared.config.access_lifetime_ms;
    let grant = Grant { mailbox: mailbox.to_owned(), scope: scope.to_owned(), until_ms };
    shared.state.change(|state| state.access.insert(token.clone(), grant));
    token
}

fn tokens(shared: &Shared, mailbox: &str, scope: &str, refresh: Option<String>) -> Response {
    let access = issue_access(shared, mailbox, scope);
    let mut body = json!({ "access_token": access, "expires_in": shared.config.access_lifetime_ms / 1000,
        "scope": scope, "token_type": "Bearer" });
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    ([("cache-control", "no-store")], Json(body)).into_response()
}

/// `POST /revoke`: a refresh or access token, in the form or in the query.
pub(super) fn revoke(shared: &Shared, query: &Form, form: &Form) -> Response {
    let token = Some(get(form, "token")).filter(|token| !token.is_empty()).unwrap_or(get(query, "token"));
    let is_revoked = shared.state.change(|state| {
        let mailbox =
            state.refresh.get(token).or_else(|| state.access.get(token)).map(|grant| grant.mailbox.clone());
        mailbox.is_some_and(|mailbox| {
            state.revoke(&mailbox);
            true
        })
    });
    if is_revoked {
        Json(json!({})).into_response()
    } else {
        oauth(400, "invalid_token", "Token expired or revoked")
    }
}

/// Whether a scope of the grant allows a call that needs one of these.
pub(super) fn allows(granted: &str, needed: &[&str]) -> bool {
    granted.split(' ').any(|scope| {
        scope == MAIL_SCOPE
            || scope
                .strip_prefix("https://www.googleapis.com/auth/gmail.")
                .is_some_and(|name| needed.contains(&name))
    })
}
