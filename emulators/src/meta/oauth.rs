//! Signing in: Facebook's dialog and Instagram's, the exchange of their codes, long-lived tokens, and taking rights back.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    config::Shared,
    grants::{Code, HOUR_MS, Holder, LONG_MS, Token, app_scoped},
    ids,
    refusal::{Outcome, Refusal},
    request::Request,
    tokens,
};

const CODE_LIFETIME_MS: i64 = 600_000;
const SCOPES: [&str; 14] = [
    "public_profile",
    "email",
    "pages_show_list",
    "pages_messaging",
    "pages_manage_metadata",
    "pages_read_engagement",
    "pages_utility_messaging",
    "business_management",
    "instagram_basic",
    "instagram_manage_messages",
    "instagram_manage_comments",
    "whatsapp_business_management",
    "whatsapp_business_messaging",
    "whatsapp_business_manage_events",
];
const INSTAGRAM_SCOPES: [&str; 5] = [
    "instagram_business_basic",
    "instagram_business_manage_messages",
    "instagram_business_manage_comments",
    "instagram_business_content_publish",
    "instagram_business_manage_insights",
];

/// A person opens the dialog and agrees at once, or declines, as the test wants it.
pub(super) fn dialog(shared: &Arc<Shared>, request: &Request, is_of_instagram: bool) -> Response {
    match redirected(shared, request, is_of_instagram) {
        Ok(to) => redirect(&to),
        Err(refusal) => refusal.into_response(),
    }
}

fn redirected(shared: &Arc<Shared>, request: &Request, is_of_instagram: bool) -> Result<String, Refusal> {
    let config = &shared.config;
    let query = |name: &str| request.query.get(name).filter(|text| !text.is_empty()).cloned();
    let client_id = query("client_id").unwrap_or_default();
    let expected = if is_of_instagram { &config.instagram_app_id } else { &config.app_id };
    if client_id != *expected {
        return Err(Refusal::new(
            101,
            "Invalid App ID: The provided app ID does not look like a valid app ID.",
        ));
    }
    let redirect_uri = query("redirect_uri").unwrap_or_default();
    let is_allowed = config.redirect_uris.is_empty() || config.redirect_uris.contains(&redirect_uri);
    let Some(mut to) = url::Url::parse(&redirect_uri).ok().filter(|_| is_allowed) else {
        let words = "Can't load URL: The domain of this URL isn't included in the app's domains.";
        return Err(Refusal::new(191, words));
    };
    if query("state").is_none() {
        return Err(Refusal::parameter("state is missing: without it anybody could finish this sign-in"));
    }
    if query("response_type").is_some_and(|kind| kind != "code")
        || (is_of_instagram && query("response_type").is_none())
    {
        return Err(Refusal::parameter("response_type must be code"));
    }
    let scopes = scopes(shared, is_of_instagram, query("scope"), query("config_id"))?;
    let sign_in = shared.state.read(|state| state.sign_in.clone());
    if let Some(state) = query("state") {
        to.query_pairs_mut().append_pair("state", &state);
    }
    if sign_in.declines {
        to.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_reason", "user_denied")
            .append_pair("error_description", "Permissions error");
        return Ok(to.into());
    }
    let now_ms = shared.now_ms();
    let code = ids::letters(48);
    let holder = if is_of_instagram {
        let own = shared.state.read(|state| {
            let mut granted = sign_in.granted.iter();
            granted.find(|id| state.instagram(id).is_some_and(|one| !one.is_by_page)).cloned()
        });
        Holder::Instagram(own.ok_or_else(|| Refusal::new(100, "This person has no professional account"))?)
    } else {
        Holder::User
    };
    let is_system = query("config_id").is_some();
    let token = Token {
        holder,
        user: sign_in.user,
        scopes,
        granted: sign_in.granted.into_iter().collect(),
        expires_ms: Some(now_ms + if is_system { LONG_MS } else { HOUR_MS }),
        is_long: is_system,
        is_revoked: false,
    };
    let stored =
        Code { client_id, redirect_uri, token, is_used: false, expires_ms: now_ms + CODE_LIFETIME_MS };
    shared.state.change(|state| state.codes.insert(code.clone(), stored));
    to.query_pairs_mut().append_pair("code", &code);
    // Instagram ends the address with this fragment, which is no part of the code.
    Ok(if is_of_instagram { format!("{to}#_") } else { to.into() })
}

fn scopes(
    shared: &Shared,
    is_of_instagram: bool,
    scope: Option<String>,
    config_id: Option<String>,
) -> Result<Vec<String>, Refusal> {
    if let Some(config_id) = config_id.filter(|_| !is_of_instagram) {
        return if Some(&config_id) == shared.config.config_id.as_ref() {
            Ok(SCOPES.iter().skip(2).map(|name| (*name).to_owned()).collect())
        } else {
            Err(Refusal::parameter("config_id is unknown"))
        };
    }
    let scope = scope.ok_or_else(|| Refusal::parameter("scope is missing"))?;
    let names: Vec<String> =
        scope.split([',', ' ']).map(str::to_owned).filter(|name| !name.is_empty()).collect();
    let known: &[&str] = if is_of_instagram { &INSTAGRAM_SCOPES } else { &SCOPES };
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::new(100, &format!("Invalid Scopes: {name}"))),
        None => Ok(names),
    }
}

