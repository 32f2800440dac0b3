//! What an operation is given of who calls it, over HTTP and over the socket alike: the scope without which no query
//! about a tenant can be written. Having it is the proof of the permission that the operation's entry names.
//!
//! A function that takes [`At`] is about one thing, the `{id}` of the path or the argument named after the thing; one that
//! takes [`Caller`] is about none, such as a list.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Path};
use axum::http::request::Parts;
use hub::SessionId;
use uuid::Uuid;

use crate::accounts::{Access, Permission, Scope, Thing};
use crate::app::AppState;
use crate::error::Error;
use crate::http::extract::Signed;
use crate::http::problem::Problem;

/// A verified caller, who has the permission in whatever tenant it is about to name.
pub struct Caller {
    pub app: AppState,
    pub access: Arc<Access>,
    /// The socket's session, if it called over one.
    pub session: Option<SessionId>,
    need: Permission,
}

/// One thing in which the caller has the permission.
pub struct At {
    pub app: AppState,
    pub access: Arc<Access>,
    pub scope: Scope,
    pub id: Uuid,
}

/// What an operation's entry says of its rights.
#[derive(Clone, Copy)]
pub(super) struct Guard {
    pub need: Permission,
    pub thing: Option<Thing>,
}

impl Caller {
    pub(super) fn new(
        app: AppState,
        access: Arc<Access>,
        session: Option<SessionId>,
        need: Permission,
    ) -> Self {
        Self { app, access, session, need }
    }

    pub fn tenant(&self, tenant: Uuid) -> Result<Scope, Error> {
        self.access.tenant(tenant, self.need)
    }

    /// The tenants of a list: the one that was asked for, or all in which the caller has the permission.
    pub fn tenants(&self, only: Option<Uuid>) -> Result<Vec<Scope>, Error> {
        match only {
            Some(tenant) => Ok(vec![self.tenant(tenant)?]),
            None => Ok(self.access.tenants(self.need)),
        }
    }
}

/// The first argument of an operation's function.
pub(super) trait Target: Sized + Send {
    /// Whether the operation is about one thing, whose id comes with the call.
    const IS_ONE: bool;

    /// Lets the caller in or not. `id` is there if it is about one thing.
    fn enter(caller: Caller, guard: Guard, id: Uuid) -> impl Future<Output = Result<Self, Error>> + Send;

    /// The tenant whose rate a call over HTTP counts against.
    fn rated(&self) -> Option<Uuid>;
}

impl Target for Caller {
    const IS_ONE: bool = false;

    async fn enter(caller: Caller, _: Guard, _: Uuid) -> Result<Self, Error> {
        Ok(caller)
    }

    /// Who sees several tenants asks for none of them by name, and has only the limit of callers.
    fn rated(&self) -> Option<Uuid> {
        match self.access.grants.as_slice() {
            [grant] => Some(grant.tenant),
            _ => None,
        }
    }
}

impl Target for At {
    const IS_ONE: bool = true;

    async fn enter(caller: Caller, guard: Guard, id: Uuid) -> Result<Self, Error> {
        let thing = guard.thing.ok_or_else(|| anyhow::anyhow!("the operation's entry names no thing"))?;
        let Caller { app, access, need, .. } = caller;
        let scope = access.thing(&app.store, thing, id, need).await?;
        Ok(Self { app, access, scope, id })
    }

    fn rated(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }
}

/// The target of a call over HTTP: who calls, what the path names, and that neither has called too often.
pub(super) async fn of_request<C: Target>(
    parts: &mut Parts,
    app: &AppState,
    guard: Guard,
) -> Result<C, Problem> {
    let Signed { access, .. } = Signed::from_request_parts(parts, app).await?;
    let id = if C::IS_ONE { Path::<Uuid>::from_request_parts(parts, app).await?.0 } else { Uuid::nil() };
    let target = C::enter(Caller::new(AppState::clone(app), access, None, guard.need), guard, id).await?;
    if let Some(tenant) = target.rated() {
        app.admission.rates.tenant(tenant)?;
    }
    Ok(target)
}
