//! Work that was given up: what it was, why, and the two things that a person can do about it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::extract::{At, Caller, Job, Manage, Params, page_size};
use super::problem::{Problem, Refusals, Result};
use crate::app::AppState;
use crate::store::jobs::DeadJob;
use crate::work::{Forget, ListDead, Revive};

const MAX_PAGE: i64 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeadQuery {
    tenant: Uuid,
    /// The last id of the page before.
    before: Option<Uuid>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeadAnswer {
    /// Newest first.
    jobs: Vec<DeadJob>,
}

/// The jobs of a tenant that were given up, with their reasons.
#[utoipa::path(get, path = "/api/v1/jobs/dead", tag = "operation", params(DeadQuery),
    responses((status = 200, body = DeadAnswer), Refusals))]
pub async fn dead(
    State(app): State<AppState>,
    caller: Caller<Manage>,
    Params(query): Params<DeadQuery>,
) -> Result<Json<DeadAnswer>> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 50, MAX_PAGE);
    let jobs = app.store.read(ListDead { scope, before: query.before, limit }).await?;
    Ok(Json(DeadAnswer { jobs }))
}

/// Let a given-up job run again.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "operation", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 409, body = Problem), Refusals))]
pub async fn retry(State(app): State<AppState>, at: At<Job, Manage>) -> Result<StatusCode> {
    app.store.write(Revive { tenant: at.scope.tenant(), job: at.id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget a given-up job.
#[utoipa::path(delete, path = "/api/v1/jobs/{id}", tag = "operation", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 409, body = Problem), Refusals))]
pub async fn forget(State(app): State<AppState>, at: At<Job, Manage>) -> Result<StatusCode> {
    app.store.write(Forget { tenant: at.scope.tenant(), job: at.id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
