//! Companies: the brands of a tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body;
use super::extract::{Caller, Manage, Params, Read};
use super::problem::{Refusals, Result};
use crate::accounts::tenants::{CompanyKind, CompanyView, CreateCompany, ListCompanies};
use crate::app::AppState;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only of this tenant.
    tenant: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct Companies {
    companies: Vec<CompanyView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCompany {
    tenant: Uuid,
    name: String,
    kind: CompanyKind,
}

/// The companies that the caller sees.
#[utoipa::path(get, path = "/api/v1/companies", tag = "companies", params(Which),
    responses((status = 200, body = Companies), Refusals))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(which): Params<Which>,
) -> Result<Json<Companies>> {
    let companies = app.store.read(ListCompanies(caller.tenants(which.tenant)?)).await?;
    Ok(Json(Companies { companies }))
}

/// Make a company.
#[utoipa::path(post, path = "/api/v1/companies", tag = "companies", request_body = NewCompany,
    responses((status = 201, body = CompanyView), Refusals))]
pub async fn create(
    State(app): State<AppState>,
    caller: Caller<Manage>,
    Body(new): Body<NewCompany>,
) -> Result<(StatusCode, Json<CompanyView>)> {
    let scope = caller.tenant(new.tenant)?;
    let company = app.store.write(CreateCompany { scope, name: new.name, kind: new.kind }).await?.value;
    Ok((StatusCode::CREATED, Json(company)))
}
