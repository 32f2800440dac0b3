//! Sessions: signing in, refreshing, signing out. The refresh token goes to browsers as a cookie that pages
//! cannot read and other sites cannot send; programs may keep it themselves and send it in the body.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::ShortBody;
use super::extract::{Caller, Read};
use super::peer::PeerIp;
use super::problem::{Problem, Refusals, Result};
use crate::accounts::SignedIn;
use crate::accounts::profile::User;
use crate::app::AppState;
use crate::config::Config;

const COOKIE: &str = "hubbub_refresh";
const COOKIE_PATH: &str = "/api/v1/session";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// When there is no cookie.
    refresh_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Session {
    /// For `Authorization: Bearer …` and for the socket.
    access_token: String,
    /// Of the access token, Unix milliseconds.
    expires_at: i64,
    /// Works once: the next one comes with its use.
    refresh_token: String,
    user: User,
}

/// Sign in with email and password.
///
/// 401 `bad_credentials`; 429 after repeated failures, with `Retry-After`.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Session), Refusals), security(()))]
pub async fn sign_in(
    State(app): State<AppState>,
    PeerIp(peer): PeerIp,
    ShortBody(body): ShortBody<SignIn>,
) -> Result<Response> {
    let signed_in = app.accounts.sign_in(&body.email, body.password, peer).await?;
    answer(&app.config, signed_in)
}

/// Get a new access token.
///
/// The refresh token is taken from the body or from the cookie, and replaced. One that is used twice ends its
/// session: 401 `refresh_reused`.
#[utoipa::path(post, path = "/api/v1/session/refresh", tag = "session", request_body = Refresh,
    responses((status = 200, body = Session), Refusals), security(()))]
pub async fn refresh(
    State(app): State<AppState>,
    headers: HeaderMap,
    ShortBody(body): ShortBody<Refresh>,
) -> Result<Response> {
    let token = body.refresh_token.or_else(|| cookie(&headers));
    let token = token.ok_or_else(|| Problem::unauthenticated("there is no refresh token: sign in"))?;
    match app.accounts.refresh(&token).await {
        Ok(signed_in) => answer(&app.config, signed_in),
        Err(error) => {
            let mut response = Problem::from(error).into_response();
            // A browser shall not come again with a token that is over.
            if response.status() == StatusCode::UNAUTHORIZED {
                set_cookie(&mut response, &app.config, "", 0);
            }
            Ok(response)
        }
    }
}

/// Sign out: the session's refresh and access tokens end.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204), Refusals), security((), ("token" = [])))]
pub async fn sign_out(
    State(app): State<AppState>,
    headers: HeaderMap,
    caller: Result<Caller<Read>>,
) -> Result<Response> {
    if let Some(token) = cookie(&headers) {
        app.accounts.sign_out(&token).await?;
    }
    if let Some(session) = caller.ok().and_then(|caller| caller.session) {
        app.accounts.end_session(session.session).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &app.config, "", 0);
    Ok(response)
}

fn answer(config: &Config, signed_in: SignedIn) -> Result<Response> {
    let SignedIn { access, access_token, expires_at, refresh_token, .. } = signed_in;
    let user = access.profile_user().ok_or_else(Problem::internal)?;
    let token = refresh_token.clone();
    let mut response = Json(Session { access_token, expires_at, refresh_token, user }).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set_cookie(&mut response, config, &token, config.refresh_token_ttl_s);
    Ok(response)
}

fn set_cookie(response: &mut Response, config: &Config, value: &str, max_age_s: i64) {
    let secure = if config.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE}={value}; Path={COOKIE_PATH}; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; hubbub_refresh=hbr_x; b=2"));
        assert_eq!(cookie(&headers).as_deref(), Some("hbr_x"));
        headers.insert(header::COOKIE, HeaderValue::from_static("hubbub_refresh=; not_hubbub_refresh=y"));
        assert_eq!(cookie(&headers), None);
    }

    #[test]
    fn the_cookie_cannot_be_read_by_pages_nor_sent_by_other_sites() {
        let env = |url: &str| [("HUBBUB_PUBLIC_URL".to_owned(), url.to_owned())].into();
        let set = |url: &str| {
            let mut response = StatusCode::OK.into_response();
            set_cookie(&mut response, &crate::config::load("", &env(url)).expect("a configuration"), "t", 60);
            response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned()
        };
        let plain = set("http://hub.example.com");
        assert!(plain.contains("HttpOnly") && plain.contains("SameSite=Strict") && !plain.contains("Secure"));
        assert!(plain.contains("Path=/api/v1/session;"));
        assert!(set("https://hub.example.com").contains("; Secure"));
    }
}
