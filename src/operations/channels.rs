//! Channels: connected provider accounts. Credentials are written and never returned.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Created;
use super::{At, Caller};
use crate::accounts::{Permission, Scope};
use crate::channels::address;
use crate::channels::connect::{change, connect as connect_channel};
use crate::channels::disconnect::Disconnect;
use crate::channels::move_channel::MoveChannel;
use crate::channels::settings::{
    ChannelChanges, CreateChannel, ListChannels, UpdateChannel, default_settings, merge_settings,
};
use crate::error::Error;
use crate::model::{ChannelSettings, ChannelState, ChannelView, TemplateView};

#[derive(Deserialize, ToSchema)]
pub struct ChannelsQuery {
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
    /// The credentials may be of another account than the channel's: its conversations stay, and their customers wrote to the
    /// former one.
    #[serde(default)]
    other_account: bool,
}

/// `hook_path` is only given where the caller manages.
pub async fn list(caller: Caller, query: ChannelsQuery) -> Result<Channels, Error> {
    let managed = caller.access.tenants(Permission::Manage).iter().map(Scope::tenant).collect();
    let verb = ListChannels { scopes: caller.tenants(query.tenant)?, managed };
    Ok(Channels { channels: caller.app.store.read(verb).await? })
}

pub async fn create(caller: Caller, new: NewChannel) -> Result<Created<ChannelView>, Error> {
    let (scope, app) = (caller.tenant(new.tenant)?, &caller.app);
    address::check(app.http.outward(), &new.credentials)?;
    let settings = merge_settings(&default_settings(&new.kind), &new.settings)?;
    let verb = CreateChannel {
        scope,
        vault: Arc::clone(&app.vault),
        company: new.company,
        kind: new.kind,
        name: new.name,
        credentials: new.credentials,
        settings,
    };
    let channel = app.store.write(verb).await?.value;
    Ok(Created(channel.view(true)))
}

pub async fn update(at: At, patch: ChannelPatch) -> Result<ChannelView, Error> {
    let app = &at.app;
    let ChannelPatch { name, state, settings, credentials, other_account } = patch;
    if let Some(credentials) = &credentials {
        address::check(app.http.outward(), credentials)?;
    }
    let changes = ChannelChanges { name, state, settings, credentials, other_account };
    let verb = UpdateChannel { scope: at.scope, vault: Arc::clone(&app.vault), id: at.id, changes };
    Ok(change(&app.store, &app.http, &app.config.server.public_url, verb).await?.view(true))
}

pub async fn connect(at: At) -> Result<ChannelView, Error> {
    let app = &at.app;
    let url = &app.config.server.public_url;
    let channel = connect_channel(&app.store, &app.vault, &app.http, url, &at.scope, at.id).await?;
    Ok(channel.view(true))
}

pub async fn disconnect(at: At) -> Result<ChannelView, Error> {
    let app = &at.app;
    let verb = Disconnect { scope: at.scope, vault: Arc::clone(&app.vault), id: at.id };
    let channel = app.store.write(verb).await?.value;
    app.channels.forget(channel.id);
    Ok(channel.view(true))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveBody {
    company: Uuid,
}

pub async fn move_to(at: At, body: MoveBody) -> Result<ChannelView, Error> {
    let app = &at.app;
    let verb = MoveChannel { scope: at.scope, id: at.id, company: body.company };
    let channel = app.store.write(verb).await?.value;
    app.channels.forget(channel.id);
    Ok(channel.view(true))
}

#[derive(Serialize, ToSchema)]
pub struct Templates {
    templates: Vec<TemplateView>,
}

pub async fn templates(at: At) -> Result<Templates, Error> {
    let app = &at.app;
    let place = (at.scope.tenant(), at.id);
    let templates = crate::channels::templates::list(&app.store, (&app.channels, &app.http), place).await?;
    Ok(Templates { templates })
}
