//! One entry of the table: turns a function over typed arguments into a route and a socket method. The function's types
//! are erased here behind boxed futures, so that the code after this is compiled once.
//!
//! [`run`] takes a function of two arguments ([`At`](super::At) or [`Caller`], and a type of arguments), [`act`] one of
//! the first alone. Operations that need the request itself are handlers: `handler.rs`.

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use futures_util::future::BoxFuture;
use hub::{ErrorReply, SessionId};
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{Answer, Nothing, Reply};
use super::caller::{Caller, Guard, Target, of_request};
use super::schemas::{Described, Schemas};
use crate::accounts::{Access, Permission, Thing};
use crate::app::AppState;
use crate::document::{self, Refused};
use crate::error::Error;
use crate::http::body::Body;
use crate::http::extract::Params;
use crate::http::problem::Problem;
use crate::refusal;

/// An entry of the table.
pub(super) struct Operation {
    pub name: &'static str,
    /// The first line is the summary.
    pub doc: &'static str,
    pub tag: &'static str,
    pub guard: Guard,
    pub route: Option<Route>,
    pub method: Option<Called>,
    pub describe: fn(&mut Schemas) -> Described,
}

/// The HTTP method and path of an operation.
pub(super) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub router: MethodRouter<AppState>,
}

/// A call over the socket, with its arguments still serialised.
pub(crate) struct Call<'a> {
    pub app: AppState,
    pub access: Arc<Access>,
    pub session: SessionId,
    pub data: &'a RawValue,
}

type Replied<'a> = BoxFuture<'a, Result<Box<RawValue>, ErrorReply>>;
pub(super) type Called = Box<dyn for<'a> Fn(Call<'a>, Guard) -> Replied<'a> + Send + Sync>;
type Routed = Arc<dyn Fn(AppState, Request) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// Arguments. A route reads them from the query (GET) or from the body, a socket method from its data.
pub(super) trait Args: DeserializeOwned + ToSchema + Send + 'static {}
impl<T: DeserializeOwned + ToSchema + Send + 'static> Args for T {}

fn is_nothing<A: 'static>() -> bool {
    TypeId::of::<A>() == TypeId::of::<Nothing>()
}

/// An entry that still knows its types. Its target and permission are set before its route and its socket method.
pub(super) struct Draft<C, A, R, F> {
    run: F,
    is_lenient: bool,
    operation: Operation,
    types: PhantomData<fn(C, A) -> R>,
}

pub(super) fn run<C, A, R, F, Fut>(run: F) -> Draft<C, A, R, F>
where
    C: Target + 'static,
    A: Args,
    R: Answer + 'static,
    F: Fn(C, A) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Error>> + Send + 'static,
{
    let guard = Guard { need: Permission::Read, thing: None };
    let describe = |schemas: &mut Schemas| Described {
        args: (!is_nothing::<A>()).then(|| schemas.add::<A>()),
        answers: R::shapes(schemas),
        ..Described::default()
    };
    let operation = Operation { name: "", doc: "", tag: "", guard, route: None, method: None, describe };
    Draft { run, is_lenient: false, operation, types: PhantomData }
}

/// As [`run`], for functions without arguments.
pub(super) fn act<C, R, F, Fut>(
    act: F,
) -> Draft<C, Nothing, R, impl Fn(C, Nothing) -> Fut + Copy + Send + Sync>
where
    C: Target + 'static,
    R: Answer + 'static,
    F: Fn(C) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Error>> + Send + 'static,
{
    run(move |target, _: Nothing| act(target))
}

impl<C, A, R, F, Fut> Draft<C, A, R, F>
where
    C: Target + 'static,
    A: Args,
    R: Answer + 'static,
    F: Fn(C, A) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Error>> + Send + 'static,
{
    pub fn needs(mut self, need: Permission) -> Self {
        self.operation.guard.need = need;
        self
    }

    pub fn about(mut self, thing: Thing) -> Self {
        self.operation.guard.thing = Some(thing);
        self
    }

    pub fn get(self, path: &'static str) -> Self {
        let (run, guard) = (self.run, self.operation.guard);
        self.route(
            Method::GET,
            path,
            Arc::new(move |app, request| Box::pin(by_query(run, app, request, guard))),
        )
    }

    pub fn post(self, path: &'static str) -> Self {
        self.by_body(Method::POST, path)
    }

    pub fn patch(self, path: &'static str) -> Self {
        self.by_body(Method::PATCH, path)
    }

    pub fn delete(self, path: &'static str) -> Self {
        self.by_body(Method::DELETE, path)
    }

    fn by_body(self, method: Method, path: &'static str) -> Self {
        let (run, guard) = (self.run, self.operation.guard);
        self.route(method, path, Arc::new(move |app, request| Box::pin(by_body(run, app, request, guard))))
    }

    fn route(mut self, method: Method, path: &'static str, routed: Routed) -> Self {
        self.operation.route = Some(route(method, path, routed));
        self
    }

    /// The socket method ignores unknown fields instead of refusing them, for compatibility with older clients.
    pub fn lenient(mut self) -> Self {
        self.is_lenient = true;
        self
    }

    pub fn socket(mut self) -> Self
    where
        R: Reply,
    {
        let (run, is_lenient) = (self.run, self.is_lenient);
        self.operation.method =
            Some(called(move |call, guard| Box::pin(by_data(run, call, guard, is_lenient))));
        self.operation.describe = |schemas| Described {
            args: (!is_nothing::<A>()).then(|| schemas.add::<A>()),
            answers: R::shapes(schemas),
            result: Some(schemas.add::<R::Body>()),
            ..Described::default()
        };
        self
    }
}

