//! Channels: connected provider accounts. Credentials go in and never come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body;
use super::extract::{At, Caller, Channel, Manage, Params, Read};
use super::problem::{Refusals, Result};
use crate::accounts::{Permission, Scope};
use crate::app::AppState;
use crate::channels::address;
use crate::channels::connect::{change, connect as connect_channel};
use crate::channels::settings::{ChannelChanges, CreateChannel, ListChannels, UpdateChannel, merge_settings};
use crate::model::{ChannelSettings, ChannelState, ChannelView};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only of this tenant.
    tenant: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct Channels {
    channels: Vec<ChannelView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    tenant: Uuid,
    company: Uuid,
    /// `telegram` or `waha`.
    kind: String,
    name: String,
    /// What the provider needs: for `telegram` `token`, for `waha` `base_url`, `api_key` and `session`.
    credentials: BTreeMap<String, String>,
    /// Those that differ from the defaults.
    #[serde(default)]
    #[schema(value_type = Option<ChannelSettings>)]
    settings: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelPatch {
    name: Option<String>,
    state: Option<ChannelState>,
    /// Those that change.
    #[schema(value_type = Option<ChannelSettings>)]
    settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// Those that change.
    credentials: Option<BTreeMap<String, String>>,
}

/// The channels that the caller sees; `hook_path` only where it manages.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", params(Which),
    responses((status = 200, body = Channels), Refusals))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(which): Params<Which>,
) -> Result<Json<Channels>> {
    let managed = caller.access.tenants(Permission::Manage).iter().map(Scope::tenant).collect();
    let channels = app.store.read(ListChannels { scopes: caller.tenants(which.tenant)?, managed }).await?;
    Ok(Json(Channels { channels }))
}

/// Add a channel. Connect it afterwards, so that the provider delivers.
///
/// 409 `account_taken`: another channel has the account.
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = NewChannel,
    responses((status = 201, body = ChannelView), Refusals))]
pub async fn create(
    State(app): State<AppState>,
    caller: Caller<Manage>,
    Body(new): Body<NewChannel>,
) -> Result<(StatusCode, Json<ChannelView>)> {
    let scope = caller.tenant(new.tenant)?;
    address::check(app.http.outward(), &new.credentials)?;
    let verb = CreateChannel {
        scope,
        vault: Arc::clone(&app.vault),
        company: new.company,
        kind: new.kind,
        name: new.name,
        credentials: new.credentials,
        settings: merge_settings(&ChannelSettings::default(), &new.settings)?,
    };
    let channel = app.store.write(verb).await?.value;
    Ok((StatusCode::CREATED, Json(channel.view(true))))
}

/// Change a channel's name, state, settings or credentials.
///
/// Another address or account (`base_url`, `session`, `api_base`) needs the channel's secrets again, and makes a new
/// webhook secret: connect it afterwards. 409 `account_taken`: another channel has the account.
#[utoipa::path(patch, path = "/api/v1/channels/{id}", tag = "channels", params(("id" = Uuid, Path)),
    request_body = ChannelPatch, responses((status = 200, body = ChannelView), Refusals))]
pub async fn update(
    State(app): State<AppState>,
    at: At<Channel, Manage>,
    Body(patch): Body<ChannelPatch>,
) -> Result<Json<ChannelView>> {
    let ChannelPatch { name, state, settings, credentials } = patch;
    if let Some(credentials) = &credentials {
        address::check(app.http.outward(), credentials)?;
    }
    let changes = ChannelChanges { name, state, settings, credentials };
    let verb = UpdateChannel { scope: at.scope, vault: Arc::clone(&app.vault), id: at.id, changes };
    let channel = change(&app.store, &app.http, &app.config.server.public_url, verb).await?;
    Ok(Json(channel.view(true)))
}

/// Prove the credentials and make the provider deliver to this server.
///
/// 409 `connect_failed` with the provider's reason; `account_taken`: another channel has the account.
#[utoipa::path(post, path = "/api/v1/channels/{id}/connect", tag = "channels", params(("id" = Uuid, Path)),
    responses((status = 200, body = ChannelView), Refusals))]
pub async fn connect(State(app): State<AppState>, at: At<Channel, Manage>) -> Result<Json<ChannelView>> {
    let url = &app.config.server.public_url;
    let channel = connect_channel(&app.store, &app.vault, &app.http, url, &at.scope, at.id).await?;
    Ok(Json(channel.view(true)))
}
