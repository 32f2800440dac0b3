//! An entry that is a plain HTTP handler: it reads the request and checks the caller by itself, and its answer may be
//! other than JSON (sessions, webhooks, files, health). Its types do not describe it, so the entry does.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::caller::Guard;
use super::entry::{Operation, Route};
use super::schemas::{Described, Schemas};
use crate::accounts::Permission;
use crate::app::AppState;

/// `describe` gives the schemas of the arguments and answers.
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
