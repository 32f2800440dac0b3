//! Leads: the list, and the landing pages that sign theirs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{Created, Done};
use super::{Caller, page_size};
use crate::document::line;
use crate::error::Error;
use crate::growth::lead::ListLeads;
use crate::growth::lead_source::{CreateLeadSource, LeadSourceView, ListLeadSources, RemoveLeadSource};
use crate::model::Lead;
use crate::vault::random_token;

const MAX_PAGE: i64 = 200;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadsQuery {
    tenant: Uuid,
    /// The last id of the page before.
    before: Option<Uuid>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Leads {
    /// Newest first.
    leads: Vec<Lead>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadSourcesQuery {
    tenant: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct LeadSources {
    sources: Vec<LeadSourceView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLeadSource {
    tenant: Uuid,
    /// Its leads are of this company.
    company: Option<Uuid>,
    #[serde(deserialize_with = "line")]
    name: String,
}

#[derive(Serialize, ToSchema)]
pub struct LeadSourceMade {
    source: LeadSourceView,
    /// Shown this once.
    secret: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OldLeadSource {
    tenant: Uuid,
    id: Uuid,
}

pub async fn list(caller: Caller, query: LeadsQuery) -> Result<Leads, Error> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 50, MAX_PAGE);
    let verb = ListLeads { scope, before: query.before, limit };
    Ok(Leads { leads: caller.app.store.read_anywhere(verb).await? })
}

pub async fn sources(caller: Caller, query: LeadSourcesQuery) -> Result<LeadSources, Error> {
    let verb = ListLeadSources { scope: caller.tenant(query.tenant)? };
    Ok(LeadSources { sources: caller.app.store.read(verb).await? })
}

pub async fn make_source(caller: Caller, new: NewLeadSource) -> Result<Created<LeadSourceMade>, Error> {
    let (scope, secret) = (caller.tenant(new.tenant)?, random_token("hls_")?);
    let vault = Arc::clone(&caller.app.vault);
    let verb =
        CreateLeadSource { scope, vault, company: new.company, name: new.name, secret: secret.clone() };
    Ok(Created(LeadSourceMade { source: caller.app.store.write(verb).await?.value, secret }))
}

pub async fn remove_source(caller: Caller, old: OldLeadSource) -> Result<Done, Error> {
    let verb = RemoveLeadSource { scope: caller.tenant(old.tenant)?, id: old.id };
    caller.app.store.write(verb).await?;
    Ok(Done)
}
