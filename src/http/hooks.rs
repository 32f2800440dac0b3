//! Webhooks: the raw bytes are verified, parsed and stored with everything that follows from them. Only then is the
//! provider answered 2xx.

use std::sync::Arc;

use adapters::{Headers, Invalid};
use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::peer::PeerIp;
use super::problem::Problem;
use super::receive as body;
use crate::app::AppState;
use crate::channels::cache::names_unknown_owner;
use crate::inbox::receive::{self, Keep};

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
    let channel = Arc::clone(&connected.channel);
    let provider = adapters::provider(&channel.kind).ok_or_else(|| Problem::not_found("channel"))?;
    let (mut parts, body) = request.into_parts();
    let Ok(peer) = PeerIp::from_request_parts(&mut parts, &app).await;
    let limit = app.config.limits.max_hook_bytes;
    let body: Bytes = body::whole(body, limit, &app.admission.budget, peer.counted()).await?;
    let share = app.webhook_shares.of(channel.tenant);
    let body = share.enter(body).ok_or_else(|| busy(provider.name()))?;
    let headers: Headers =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let failed = |error| {
        tracing::error!(%error, "a webhook's body could not be parsed");
        Problem::internal()
    };
    let (bytes, known) = (body.clone(), connected.context());
    let context = Arc::clone(&known);
    let parse = {
        let connected = Arc::clone(&connected);
        move || -> Result<receive::Parsed, Invalid> {
            provider.verify(&connected.secrets.hook_secret, &headers, &bytes)?;
            Ok(provider.parse(&bytes, &context).map_err(|error| error.to_string()))
        }
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
        metrics::counter!("hubbub_webhooks_total", "provider" => provider.name(), "outcome" => "refused")
            .increment(1);
        tracing::warn!(channel = %channel.id, tenant = %channel.tenant, %why, "a webhook was refused");
        Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", why.to_string())
    })?;
    if let Err(wait) = app.admission.rates.hook(channel.tenant, body.len()) {
        return Err(busy(provider.name()).retry_after(wait.seconds));
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
    metrics::counter!("hubbub_webhooks_total", "provider" => provider.name(), "outcome" => received.outcome)
        .increment(1);
    Ok(StatusCode::OK.into_response())
}

/// The tenant's webhooks are at their limit.
fn busy(provider: &'static str) -> Problem {
    metrics::counter!("hubbub_webhooks_total", "provider" => provider, "outcome" => "busy").increment(1);
    let detail = "too many webhooks of this tenant wait to be stored: come again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1)
}
