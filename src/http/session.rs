//! The session routes: signing in, refreshing, signing out. Browsers get the refresh token in a cookie that pages
//! cannot read and other sites cannot send (`cookie.rs`), and never in a body; programs get it in the body, without a
//! cookie. Callers read about these routes in `operations.rs`.

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
    /// The server's time, Unix milliseconds: a client whose clock is wrong counts how long the token lasts from here.
    now: i64,
    /// For programs; browsers have it in the cookie. The next one comes with its use.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    user: User,
    /// Names the installation for as long as it is there: what a client keeps for this one is nothing to another.
    installation: String,
}

/// Checks email and password, and starts a session.
pub async fn sign_in(
    State(app): State<AppState>,
    visitor: Visitor,
    PeerIp(peer): PeerIp,
    ShortBody(body): ShortBody<SignIn>,
) -> Result<Response> {
    let signed_in = app.accounts.sign_in(&body.email, body.password, peer).await?;
    answer(&app, signed_in, body.cookie || visitor.is_browser)
}

/// Exchanges the refresh token of the body or the cookie for its successor.
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
            // A token that is over is deleted from the browser. An unknown one may be valid at another installation.
            let is_over = matches!(error, RefreshError::Over | RefreshError::Reused);
            let mut response = Problem::from(error).into_response();
            if is_over {
                cookie::drop(&app, &mut response);
            }
            Ok(response)
        }
    }
}

/// Ends the session of the refresh token, and that of the access token.
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
    let now = app.store.clock().now_ms();
    let session = Session { access_token, expires_at, now, refresh_token: in_body, user, installation };
    let mut response = Json(session).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if by_cookie {
        cookie::keep(app, &mut response, &refresh_token, refresh_ttl_ms / 1000);
    }
    Ok(response)
}
