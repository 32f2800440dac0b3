//! Who calls, and what for: the permission is the extractor's type, and what it yields is the scope without
//! which no query about a tenant can be written.
//!
//! `At<Conversation, Answer>` in a handler's arguments means: the `{id}` of the path is a conversation that the
//! caller may answer in. `Caller<Read>` is for calls that name no single thing, such as lists.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::problem::Problem;
use crate::accounts::{Access, Permission, Scope, Thing, Verified};
use crate::app::AppState;
use crate::error::Error;

/// A permission as a type.
pub trait Need: Send + Sync + 'static {
    const PERMISSION: Permission;
}

/// A kind of thing as a type.
pub trait Kind: Send + Sync + 'static {
    const THING: Thing;
}

macro_rules! markers {
    ($trait:ident, $const:ident: $of:ident { $($name:ident),* }) => {$(
        #[derive(Debug)]
        pub struct $name;
        impl $trait for $name {
            const $const: $of = $of::$name;
        }
    )*};
}
markers!(Need, PERMISSION: Permission { Read, Answer, Manage, Respond });
markers!(Kind, THING: Thing { Conversation, Channel, Attachment, Turn, Envelope, Company, ApiKey, Job });

/// A verified caller, who has the permission in whatever tenant it is about to name.
pub struct Caller<P: Need> {
    pub access: Arc<Access>,
    /// The session, if it is a person.
    pub session: Option<Verified>,
    need: PhantomData<P>,
}

impl<P: Need> Caller<P> {
    pub fn tenant(&self, tenant: Uuid) -> Result<Scope, Error> {
        self.access.tenant(tenant, P::PERMISSION)
    }

    /// The tenants of a list: the one that was asked for, or all in which the caller has the permission.
    pub fn tenants(&self, only: Option<Uuid>) -> Result<Vec<Scope>, Error> {
        match only {
            Some(tenant) => Ok(vec![self.tenant(tenant)?]),
            None => Ok(self.access.tenants(P::PERMISSION)),
        }
    }
}

impl<P: Need> Caller<P> {
    async fn verified(parts: &Parts, app: &AppState) -> Result<Self, Problem> {
        let (access, session) = match credentials(&parts.headers)? {
            Credentials::Token(token) => {
                let (access, verified) = app.accounts.by_token(token).await?;
                (access, Some(verified))
            }
            Credentials::Key(key) => (app.accounts.by_key(key).await?, None),
        };
        // Counted when it is known who calls, so that nobody can use up another's rate.
        app.admission.rates.caller(access.identity.id())?;
        Ok(Self { access, session, need: PhantomData })
    }
}

impl<P: Need> FromRequestParts<AppState> for Caller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let caller = Self::verified(parts, app).await?;
        // Who sees several tenants asks for none of them by name, and has only the limit of callers.
        if let [grant] = caller.access.grants.as_slice() {
            app.admission.rates.tenant(grant.tenant)?;
        }
        Ok(caller)
    }
}

enum Credentials<'h> {
    Token(&'h str),
    Key(&'h str),
}

/// Never from the address: it would end in logs and histories.
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

/// The thing that the `{id}` of the path names, and the scope in which the caller has the permission for it.
pub struct At<T: Kind, P: Need> {
    pub id: Uuid,
    pub scope: Scope,
    pub access: Arc<Access>,
    kind: PhantomData<(T, P)>,
}

impl<T: Kind, P: Need> FromRequestParts<AppState> for At<T, P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let caller = Caller::<P>::verified(parts, app).await?;
        let Path(id) = Path::<Uuid>::from_request_parts(parts, app).await?;
        let scope = caller.access.thing(&app.store, T::THING, id, P::PERMISSION).await?;
        app.admission.rates.tenant(scope.tenant())?;
        Ok(Self { id, scope, access: caller.access, kind: PhantomData })
    }
}

/// The query of an address, refused with the name of the parameter that is wrong.
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

/// A page's size: what was asked for, within 1 and `most`.
pub fn page_size(asked: Option<i64>, usual: i64, most: i64) -> i64 {
    asked.unwrap_or(usual).clamp(1, most)
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
