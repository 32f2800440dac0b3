//! Webhooks: the raw bytes are verified, parsed and stored with everything that follows from them. Only then is the
//! provider answered 2xx. Here are those to a channel's own address; `app.rs` has those to the address of an app, which
//! many channels share, and `notice.rs` what people ask a provider to tell an app.

mod app;
mod notice;

use std::sync::Arc;

use adapters::{Headers, Invalid, Provider};
use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

pub use self::app::{gmail, prove, receive_app};
pub use self::notice::{data_deletion, data_deletion_status, deauthorize};
use super::peer::PeerIp;
use super::problem::Problem;
use super::receive as body;
use crate::app::AppState;
use crate::channels::cache::{Connected, names_unknown_owner};
use crate::inbox::receive::{self, Keep};
use crate::telemetry::traces::Span;

/// Receives a delivery of a provider. The token in the path is the channel's secret.
pub async fn receive(
    State(app): State<AppState>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    if token.contains('\0') {
        return Err(Problem::not_found("channel"));
    }
    let connected = app.channels.by_token(&token).await?.ok_or_else(|| Problem::not_found("channel"))?;
    let provider =
        adapters::provider(&connected.channel.kind).ok_or_else(|| Problem::not_found("channel"))?;
    let (mut parts, body) = request.into_parts();
    let body = whole(&app, &mut parts, body).await?;
    let headers = headers_of(&parts.headers);
    let secret = connected.secrets.hook_secret.clone();
    store(&app, provider, connected, body, move |bytes| provider.verify(&secret, &headers, bytes)).await?;
    Ok(StatusCode::OK.into_response())
}

async fn whole(app: &AppState, parts: &mut Parts, body: axum::body::Body) -> Result<Bytes, Problem> {
    let Ok(peer) = PeerIp::from_request_parts(parts, app).await;
    body::whole(body, app.config.limits.max_hook_bytes, &app.admission.budget, peer.counted()).await
}

fn headers_of(headers: &HeaderMap) -> Headers {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// Verifies, parses and stores one channel's body.
async fn store(
    app: &AppState,
    provider: &'static dyn Provider,
    connected: Arc<Connected>,
    body: Bytes,
    verify: impl FnOnce(&[u8]) -> Result<(), Invalid> + Send + 'static,
) -> Result<(), Problem> {
    let mut span = Span::child("webhook");
    span.put("tenant", || connected.channel.tenant.to_string());
    span.put("channel", || connected.channel.id.to_string());
    span.put("provider", || provider.name().to_owned());
    span.within(apply(app, provider, connected, body, verify)).await
}

async fn apply(
    app: &AppState,
    provider: &'static dyn Provider,
    connected: Arc<Connected>,
    body: Bytes,
    verify: impl FnOnce(&[u8]) -> Result<(), Invalid> + Send + 'static,
) -> Result<(), Problem> {
    let channel = Arc::clone(&connected.channel);
    let share = app.webhook_shares.of(channel.tenant);
    let body = share.enter(body).ok_or_else(|| busy(provider.name()))?;
    let failed = |error| {
        tracing::error!(%error, "a webhook's body could not be parsed");
        Problem::internal()
    };
    let (bytes, known) = (body.clone(), connected.context());
    let context = Arc::clone(&known);
    let parse = move || -> Result<receive::Parsed, Invalid> {
        verify(&bytes)?;
        Ok(provider.parse(&bytes, &context).map_err(|error| error.to_string()))
    };
    let mut outcome = share.parse(body.len(), parse).await.map_err(failed)?;
    if let Ok(Ok(events)) = &outcome
        && names_unknown_owner(events, &known)
    {
        let (bytes, context) = (body.clone(), app.channels.owners(&connected).await?);
        let parse = move || Ok(provider.parse(&bytes, &context).map_err(|error| error.to_string()));
        outcome = share.parse(body.len(), parse).await.map_err(failed)?;
    }
    let parsed = outcome.map_err(|why| {
        count(provider.name(), "refused");
        tracing::warn!(channel = %channel.id, tenant = %channel.tenant, %why, "a webhook was refused");
        bad_signature(&why)
    })?;
    if app.admission.rates.hook(channel.tenant, body.len()).is_err() {
        return Err(busy(provider.name()));
    }
    // A short body may hold many events, which take more memory than the body.
    let events = parsed.as_ref().map_or(0, Vec::len);
    let body = share.more(body, events).ok_or_else(|| busy(provider.name()))?;
    let received = match receive::receive(&app.store, Arc::clone(&channel), body.clone(), parsed).await {
        Err(error) if !error.may_pass() => {
            // A repeated delivery would fail again: the body is kept with the reason, and can be replayed after a fix.
            tracing::error!(error = format!("{error:#}"), channel = %channel.id, "a webhook could not be applied");
            app.store.write(Keep { channel, body, error: error.to_string() }).await?.value
        }
        other => other?,
    };
    count(provider.name(), received.outcome);
    Ok(())
}

fn count(provider: &'static str, outcome: &'static str) {
    metrics::counter!("hubbub_webhooks_total", "provider" => provider, "outcome" => outcome).increment(1);
}

fn bad_signature(why: &impl ToString) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", why.to_string())
}

/// The tenant's webhooks are at their limit.
fn busy(provider: &'static str) -> Problem {
    count(provider, "busy");
    let detail = "too many webhooks of this tenant wait to be stored: come again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
}
