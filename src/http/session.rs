//! Sessions: signing in, refreshing, signing out. Browsers get the refresh token as a cookie that pages cannot read and
//! other sites cannot send (`cookie.rs`), and never in a body; programs get it in the body, and no cookie.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::ShortBody;
use super::cookie::{self, Visitor};
use super::extract::Signed;
use super::peer::PeerIp;
use super::problem::{Problem, Result};
use crate::accounts::profile::User;
use crate::accounts::{RefreshError, SignedIn};
use crate::app::{App, AppState};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    email: String,
    password: String,
    /// Keep the refresh token in a cookie, and not in the answer. Browsers always get it so.
    #[serde(default)]
    cookie: bool,
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
    /// For programs; browsers have it in the cookie. The next one comes with its use.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    user: User,
    /// Names the installation for as long as it is there: what a client keeps for this one is nothing to another.
    installation: String,
}

/// Sign in with email and password.
///
/// Programs get the refresh token in the answer; browsers (who say an `Origin` or `Sec-Fetch-Site`), and who asks with
/// `cookie`, get it as a cookie and not in the answer.
/// 401 `bad_credentials`; 403 `origin` for pages of other sites; 429 after repeated failures, with `Retry-After`.
pub async fn sign_in(
    State(app): State<AppState>,
    visitor: Visitor,
    PeerIp(peer): PeerIp,
    ShortBody(body): ShortBody<SignIn>,
) -> Result<Response> {
    let signed_in = app.accounts.sign_in(&body.email, body.password, peer).await?;
    answer(&app, signed_in, body.cookie || visitor.is_browser)
}

/// Get a new access token.
///
/// The refresh token is taken from the body or from the cookie, and its successor comes the same way. It holds until
/// its successor is used, so an answer that was lost is asked for again; after that it ends its session:
/// 401 `refresh_reused`. A session ends in any case some time after the sign-in: 401 `session_over`.
pub async fn refresh(
    State(app): State<AppState>,
    _: Visitor,
    headers: HeaderMap,
    ShortBody(body): ShortBody<Refresh>,
) -> Result<Response> {
    if let Some(token) = body.refresh_token {
        return answer(&app, app.accounts.refresh(&token).await?, false);
    }
    let token = cookie::read(&app, &headers);
    let token = token.ok_or_else(|| Problem::unauthenticated("there is no refresh token: sign in"))?;
    match app.accounts.refresh(&token).await {
        Ok(signed_in) => answer(&app, signed_in, true),
        Err(error) => {
            // A browser shall not come again with what is over. What we never knew may be good elsewhere.
            let is_over = matches!(error, RefreshError::Over | RefreshError::Reused);
            let mut response = Problem::from(error).into_response();
            if is_over {
                cookie::drop(&app, &mut response);
            }
            Ok(response)
        }
    }
}

/// Sign out: the session's refresh and access tokens end.
pub async fn sign_out(
    State(app): State<AppState>,
    _: Visitor,
    headers: HeaderMap,
    caller: Result<Signed>,
) -> Result<Response> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(token) = cookie::read(&app, &headers)
        && app.accounts.sign_out(&token).await?
    {
        cookie::drop(&app, &mut response);
    }
    if let Some(session) = caller.ok().and_then(|caller| caller.session) {
        app.accounts.end_session(session.session).await?;
    }
    Ok(response)
}

fn answer(app: &App, signed_in: SignedIn, by_cookie: bool) -> Result<Response> {
    let SignedIn { access, access_token, expires_at, refresh_token, refresh_ttl_ms } = signed_in;
    let user = access.profile_user().ok_or_else(Problem::internal)?;
    let in_body = (!by_cookie).then(|| refresh_token.clone());
    let installation = app.installation.clone();
    let session = Session { access_token, expires_at, refresh_token: in_body, user, installation };
    let mut response = Json(session).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if by_cookie {
        cookie::keep(app, &mut response, &refresh_token, refresh_ttl_ms / 1000);
    }
    Ok(response)
}
