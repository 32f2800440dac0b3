//! The people of a tenant, to assign conversations to. Managing accounts is the operator's, on the command line.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::{Caller, Params, Read};
use super::problem::{Refusals, Result};
use crate::accounts::users::{ListPeople, Person};
use crate::app::AppState;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    tenant: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct People {
    users: Vec<Person>,
}

/// Who works in a tenant.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(Which),
    responses((status = 200, body = People), Refusals))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(which): Params<Which>,
) -> Result<Json<People>> {
    let users = app.store.read(ListPeople(caller.tenant(which.tenant)?)).await?;
    Ok(Json(People { users }))
}
