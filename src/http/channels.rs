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
use super::problem::{Problem, Refusals, Result};
use crate::accounts::channels::{ChannelChanges, CreateChannel, ListChannels, UpdateChannel, merge_settings};
use crate::accounts::connect_channel::connect as connect_channel;
use crate::accounts::{Permission, Scope};
use crate::app::AppState;
use crate::config::Config;
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
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = NewChannel,
    responses((status = 201, body = ChannelView), Refusals))]
pub async fn create(
    State(app): State<AppState>,
    caller: Caller<Manage>,
    Body(new): Body<NewChannel>,
) -> Result<(StatusCode, Json<ChannelView>)> {
    let scope = caller.tenant(new.tenant)?;
    check_hosts(&app.config, &new.credentials)?;
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
#[utoipa::path(patch, path = "/api/v1/channels/{id}", tag = "channels", params(("id" = Uuid, Path)),
    request_body = ChannelPatch, responses((status = 200, body = ChannelView), Refusals))]
pub async fn update(
    State(app): State<AppState>,
    at: At<Channel, Manage>,
    Body(patch): Body<ChannelPatch>,
) -> Result<Json<ChannelView>> {
    let ChannelPatch { name, state, settings, credentials } = patch;
    if let Some(credentials) = &credentials {
        check_hosts(&app.config, credentials)?;
    }
    let changes = ChannelChanges { name, state, settings, credentials };
    let verb = UpdateChannel { scope: at.scope, vault: Arc::clone(&app.vault), id: at.id, changes };
    Ok(Json(app.store.write(verb).await?.value.view(true)))
}

/// Prove the credentials and make the provider deliver to this server.
///
/// 409 `connect_failed` with the provider's reason.
#[utoipa::path(post, path = "/api/v1/channels/{id}/connect", tag = "channels", params(("id" = Uuid, Path)),
    responses((status = 200, body = ChannelView), Refusals))]
pub async fn connect(State(app): State<AppState>, at: At<Channel, Manage>) -> Result<Json<ChannelView>> {
    let url = &app.config.public_url;
    let channel = connect_channel(&app.store, &app.vault, &app.http, url, &at.scope, at.id).await?;
    Ok(Json(channel.view(true)))
}

/// A tenant's owner must not make the server call into its own network. (The operator may, on the command line.)
fn check_hosts(config: &Config, credentials: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in credentials {
        let is_address = name.ends_with("url") || name.ends_with("base") || value.contains("://");
        if !is_address || value.trim().is_empty() {
            continue;
        }
        let field = format!("credentials.{name}");
        let url =
            reqwest::Url::parse(value.trim()).map_err(|_| Problem::invalid(&field, "is not an address"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some()
        {
            return Err(Problem::invalid(field, "must be http:// or https://, without a password in it"));
        }
        if !url.host_str().is_some_and(|host| config.may_call(host)) {
            let detail =
                "leads into a private network; the operator can allow the host (allow_private_hosts)";
            return Err(Problem::invalid(field, detail));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_cannot_aim_the_server_at_its_own_network() {
        let config = Config::embedded(std::path::Path::new("x"));
        let given = |value: &str| [("base_url".to_owned(), value.to_owned())].into();
        assert!(check_hosts(&config, &given("https://waha.example.com:3000")).is_ok());
        for wrong in [
            "http://169.254.169.254/latest",
            "http://localhost:1",
            "file:///etc/passwd",
            "waha",
            "https://u:p@example.com",
        ] {
            let refused = check_hosts(&config, &given(wrong)).expect_err(wrong);
            let document = serde_json::to_value(&refused).expect("json");
            assert_eq!(document["field"], "credentials.base_url", "{wrong}");
        }
        assert!(check_hosts(&config, &[("token".to_owned(), "77:abc".to_owned())].into()).is_ok());
    }
}
