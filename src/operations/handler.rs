//! An entry that is a handler of HTTP: it reads the request by itself, lets callers in by itself, and answers what is no
//! JSON. Signing in, webhooks, files, health. It has no types that tell what it takes and gives, so that is said here.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::caller::Guard;
use super::entry::{Operation, Route};
use super::schemas::{Described, Schemas};
use crate::accounts::Permission;
use crate::app::AppState;

/// `describe` says what it takes and gives.
pub(super) fn handle<H, T>(
    method: Method,
    path: &'static str,
    handler: H,
    describe: fn(&mut Schemas) -> Described,
) -> Operation
where
    H: Handler<T, AppState>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    let route = Route { method, path, router: on(filter, handler) };
    let guard = Guard { need: Permission::Read, thing: None };
    Operation { name: "", doc: "", tag: "", guard, route: Some(route), method: None, describe }
}
