//! Webhooks. The bytes are verified as they came, parsed, and stored with all that follows from them; only
//! then is the provider told that we have them.

use std::sync::Arc;

use adapters::{Context, Headers};
use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::peer::PeerIp;
use super::problem::Problem;
use super::receive;
use crate::app::AppState;
use crate::inbox::receive::{Keep, Receive};

/// Where a provider delivers: the token is the channel's, secret and unguessable.
#[utoipa::path(
    post, path = "/hooks/{token}", tag = "webhooks",
    params(("token" = String, Path, description = "The channel's own secret path")),
    request_body(content = Vec<u8>, description = "The provider's body, exactly as it signs it"),
    responses(
        (status = 200, description = "Stored, with everything that follows from it"),
        (status = 401, description = "Wrong or missing signature; nothing was stored", body = Problem),
        (status = 404, description = "No such channel", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 503, description = "Busy: come again", body = Problem),
    )
)]
pub async fn receive(
    State(app): State<AppState>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let connected = app.channels.by_token(&token).await?.ok_or_else(|| Problem::not_found("channel"))?;
    let channel = Arc::clone(&connected.channel);
    let provider = adapters::provider(&channel.kind).ok_or_else(|| Problem::not_found("channel"))?;
    let (mut parts, body) = request.into_parts();
    let Ok(peer) = PeerIp::from_request_parts(&mut parts, &app).await;
    let limit = app.config.max_body_bytes;
    let body: Bytes = receive::whole(body, limit, &app.admission.budget, peer.counted()).await?;
    let headers: Headers =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    if let Err(why) = provider.verify(&connected.secrets.hook_secret, &headers, &body) {
        metrics::counter!("hubbub_webhooks_total", "provider" => provider.name(), "outcome" => "refused")
            .increment(1);
        tracing::warn!(channel = %channel.id, tenant = %channel.tenant, %why, "a webhook was refused");
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", why.to_string()));
    }
    let parsed = provider.parse(&body, &Context::default()).map_err(|error| error.to_string());
    let received = Receive { channel: Arc::clone(&channel), body: body.clone(), parsed };
    let committed = match app.store.write(received).await {
        Err(error) if !error.may_pass() => {
            // Coming again would not help: the body is kept, with the reason, and can be replayed after a fix.
            tracing::error!(error = format!("{error:#}"), channel = %channel.id, "a webhook could not be applied");
            app.store.write(Keep { channel, body, error: error.to_string() }).await?
        }
        other => other?,
    };
    metrics::counter!("hubbub_webhooks_total", "provider" => provider.name(), "outcome" => committed.value.outcome).increment(1);
    Ok(StatusCode::OK.into_response())
}
