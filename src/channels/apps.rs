//! Apps of providers and their settings. Secrets are accepted here and never returned.
//!
//! Which app a channel gets is `pool.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::{Account, App};
use uuid::Uuid;

use super::{address, fields};
use crate::accounts::check_name;
use crate::error::Error;
use crate::model::{ProviderApp, ProviderAppState, ProviderAppView};
use crate::store::{Tx, Verb, apps};
use crate::vault::Vault;

/// Approved apps of a family below which operators are warned.
pub const FEW: i64 = 3;
/// Apps of one family.
const MOST: i64 = 1_000;

fn is_of_one_tenant(family: &str) -> bool {
    adapters::app(family).is_some_and(App::is_for_one_tenant)
}

fn owner(app: Uuid) -> String {
    format!("app:{app}")
}

/// The settings of an app, its secrets among them.
pub fn open(vault: &Vault, app: &ProviderApp) -> anyhow::Result<BTreeMap<String, String>> {
    let plain = vault.open(&owner(app.id), &app.sealed)?;
    // The parser's message is left out: it may quote a secret.
    serde_json::from_slice(&plain).map_err(|_| anyhow::anyhow!("the settings of app {} are damaged", app.id))
}

fn seal(vault: &Vault, app: Uuid, settings: &BTreeMap<String, String>) -> anyhow::Result<String> {
    vault.seal(&owner(app), &serde_json::to_vec(settings)?)
}

/// The form in which an adapter takes an app's settings.
pub fn account(vault: &Vault, app: &ProviderApp) -> anyhow::Result<Account> {
    Ok(Account {
        external_id: Some(app.external_id.clone()),
        settings: open(vault, app)?,
        ..Account::default()
    })
}

pub fn kind_of(family: &str) -> Result<&'static dyn App, Error> {
    adapters::app(family).ok_or_else(|| {
        let known: Vec<_> = adapters::apps().map(App::name).collect();
        Error::invalid("family", format!("must be one of {}", known.join(", ")))
    })
}

/// An app without its secrets; `channels` are connected through it.
pub fn view(vault: &Vault, app: &ProviderApp, channels: i64) -> Result<ProviderAppView, Error> {
    let kind = kind_of(&app.family)?;
    let is_secret = |name: &str| kind.fields().iter().all(|field| field.name != name || field.secret);
    let (secrets, settings): (BTreeMap<_, _>, BTreeMap<_, _>) =
        open(vault, app)?.into_iter().partition(|(name, _)| is_secret(name));
    Ok(ProviderAppView {
        id: app.id,
        family: app.family.clone(),
        name: app.name.clone(),
        state: app.state,
        tenant: app.tenant,
        external_id: app.external_id.clone(),
        hook_path: kind.has_hook().then(|| format!("/hooks/{}/{}", app.family, app.id)),
        channels,
        capacity: kind.capacity(&Account { settings: settings.clone(), ..Account::default() }),
        settings,
        secrets: secrets.into_keys().collect(),
        created_at: app.created_at,
    })
}

pub struct CreateApp {
    pub vault: Arc<Vault>,
    pub family: String,
    pub name: String,
    pub state: ProviderAppState,
    /// Gives it to this tenant at once.
    pub assigned_to: Option<Uuid>,
    pub settings: BTreeMap<String, String>,
}

impl Verb for CreateApp {
    type Out = ProviderAppView;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let kind = kind_of(&self.family)?;
        let name = check_name("name", &self.name)?;
        let settings = fields::check(kind.fields(), self.settings.clone(), ("settings", &self.family))?;
        if apps::of_family(tx, &self.family, Uuid::nil(), MOST).await?.len() as i64 >= MOST {
            return Err(Error::conflict(
                "too_many",
                format!("there are {MOST} apps of {} already", self.family),
            ));
        }
        let id = tx.new_id();
        let external_id = external_id(kind, &settings)?;
        if apps::by_external_id(tx, &self.family, &external_id).await?.is_some() {
            return Err(Error::conflict("app_known", format!("the app {external_id} is known already")));
        }
        let state = stated(&self.family, self.state, self.assigned_to)?;
        let created_at = tx.now();
        let app = ProviderApp {
            id,
            family: self.family.clone(),
            name,
            state,
            tenant: self.assigned_to,
            external_id,
            sealed: seal(&self.vault, id, &settings)?,
            created_at,
        };
        apps::insert(tx, &app).await?;
        view(&self.vault, &app, 0)
    }
}

