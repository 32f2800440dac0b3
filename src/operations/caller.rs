//! The first argument of an operation's function: the verified caller, over HTTP and over the socket alike, with the
//! scope without which no query about a tenant can be written. Having it proves the permission that the operation's
//! entry names.
//!
//! [`At`] is for operations on one thing, named by the `{id}` of the path or by the argument of the socket method;
//! [`Caller`] is for operations without one, such as lists.

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

/// A verified caller. The permission is checked when it names a tenant.
pub struct Caller {
    pub app: AppState,
    pub access: Arc<Access>,
    /// The socket's session, for calls over the socket.
    pub session: Option<SessionId>,
    need: Permission,
}

/// One thing for which the caller has the permission.
pub struct At {
    pub app: AppState,
    pub access: Arc<Access>,
    pub scope: Scope,
    pub id: Uuid,
}

/// The permission and the kind of target that an operation's entry names.
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

/// The type of the first argument of an operation's function.
pub(super) trait Target: Sized + Send {
    /// Whether the operation is on one thing, whose id comes with the call.
    const IS_ONE: bool;

    /// Checks the caller's permission. `id` is present if the operation is on one thing.
    fn enter(caller: Caller, guard: Guard, id: Uuid) -> impl Future<Output = Result<Self, Error>> + Send;

    /// The tenant whose rate an HTTP call counts against.
    fn rated(&self) -> Option<Uuid>;
}

impl Target for Caller {
    const IS_ONE: bool = false;

    async fn enter(caller: Caller, _: Guard, _: Uuid) -> Result<Self, Error> {
        Ok(caller)
    }

    /// A call without a target names no tenant: only the caller's own rate applies.
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

/// The target of an HTTP call: verifies the caller, reads the path's id, and counts the call against both rates.
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