impl<C, A, R, F> From<Draft<C, A, R, F>> for Operation {
    fn from(draft: Draft<C, A, R, F>) -> Self {
        draft.operation
    }
}

/// This bound makes the compiler infer the closure's lifetimes.
fn called(run: impl for<'a> Fn(Call<'a>, Guard) -> Replied<'a> + Send + Sync + 'static) -> Called {
    Box::new(run)
}

fn route(method: Method, path: &'static str, routed: Routed) -> Route {
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    let router = on(filter, move |State(app): State<AppState>, request: Request| {
        let answer = routed(app, request);
        async move { answer.await.unwrap_or_else(IntoResponse::into_response) }
    });
    Route { method, path, router }
}

async fn by_query<C, A, R, F, Fut>(
    run: F,
    app: AppState,
    request: Request,
    guard: Guard,
) -> Result<Response, Problem>
where
    C: Target,
    A: Args,
    R: Answer,
    F: Fn(C, A) -> Fut,
    Fut: Future<Output = Result<R, Error>>,
{
    let (mut parts, _) = request.into_parts();
    let target = of_request(&mut parts, &app, guard).await?;
    let args = match nothing()? {
        Some(nothing) => nothing,
        None => Params::<A>::from_request_parts(&mut parts, &app).await?.0,
    };
    Ok(run(target, args).await?.answer())
}

/// The body is not read if the operation takes no arguments.
async fn by_body<C, A, R, F, Fut>(
    run: F,
    app: AppState,
    request: Request,
    guard: Guard,
) -> Result<Response, Problem>
where
    C: Target,
    A: Args,
    R: Answer,
    F: Fn(C, A) -> Fut,
    Fut: Future<Output = Result<R, Error>>,
{
    let (mut parts, body) = request.into_parts();
    let target = of_request(&mut parts, &app, guard).await?;
    let args = match nothing()? {
        Some(nothing) => nothing,
        None => Body::<A>::from_request(Request::from_parts(parts, body), &app).await?.0,
    };
    Ok(run(target, args).await?.answer())
}

/// The arguments of an operation that takes none.
fn nothing<A: Args>() -> Result<Option<A>, Problem> {
    if !is_nothing::<A>() {
        return Ok(None);
    }
    serde_json::from_str("{}").map(Some).map_err(|_| Problem::internal())
}

async fn by_data<C, A, R, F, Fut>(
    run: F,
    call: Call<'_>,
    guard: Guard,
    is_lenient: bool,
) -> Result<Box<RawValue>, ErrorReply>
where
    C: Target,
    A: Args,
    R: Reply,
    F: Fn(C, A) -> Fut,
    Fut: Future<Output = Result<R, Error>>,
{
    let Call { app, access, session, data } = call;
    let (id, args) = arguments::<A>(data, guard.thing, is_lenient).map_err(|error| refused(&error))?;
    let caller = Caller::new(app, access, Some(session), guard.need);
    let target = C::enter(caller, guard, id).await.map_err(|error| refusal::reply(&error))?;
    let done = run(target, args).await.map_err(|error| refusal::reply(&error))?;
    to_raw_value(&done.into_body()).map_err(|_| ErrorReply::INTERNAL)
}

fn arguments<A: Args>(data: &RawValue, thing: Option<Thing>, is_lenient: bool) -> Result<(Uuid, A), Refused> {
    let json = data.get().as_bytes();
    match thing {
        Some(thing) => document::read_about(json, thing.word(), is_lenient),
        None => Ok((Uuid::nil(), document::read(json)?)),
    }
}

/// The refusal of a wrong argument, which it names.
fn refused(refused: &Refused) -> ErrorReply {
    let about = if refused.field.is_none() { "the arguments: " } else { "" };
    ErrorReply::new(400, format!("{about}{}", refused.text()))
}
