//! Extractors for the caller and the query of a request.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::accounts::{Access, Verified};
use crate::app::AppState;

/// A verified caller, within its rate limit.
pub struct Signed {
    pub access: Arc<Access>,
    /// The session, if the caller is a person.
    pub session: Option<Verified>,
}

impl FromRequestParts<AppState> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let (access, session) = match credentials(&parts.headers)? {
            Credentials::Token(token) => {
                let (access, verified) = app.accounts.by_token(token).await?;
                (access, Some(verified))
            }
            Credentials::Key(key) => (app.accounts.by_key(key).await?, None),
        };
        // Counted after verification, so that nobody can use up the rate of another caller.
        app.admission.rates.caller(access.identity.id())?;
        Ok(Self { access, session })
    }
}

enum Credentials<'h> {
    Token(&'h str),
    Key(&'h str),
}

/// Credentials are never read from the URL: it would end up in logs and browser histories.
fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, Problem> {
    if let Some(key) = headers.get("x-api-key") {
        let key =
            key.to_str().map_err(|_| Problem::unauthenticated("the X-API-Key header is not readable"))?;
        return Ok(Credentials::Key(key.trim()));
    }
    bearer(headers).map(Credentials::Token).ok_or_else(|| {
        Problem::unauthenticated(
            "send an access token (`Authorization: Bearer …`) or an API key (`X-API-Key`)",
        )
    })
}

/// The token of `Authorization: Bearer …`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The query of a URL. A refusal names the wrong parameter.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            && let Some((name, _)) =
                pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            let problem = "holds the character U+0000: leave it out";
            return Err(Problem::invalid(name.replace('\0', "\u{fffd}"), problem));
        }
        let Query(value) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn credentials_come_from_headers_only() {
        let bearer = headers(&[("authorization", "bearer  abc ")]);
        assert!(matches!(credentials(&bearer), Ok(Credentials::Token("abc"))));
        let key = headers(&[("x-api-key", "hbk_x"), ("authorization", "Bearer abc")]);
        assert!(
            matches!(credentials(&key), Ok(Credentials::Key("hbk_x"))),
            "the key is the more explicit one"
        );
        for wrong in
            [headers(&[]), headers(&[("authorization", "Basic abc")]), headers(&[("authorization", "abc")])]
        {
            assert!(credentials(&wrong).is_err_and(|problem| problem.code() == "unauthenticated"));
        }
    }
}
