//! The integration log: what providers posted, what became of it, and once more after a fix. Bodies are shown
//! without the texts of people.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::{At, Caller, Envelope, Manage, Params, page_size};
use super::problem::{Refusals, Result};
use crate::accounts::Scope;
use crate::app::AppState;
use crate::error::Error;
use crate::inbox::receive;
use crate::store::envelopes::{self, LogEntry};
use crate::store::{Tx, Verb};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    tenant: Uuid,
    /// Only of this channel.
    channel: Option<Uuid>,
    /// 50, and at most 200.
    limit: Option<i64>,
    /// `next` of the page before.
    before: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct Page {
    /// Newest first.
    entries: Vec<LogEntry>,
    next: Option<Uuid>,
}

struct ListEntries {
    scope: Scope,
    channel: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
}

impl Verb for ListEntries {
    type Out = Vec<LogEntry>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(envelopes::page(tx, self.scope.tenant(), self.channel, self.before, self.limit).await?)
    }
}

/// What providers posted, newest first.
#[utoipa::path(get, path = "/api/v1/integration-log", tag = "integration log", params(Which),
    responses((status = 200, body = Page), Refusals))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Manage>,
    Params(which): Params<Which>,
) -> Result<Json<Page>> {
    let scope = caller.tenant(which.tenant)?;
    let limit = page_size(which.limit, 50, 200);
    let verb = ListEntries { scope, channel: which.channel, before: which.before, limit };
    let entries = app.store.read(verb).await?;
    let next = entries.last().filter(|_| entries.len() as i64 == limit).map(|entry| entry.id);
    Ok(Json(Page { entries, next }))
}

/// Read a stored body once more, after a fix. What was taken in before is recognised and not taken twice.
#[utoipa::path(post, path = "/api/v1/integration-log/{id}/replay", tag = "integration log",
    params(("id" = Uuid, Path)), responses((status = 200, body = Replayed), Refusals))]
pub async fn replay(State(app): State<AppState>, at: At<Envelope, Manage>) -> Result<Json<Replayed>> {
    let done = receive::replay(&app.store, at.scope, at.id).await?;
    Ok(Json(Replayed { outcome: done.outcome, applied: done.applied }))
}

#[derive(Serialize, ToSchema)]
pub struct Replayed {
    /// `events`, `ignored` or `unparsable`.
    outcome: &'static str,
    /// Events that changed something now.
    applied: i64,
}
