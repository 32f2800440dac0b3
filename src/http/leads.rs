//! `POST /api/v1/leads`: a landing page's server hands in a lead, with an API key (or as a person), or signed with the secret
//! of the page. The bytes are read whole, because the signature is over them.

use axum::Json;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::Signed;
use super::peer::PeerIp;
use super::problem::Problem;
use super::{body, receive};
use crate::accounts::{Permission, Scope};
use crate::app::AppState;
use crate::growth::lead::{AddLead, Added, NewLead};
use crate::growth::lead_source::{FindLeadSource, verify};
use crate::model::Lead;

const SOURCE: &str = "x-hubbub-source";
const SIGNATURE: &str = "x-hubbub-signature";
/// More than fifty fields of 2,000 characters would be a file.
const MAX_BYTES: usize = 64 * 1024;

/// The lead; null if a program filled in the form.
#[derive(Serialize, ToSchema)]
pub struct LeadAnswer {
    lead: Option<Lead>,
}

pub async fn add(State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (mut parts, bytes) = request.into_parts();
    let Ok(peer) = PeerIp::from_request_parts(&mut parts, &app).await;
    app.admission.rates.lead(peer.counted())?;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let signature = parts.headers.get(SIGNATURE).map(|value| value.to_str().unwrap_or_default().to_owned());
    // Who has neither a key nor a signature is heard no further.
    let signed = match signature {
        Some(_) => None,
        None => Some(Signed::from_request_parts(&mut parts, &app).await?),
    };
    let bytes = receive::whole(bytes, MAX_BYTES, &app.admission.budget, peer.counted()).await?;
    let (scope, page, mut lead): (_, _, NewLead) = match (signed, signature) {
        (None, Some(signature)) => {
            let id = parts.headers.get(SOURCE).and_then(|id| id.to_str().ok()?.parse::<Uuid>().ok());
            let missing = || Problem::unauthenticated("the header X-Hubbub-Source names no landing page");
            let page = app.store.read(FindLeadSource(id.ok_or_else(missing)?)).await?.ok_or_else(missing)?;
            verify(&app.vault, &page, &signature, &bytes, app.store.clock().now_ms() / 1000)?;
            (Scope::system(page.tenant), Some(page), body::parse(&bytes, kind.as_deref())?)
        }
        (signed, _) => {
            let access = signed.ok_or_else(Problem::internal)?.access;
            let lead: NewLead = body::parse(&bytes, kind.as_deref())?;
            let tenant = lead.tenant.ok_or_else(|| Problem::invalid("tenant", "is missing"))?;
            let scope = access.tenant(tenant, Permission::Answer)?;
            app.admission.rates.tenant(tenant)?;
            (scope, None, lead)
        }
    };
    if lead.trap.as_ref().is_some_and(|trap| !trap.trim().is_empty()) {
        metrics::counter!("hubbub_leads_total", "outcome" => "trapped").increment(1);
        return Ok((StatusCode::ACCEPTED, Json(LeadAnswer { lead: None })).into_response());
    }
    if let Some(page) = page {
        (lead.source, lead.company) = (Some(page.name), page.company.or(lead.company));
    }
    let Added { lead, is_repeated } = app.store.write(AddLead::new(scope, lead)?).await?.value;
    let (status, outcome) =
        if is_repeated { (StatusCode::OK, "repeated") } else { (StatusCode::CREATED, "new") };
    metrics::counter!("hubbub_leads_total", "outcome" => outcome).increment(1);
    Ok((status, Json(LeadAnswer { lead: Some(lead) })).into_response())
}
