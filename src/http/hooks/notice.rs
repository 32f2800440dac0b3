//! What people ask a provider to tell an app: that they take its rights back, and that their data have to be deleted. Both
//! concern the person who connected channels, not customers: the tokens that this person gave are forgotten.

use axum::Json;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::app::{find, pairs};
use crate::app::AppState;
use crate::channels::granted;
use crate::http::peer::PeerIp;
use crate::http::problem::Problem;
use crate::http::receive as body;
use crate::vault::token_digest;

/// Bytes of a signed request.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// The rights were taken back.
pub async fn deauthorize(
    State(app): State<AppState>,
    Path((family, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    taken_back(&app, &family, &id, request).await?;
    Ok(StatusCode::OK.into_response())
}

/// The data of a person have to be deleted. The answer says where the person can see that it was done.
pub async fn data_deletion(
    State(app): State<AppState>,
    Path((family, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let user = taken_back(&app, &family, &id, request).await?;
    let code = token_digest(&format!("{id}:{user}"))[..24].to_owned();
    let base = app.config.server.public_url.trim_end_matches('/').to_owned();
    let url = format!("{base}/hooks/{family}/{id}/data-deletion/{code}");
    Ok(Json(json!({ "url": url, "confirmation_code": code })).into_response())
}

/// What the person sees.
pub async fn data_deletion_status(
    State(app): State<AppState>,
    Path((family, id, _code)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    find(&app, &family, &id).await?;
    let text = "Requests to delete data are carried out when they come in: the access that was given to this app is deleted.";
    Ok(text.into_response())
}

async fn taken_back(app: &AppState, family: &str, id: &str, request: Request) -> Result<String, Problem> {
    let found = find(app, family, id).await?;
    let (mut parts, body) = request.into_parts();
    let Ok(peer) = PeerIp::from_request_parts(&mut parts, app).await;
    let form = body::whole(body, MAX_FORM_BYTES, &app.admission.budget, peer.counted()).await?;
    let now_s = app.store.clock().now_ms() / 1000;
    let notice = found.kind.notice(&found.account, &pairs(&form), now_s).ok_or_else(|| {
        let detail = "the signed request does not verify, or was issued long ago";
        Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", detail)
    })?;
    let app_id = uuid::Uuid::parse_str(id).map_err(|_| Problem::not_found("app"))?;
    let channels =
        granted::take_back(&app.store, &app.vault, app_id, (&notice.user, notice.issued_at_s)).await?;
    for channel in &channels {
        app.channels.forget(*channel);
    }
    tracing::info!(family, app = id, channels = channels.len(), "a person took an app's rights back");
    Ok(notice.user)
}
