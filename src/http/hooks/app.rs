//! Webhooks to the address of an app. Its secret verifies the whole body; each account's part of it then goes to the channel
//! that has the account, as if it had come alone. The answer is 2xx when all parts are stored. A part that nobody has
//! connected is counted and dropped: its sender would repeat it for days.

use adapters::{Account, App, AppInvalid, Routed};
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use uuid::Uuid;

use super::{bad_signature, count, headers_of, store, whole};
use crate::app::AppState;
use crate::channels::apps;
use crate::http::problem::Problem;
use crate::model::{ProviderApp, ProviderAppState};
use crate::store::apps::{ById, Receiving};

/// Google clients of one installation that a push is tried with.
const CLIENTS: i64 = 20;

/// An app with its opened settings.
pub(super) struct Opened {
    pub kind: &'static dyn App,
    pub account: Account,
}

/// The app of a path. A retired one still has channels.
pub(super) async fn find(app: &AppState, family: &str, id: &str) -> Result<Opened, Problem> {
    let missing = || Problem::not_found("app");
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    let found = app.store.read(ById(id)).await?.filter(|found| found.family == family).ok_or_else(missing)?;
    open(app, &found)
}

fn open(app: &AppState, found: &ProviderApp) -> Result<Opened, Problem> {
    let kind = apps::kind_of(&found.family)?;
    Ok(Opened { kind, account: apps::account(&app.vault, found).map_err(crate::error::Error::from)? })
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
    take(&app, &[found], request).await
}

/// Receives a push of Gmail. Its token says for which client it is.
pub async fn gmail(State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let verb = Receiving { family: "google".to_owned(), limit: CLIENTS };
    let all = app.store.read(verb).await?;
    let opened: Vec<_> = all
        .iter()
        .filter(|one| one.state != ProviderAppState::Draft)
        .map(|one| open(&app, one))
        .collect::<Result<_, _>>()?;
    if opened.is_empty() {
        return Err(Problem::not_found("app"));
    }
    take(&app, &opened, request).await
}

async fn take(app: &AppState, candidates: &[Opened], request: Request<Body>) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let body = whole(app, &mut parts, body).await?;
    let headers = headers_of(&parts.headers);
    let now_s = app.store.clock().now_ms() / 1000;
    let (mut verified, mut refusal) = (None, None);
    for one in candidates {
        match one.kind.verify(&app.http, &one.account, &headers, &body, now_s).await {
            Ok(()) => verified = Some(one),
            Err(why) => {
                // That keys could not be had says more than that another client's did not fit.
                if !matches!(refusal, Some(AppInvalid::Unavailable(_))) {
                    refusal = Some(why);
                }
                continue;
            }
        }
        break;
    }
    let Some(verified) = verified else {
        let family = candidates.first().map_or("none", |one| one.kind.name());
        return Err(refuse(family, refusal));
    };
    deliver(app, verified, &body).await?;
    Ok(StatusCode::OK.into_response())
}

fn refuse(family: &'static str, why: Option<AppInvalid>) -> Problem {
    count(family, "refused");
    match why {
        Some(AppInvalid::Unavailable(why)) => {
            tracing::warn!(family, %why, "a delivery to an app could not be checked");
            let detail = "the provider's keys cannot be had now: come again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_keys", detail).retry_after(5)
        }
        Some(AppInvalid::Invalid(why)) => {
            tracing::warn!(family, %why, "a delivery to an app was refused");
            bad_signature(&why)
        }
        None => Problem::not_found("app"),
    }
}

/// Brings each part to its channel, in the body's order.
async fn deliver(app: &AppState, to: &Opened, body: &Bytes) -> Result<(), Problem> {
    let routed = match to.kind.route(body) {
        Ok(routed) => routed,
        Err(error) => {
            count(to.kind.name(), "unreadable");
            tracing::warn!(family = to.kind.name(), %error, "a verified delivery to an app cannot be read");
            return Ok(());
        }
    };
    for Routed { provider, claim, body } in routed {
        let mut concerned = match &claim {
            Some(claim) => app.channels.concerned(provider, claim).await?,
            None => Vec::new(),
        };
        concerned.retain(|one| is_through(one, to));
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
fn is_through(connected: &crate::channels::cache::Connected, to: &Opened) -> bool {
    to.kind.external_id(&to.account).is_some_and(|id| {
        let own = Account { external_id: None, settings: connected.secrets.app.clone() };
        to.kind.external_id(&own) == Some(id)
    })
}

fn unconnected(provider: &'static str, claim: Option<&str>) {
    count(provider, "unconnected");
    tracing::info!(
        provider,
        account = claim.unwrap_or("unknown"),
        "a delivery is for an account that nobody has connected"
    );
}
