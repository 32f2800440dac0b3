//! Apps of providers: platform people see the pool, its operators change it. Secrets are written and never returned.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use super::answer::Created;
use super::kinds::{SettingField, fields};
use crate::accounts::Permission;
use crate::channels::address;
use crate::channels::apps::{AppChanges, CreateApp, FEW, ListApps, UpdateApp};
use crate::error::Error;
use crate::model::{ProviderAppState, ProviderAppView};

#[derive(Serialize, ToSchema)]
pub struct Apps {
    apps: Vec<ProviderAppView>,
    /// Of each family: its settings, how many are free for further tenants, and whether these are few.
    pool: Vec<Pool>,
}

#[derive(Serialize, ToSchema)]
pub struct Pool {
    /// `meta`, `google` or `waha`.
    family: String,
    /// Of servers with a capacity: the places that are free on all of them.
    free: i64,
    /// Fewer than the next tenants need.
    few: bool,
    /// Each tenant has an app of its own; otherwise one serves all.
    one_tenant: bool,
    /// Each serves so many channels of all tenants as it has places.
    has_places: bool,
    settings: Vec<SettingField>,
    /// The kinds of channels that people connect by signing in through such an app. Their addresses are `/connect/{kind}`.
    sign_in_kinds: Vec<&'static str>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// `meta`, `google` or `waha`.
    family: String,
    name: String,
    #[serde(default = "draft")]
    state: ProviderAppState,
    /// Gives it to this tenant at once.
    tenant: Option<Uuid>,
    settings: BTreeMap<String, String>,
}

const fn draft() -> ProviderAppState {
    ProviderAppState::Draft
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppPatch {
    id: Uuid,
    name: Option<String>,
    state: Option<ProviderAppState>,
    tenant: Option<Uuid>,
    /// Those that change.
    settings: Option<BTreeMap<String, String>>,
}

pub async fn list(caller: Caller) -> Result<Apps, Error> {
    caller.access.platform(Permission::Read)?;
    let apps = caller.app.store.read(ListApps { vault: Arc::clone(&caller.app.vault) }).await?;
    let pool = adapters::apps().map(|kind| {
        let is_free =
            |app: &&ProviderAppView| app.family == kind.name() && app.state == ProviderAppState::Approved;
        let places =
            |app: &ProviderAppView| app.capacity.map_or(1, |capacity| (capacity - app.channels).max(0));
        let free = apps.iter().filter(is_free).map(places).sum();
        let has_any = apps.iter().any(|app| app.family == kind.name());
        let has_places = !kind.gives().is_empty();
        Pool {
            family: kind.name().to_owned(),
            free,
            few: (kind.is_for_one_tenant() || has_places) && has_any && free < FEW,
            one_tenant: kind.is_for_one_tenant(),
            has_places,
            settings: fields(kind.fields()),
            sign_in_kinds: adapters::providers()
                .filter(|one| {
                    one.sign_in().is_some() && one.app().is_some_and(|app| app.name() == kind.name())
                })
                .map(adapters::Provider::name)
                .collect(),
        }
    });
    Ok(Apps { pool: pool.collect(), apps })
}

pub async fn create(caller: Caller, new: NewApp) -> Result<Created<ProviderAppView>, Error> {
    caller.access.platform(Permission::Operate)?;
    let app = &caller.app;
    address::check(app.http.outward(), &new.settings)?;
    let NewApp { family, name, state, tenant, settings } = new;
    let verb =
        CreateApp { vault: Arc::clone(&app.vault), family, name, state, assigned_to: tenant, settings };
    let view = app.store.write(verb).await?.value;
    app.apps.forget_all();
    Ok(Created(view))
}

pub async fn update(caller: Caller, patch: AppPatch) -> Result<ProviderAppView, Error> {
    caller.access.platform(Permission::Operate)?;
    let app = &caller.app;
    let AppPatch { id, name, state, tenant, settings } = patch;
    if let Some(settings) = &settings {
        address::check(app.http.outward(), settings)?;
    }
    let changes = AppChanges { name, state, tenant, settings };
    let view = app.store.write(UpdateApp { vault: Arc::clone(&app.vault), id, changes }).await?.value;
    app.channels.forget_all();
    app.apps.forget_all();
    Ok(view)
}