/// `…/oauth/access_token`: a code, a longer life, or the app's own token. A code of Instagram is a form.
pub(super) fn exchange(shared: &Shared, request: &Request) -> Outcome {
    let config = &shared.config;
    let client_id = request.needed("client_id")?;
    let is_of_instagram = client_id == config.instagram_app_id && request.is_at("api.instagram.com");
    let secret = if is_of_instagram { &config.instagram_app_secret } else { &config.app_secret };
    if !is_of_instagram && (client_id != config.app_id || !request.is_at("graph.facebook.com")) {
        return Err(Refusal::new(101, "Error validating application. Cannot get application info"));
    }
    if request.needed("client_secret")? != *secret {
        return Err(Refusal::new(1, "Error validating client secret."));
    }
    let grant = request.parameter("grant_type");
    if is_of_instagram {
        if request.method != "POST" || request.form().is_empty() {
            return Err(Refusal::new(100, "The parameters have to be sent as a form"));
        }
        if grant.as_deref() != Some("authorization_code") {
            return Err(Refusal::new(100, "grant_type must be authorization_code"));
        }
    }
    match grant.as_deref() {
        None | Some("authorization_code") => from_code(shared, request, &client_id, is_of_instagram),
        Some("client_credentials") => {
            Ok(json!({ "access_token": format!("{client_id}|{secret}"), "token_type": "bearer" }))
        }
        Some("fb_exchange_token") => {
            let token = tokens::valid(shared, &request.needed("fb_exchange_token")?)?;
            if token.holder != Holder::User {
                return Err(Refusal::new(100, "Only the token of a person can be exchanged"));
            }
            Ok(long(shared, token))
        }
        Some(other) => Err(Refusal::new(100, &format!("Unsupported grant_type {other}"))),
    }
}

fn from_code(shared: &Shared, request: &Request, client_id: &str, is_of_instagram: bool) -> Outcome {
    let code = request.needed("code")?;
    let redirect_uri = request.needed("redirect_uri")?;
    let now_ms = shared.now_ms();
    let token = shared.state.change(|state| {
        let Some(known) = state.codes.get_mut(&code).filter(|known| known.client_id == client_id) else {
            return Err(Refusal::new(100, "Invalid verification code format.").sub(36_007));
        };
        if known.is_used {
            return Err(Refusal::new(100, "This authorization code has been used.").sub(36_009));
        }
        if known.expires_ms <= now_ms {
            return Err(Refusal::new(100, "This authorization code has expired.").sub(36_007));
        }
        if known.redirect_uri != redirect_uri {
            let words = "Error validating verification code. Please make sure your redirect_uri is identical to the \
                         one you used in the OAuth dialog request";
            return Err(Refusal::new(100, words).sub(36_008));
        }
        known.is_used = true;
        Ok(known.token.clone())
    })?;
    let scopes = token.scopes.clone();
    let holder = token.holder.clone();
    let expires_in = (token.expires_ms.unwrap_or(now_ms) - now_ms) / 1000;
    let access_token = shared.state.change(|state| state.issue(token));
    if let (true, Holder::Instagram(account)) = (is_of_instagram, holder) {
        // The id is a number here, and the account as this app knows it.
        let user_id = app_scoped(&account).parse::<u64>().map_or(Value::Null, Value::from);
        return Ok(json!({ "access_token": access_token, "user_id": user_id, "permissions": scopes }));
    }
    Ok(json!({ "access_token": access_token, "token_type": "bearer", "expires_in": expires_in }))
}

/// A token that lives for 60 days.
fn long(shared: &Shared, token: Token) -> Value {
    let token = Token { expires_ms: Some(shared.now_ms() + LONG_MS), is_long: true, ..token };
    let access_token = shared.state.change(|state| state.issue(token));
    json!({ "access_token": access_token, "token_type": "bearer", "expires_in": LONG_MS / 1000 })
}

fn of_instagram(shared: &Shared, request: &Request, grant: &str) -> Result<Token, Refusal> {
    if !request.is_at("graph.instagram.com") {
        return Err(Refusal::unknown("access_token"));
    }
    if request.needed("grant_type")? != grant {
        return Err(Refusal::new(100, &format!("grant_type must be {grant}")));
    }
    let token = tokens::valid(shared, &request.needed("access_token")?)?;
    match token.holder {
        Holder::Instagram(_) => Ok(token),
        _ => Err(Refusal::token(None, "Invalid OAuth access token - Cannot parse access token")),
    }
}

/// `GET /access_token?grant_type=ig_exchange_token`.
pub(super) fn instagram_long(shared: &Shared, request: &Request) -> Outcome {
    let token = of_instagram(shared, request, "ig_exchange_token")?;
    if request.needed("client_secret")? != shared.config.instagram_app_secret {
        return Err(Refusal::new(1, "Error validating client secret."));
    }
    if token.is_long {
        return Err(Refusal::new(452, "Session key invalid: only a short-lived token can be exchanged"));
    }
    Ok(long(shared, token))
}

/// `GET /refresh_access_token?grant_type=ig_refresh_token`: of long-lived tokens only.
pub(super) fn instagram_refresh(shared: &Shared, request: &Request) -> Outcome {
    let token = of_instagram(shared, request, "ig_refresh_token")?;
    if !token.is_long {
        return Err(Refusal::new(452, "Only a long-lived token can be refreshed"));
    }
    Ok(long(shared, token))
}

/// `DELETE /{person}/permissions`: the app gives its rights back.
pub(super) fn revoke(shared: &Shared, request: &Request) -> Outcome {
    let user = tokens::of(shared, request)?.user;
    revoke_all(shared, &user);
    Ok(json!({ "success": true }))
}

pub(super) fn revoke_all(shared: &Shared, user: &str) {
    shared.state.change(|state| {
        for token in state.tokens.values_mut().filter(|token| token.user == user) {
            token.is_revoked = true;
        }
    });
}

/// A redirect of a browser.
fn redirect(to: &str) -> Response {
    let response = Response::builder().status(StatusCode::FOUND).header(header::LOCATION, to);
    response.body(Body::empty()).unwrap_or_else(|_| StatusCode::BAD_REQUEST.into_response())
}
