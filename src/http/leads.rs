//! `POST /api/v1/leads`: a landing page's server hands in a lead, with an API key (or as a person), or signed with the secret
//! of the page. The bytes are read whole, because the signature is over them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::Signed;
use super::peer::PeerIp;
use super::problem::Problem;
use super::{body, receive};
use crate::accounts::{Permission, Scope};
use crate::app::AppState;
use crate::growth::lead::{AddLead, Added, Written};
use crate::growth::lead_source::{FindLeadSource, verify};
use crate::model::{Lead, Utm};

const SOURCE: &str = "x-hubbub-source";
const SIGNATURE: &str = "x-hubbub-signature";
/// More than fifty fields of 2,000 characters would be a file.
const MAX_BYTES: usize = 64 * 1024;

/// A lead as a landing page writes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLead {
    /// Needed with a key or a token; a signed lead is of its page's tenant.
    tenant: Option<Uuid>,
    company: Option<Uuid>,
    /// Which page it is; a signed lead has its page's name.
    source: Option<String>,
    /// The page's own id of it: the same again is the first one. Without it, the same email and phone within ten minutes are.
    external_id: Option<String>,
    name: Option<String>,
    /// An email or a phone is needed.
    email: Option<String>,
    phone: Option<String>,
    /// What else the form asked, as text.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    utm: Utm,
    /// `gclid`, `fbclid`, `ttclid`, …
    #[serde(default)]
    click_ids: BTreeMap<String, String>,
    landing: Option<String>,
    referrer: Option<String>,
    /// The text to which the person agreed.
    consent: Option<String>,
    /// When, Unix milliseconds; without it now.
    consent_at: Option<i64>,
    /// A field of the form that people do not see. What fills it in is a program: its lead is answered 202 and not kept.
    trap: Option<String>,
}

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
    let (scope, page, lead): (_, _, NewLead) = match (signed, signature) {
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
    if lead.trap.is_some_and(|trap| !trap.trim().is_empty()) {
        metrics::counter!("hubbub_leads_total", "outcome" => "trapped").increment(1);
        return Ok((StatusCode::ACCEPTED, Json(LeadAnswer { lead: None })).into_response());
    }
    let (source, company) = match page {
        Some(page) => (page.name, page.company.or(lead.company)),
        None => (lead.source.ok_or_else(|| Problem::invalid("source", "is missing"))?, lead.company),
    };
    let written = Written {
        source,
        company,
        external_id: lead.external_id,
        name: lead.name,
        email: lead.email,
        phone: lead.phone,
        fields: lead.fields,
        utm: lead.utm,
        click_ids: lead.click_ids,
        landing: lead.landing,
        referrer: lead.referrer,
        consent: lead.consent,
        consent_at: lead.consent_at,
    };
    let Added { lead, is_repeated } = app.store.write(AddLead { scope, written }).await?.value;
    let (status, outcome) =
        if is_repeated { (StatusCode::OK, "repeated") } else { (StatusCode::CREATED, "new") };
    metrics::counter!("hubbub_leads_total", "outcome" => outcome).increment(1);
    Ok((status, Json(LeadAnswer { lead: Some(lead) })).into_response())
}