fn external_id(kind: &dyn App, settings: &BTreeMap<String, String>) -> Result<String, Error> {
    let account = Account { external_id: None, settings: settings.clone(), ..Account::default() };
    kind.external_id(&account)
        .ok_or_else(|| Error::invalid("settings", "they do not say which app of the provider it is"))
}

/// A tenant and the state `assigned` belong together.
fn stated(family: &str, state: ProviderAppState, tenant: Option<Uuid>) -> Result<ProviderAppState, Error> {
    match (state, tenant) {
        (ProviderAppState::Assigned, None) => {
            Err(Error::invalid("tenant", "say which tenant has it, or give another state"))
        }
        (ProviderAppState::Approved, Some(_)) => Ok(ProviderAppState::Assigned),
        (ProviderAppState::Assigned | ProviderAppState::Retired, Some(_)) if is_of_one_tenant(family) => {
            Ok(state)
        }
        (_, Some(_)) => {
            Err(Error::invalid("tenant", "an app that is not approved, or serves all tenants, has none"))
        }
        (state, None) => Ok(state),
    }
}

/// The fields that change; `None` leaves a field as it is.
#[derive(Default)]
pub struct AppChanges {
    pub name: Option<String>,
    pub state: Option<ProviderAppState>,
    pub tenant: Option<Uuid>,
    pub settings: Option<BTreeMap<String, String>>,
}

pub struct UpdateApp {
    pub vault: Arc<Vault>,
    pub id: Uuid,
    pub changes: AppChanges,
}

impl Verb for UpdateApp {
    type Out = ProviderAppView;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut app = apps::by_id(tx, self.id).await?.ok_or(Error::NotFound("app"))?;
        let kind = kind_of(&app.family)?;
        let AppChanges { name, state, tenant, settings } = &self.changes;
        if let Some(name) = name {
            app.name = check_name("name", name)?;
        }
        if let Some(tenant) = tenant {
            app.tenant = Some(*tenant);
        }
        if let Some(state) = state {
            app.state = *state;
            if matches!(state, ProviderAppState::Draft | ProviderAppState::InReview) && app.tenant.is_some() {
                return Err(Error::conflict("assigned", "a tenant has it: retire it instead"));
            }
        }
        app.state = stated(&app.family, app.state, app.tenant)?;
        if let Some(changes) = settings {
            let before = open(&self.vault, &app)?;
            let mut wanted = before.clone();
            wanted.extend(changes.clone());
            let wanted = fields::check(kind.fields(), wanted, ("settings", &app.family))?;
            // Secrets go only to the address that they were given for.
            address::keep_with_address(kind.fields(), &before, &wanted, (changes, "settings"))?;
            app.external_id = external_id(kind, &wanted)?;
            let known = apps::by_external_id(tx, &app.family, &app.external_id).await?;
            if known.is_some_and(|other| other.id != app.id) {
                return Err(Error::conflict("app_known", "another app has this id already"));
            }
            app.sealed = seal(&self.vault, app.id, &wanted)?;
        }
        apps::update(tx, &app).await?;
        let channels = apps::taken(tx, app.id).await?;
        view(&self.vault, &app, channels)
    }
}

/// All apps.
pub struct ListApps {
    pub vault: Arc<Vault>,
}

impl Verb for ListApps {
    type Out = Vec<ProviderAppView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let taken: BTreeMap<_, _> = apps::taken_of_each(tx).await?.into_iter().collect();
        let mut found = Vec::new();
        for kind in adapters::apps() {
            for app in apps::of_family(tx, kind.name(), Uuid::nil(), MOST).await? {
                let channels = taken.get(&app.id).copied().unwrap_or_default();
                found.push(view(&self.vault, &app, channels)?);
            }
        }
        Ok(found)
    }
}

/// The settings of a channel's app, empty for a channel without one.
pub(crate) async fn settings_of(
    tx: &mut Tx<'_>,
    vault: &Vault,
    app: Option<Uuid>,
) -> Result<BTreeMap<String, String>, Error> {
    let Some(id) = app else { return Ok(BTreeMap::new()) };
    let app = apps::by_id(tx, id).await?.ok_or(Error::NotFound("app"))?;
    Ok(open(vault, &app)?)
}
