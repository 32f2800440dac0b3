//! Webhooks to the address of an app. Its secret verifies the whole body; each account's part of it then goes to the channel
//! that has the account, as if it had come alone. The answer is 2xx when all parts are stored. A part that nobody has
//! connected is counted and dropped: its sender would repeat it for days.

use std::sync::Arc;

use adapters::{Account, AppInvalid, Headers, Routed, Words};
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use uuid::Uuid;

use super::{bad_signature, count, headers_of, store, whole};
use crate::app::AppState;
use crate::channels::app_cache::OpenedApp;
use crate::http::problem::Problem;

/// Whose deliveries come to one address for all apps.
const FAMILY: &str = "google";

/// The app of a path. A retired one still has channels.
pub(super) async fn find(app: &AppState, family: &str, id: &str) -> Result<Arc<OpenedApp>, Problem> {
    let missing = || Problem::not_found("app");
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    app.apps.by_id(family, id).await?.ok_or_else(missing)
}

/// Proves the address to the provider: what it asks to be given back is given back as it is, as plain text.
pub async fn prove(
    State(app): State<AppState>,
    Path((family, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let found = find(&app, &family, &id).await?;
    let query = pairs(query.as_deref().unwrap_or_default().as_bytes());
    let answer = found.kind.challenge(&found.account, &query).ok_or_else(|| {
        let detail = "the verify token is not this app's";
        Problem::new(StatusCode::FORBIDDEN, "bad_verify_token", detail)
    })?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, answer).into_response())
}

/// The pairs of a query or a form.
pub(super) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url_pairs(text).take(100).collect()
}

fn url_pairs(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    // Parsed by the same rules as an address's query.
    let mut url = Url::parse("http://form.invalid/").ok();
    if let Some(url) = &mut url {
        url.set_query(Some(&String::from_utf8_lossy(text)));
    }
    url.into_iter().flat_map(|url| {
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect::<Vec<_>>()
    })
}

/// Receives a delivery to an app's own address.
pub async fn receive_app(
    State(app): State<AppState>,
    Path((family, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let found = find(&app, &family, &id).await?;
    let (headers, body) = taken(&app, request).await?;
    take(&app, &[found], &headers, &body).await
}

/// Receives a push of Gmail. Its token says for which client it is.
pub async fn gmail(State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let clients = app.apps.receiving(FAMILY).await?;
    if clients.is_empty() {
        return Err(Problem::not_found("app"));
    }
    let (headers, body) = taken(&app, request).await?;
    let addressed = adapters::app(FAMILY)
        .map(|kind| clients.addressed(&kind.addressees(&headers, &body)))
        .unwrap_or_default();
    take(&app, &addressed, &headers, &body).await
}

async fn taken(app: &AppState, request: Request<Body>) -> Result<(Headers, Bytes), Problem> {
    let (mut parts, body) = request.into_parts();
    let body = whole(app, &mut parts, body).await?;
    Ok((headers_of(&parts.headers), body))
}

async fn take(
    app: &AppState,
    candidates: &[Arc<OpenedApp>],
    headers: &Headers,
    body: &Bytes,
) -> Result<Response, Problem> {
    let now_s = app.store.clock().now_ms() / 1000;
    // Clients of one project may share a subscription.
    let (mut verified, mut refusal) = (Vec::new(), None);
    for one in candidates {
        match one.kind.verify(&app.http, &one.account, headers, body, now_s).await {
            Ok(()) => verified.push(Arc::clone(one)),
            Err(why) => {
                // That keys could not be had says more than that another client's did not fit.
                if !matches!(refusal, Some(AppInvalid::Unavailable(_))) {
                    refusal = Some(why);
                }
            }
        }
    }
    if verified.is_empty() {
        let family = candidates.first().map_or(FAMILY, |one| one.kind.name());
        return Err(refuse(family, refusal));
    }
    deliver(app, &verified, body).await?;
    Ok(StatusCode::OK.into_response())
}

fn refuse(family: &'static str, why: Option<AppInvalid>) -> Problem {
    count(family, "refused");
    match why {
        Some(AppInvalid::Unavailable(why)) => {
            tracing::warn!(family, %why, "a delivery to an app could not be checked");
            let detail = "the provider's keys cannot be had now: come again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_keys", detail)
        }
        Some(AppInvalid::Invalid(why)) => {
            tracing::warn!(family, %why, "a delivery to an app was refused");
            bad_signature(&why)
        }
        None => {
            tracing::warn!(family, "a delivery to an app names none of ours");
            bad_signature(&"it is for no app of this installation")
        }
    }
}

/// Brings each part to its channel, in the body's order.
async fn deliver(app: &AppState, to: &[Arc<OpenedApp>], body: &Bytes) -> Result<(), Problem> {
    let Some(kind) = to.first().map(|one| one.kind) else { return Ok(()) };
    let routed = match kind.route(body) {
        Ok(routed) => routed,
        Err(error) => {
            count(kind.name(), "unreadable");
            tracing::warn!(family = kind.name(), %error, "a verified delivery to an app cannot be read");
            return Ok(());
        }
    };
    for Routed { provider, claim, body } in routed {
        let mut concerned = match &claim {
            Some(claim) => app.channels.concerned(provider, claim).await?,
            None => Vec::new(),
        };
        concerned.retain(|one| to.iter().any(|app| is_through(one, app)));
        if concerned.is_empty() {
            unconnected(provider, claim.as_deref());
            continue;
        }
        let Some(adapter) = adapters::provider(provider) else { continue };
        for connected in concerned {
            store(app, adapter, connected, body.clone(), |_| Ok(())).await?;
        }
    }
    Ok(())
}

/// Whoever has the secret of one app cannot write into the channels of another.
fn is_through(connected: &crate::channels::cache::Connected, to: &OpenedApp) -> bool {
    to.kind.external_id(&to.account).is_some_and(|id| {
        let own =
            Account { external_id: None, settings: connected.secrets.app.clone(), ..Account::default() };
        to.kind.external_id(&own) == Some(id)
    })
}

fn unconnected(provider: &'static str, claim: Option<&str>) {
    count(provider, "unconnected");
    tracing::info!(
        provider,
        account = claim.map(Words::from).as_ref().map_or("unknown", Words::as_str),
        "a delivery is for an account that nobody has connected"
    );
}
