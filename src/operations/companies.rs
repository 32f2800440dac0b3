//! Companies: the brands of a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use super::answer::Created;
use crate::accounts::tenants::{CompanyKind, CompanyView, CreateCompany, ListCompanies};
use crate::error::Error;

#[derive(Deserialize, ToSchema)]
pub struct CompaniesQuery {
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

pub async fn list(caller: Caller, query: CompaniesQuery) -> Result<Companies, Error> {
    let verb = ListCompanies(caller.tenants(query.tenant)?);
    Ok(Companies { companies: caller.app.store.read(verb).await? })
}

pub async fn create(caller: Caller, new: NewCompany) -> Result<Created<CompanyView>, Error> {
    let verb = CreateCompany { scope: caller.tenant(new.tenant)?, name: new.name, kind: new.kind };
    Ok(Created(caller.app.store.write(verb).await?.value))
}
