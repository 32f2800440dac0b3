//! Companies: the brands of a tenant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Created;
use super::{At, Caller};
use crate::accounts::tenants::{CompanyKind, CompanyView, CreateCompany, ListCompanies, SetCountry};
use crate::error::Error;
use crate::inbox::notice;
use crate::model::PrivacyNotice;

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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompanyPatch {
    /// Two letters: the country of phone numbers that are written without one, in searches and leads. Null: none.
    country: Option<String>,
}

pub async fn update(at: At, patch: CompanyPatch) -> Result<CompanyView, Error> {
    let verb = SetCountry { scope: at.scope, company: at.id, country: patch.country };
    Ok(at.app.store.write(verb).await?.value)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeTexts {
    /// The language for customers whose own is not among the texts.
    language: String,
    /// Texts by language (`en`, `ru`), at most 4,000 characters each; none: no notice.
    texts: BTreeMap<String, String>,
}

pub async fn notice(at: At) -> Result<PrivacyNotice, Error> {
    at.app.store.read(notice::Notice { scope: at.scope, company: at.id }).await
}

pub async fn set_notice(at: At, new: NoticeTexts) -> Result<PrivacyNotice, Error> {
    let verb =
        notice::SetNotice { scope: at.scope, company: at.id, language: new.language, texts: new.texts };
    Ok(at.app.store.write(verb).await?.value)
}
