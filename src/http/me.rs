//! Who am I, and which tenants do I see?

use axum::Json;

use super::extract::{Caller, Read};
use super::problem::{Refusals, Result};
use crate::accounts::profile::Profile;

/// The caller: user and tenants.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", responses((status = 200, body = Profile), Refusals))]
pub async fn me(caller: Caller<Read>) -> Result<Json<Profile>> {
    Ok(Json(caller.access.profile()))
}
