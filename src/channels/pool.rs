//! Which app a channel is connected through.
//!
//! A Meta app is one tenant's: the first channel of a tenant takes the oldest approved one. A Google client serves all
//! tenants. A WAHA server of the installation serves as many channels as it has places; a channel that names a server of its
//! own has no app.

use std::collections::BTreeMap;

use adapters::App;
use uuid::Uuid;

use super::apps::{FEW, account};
use crate::error::Error;
use crate::model::{Channel, ChannelState, ProviderApp, ProviderAppState};
use crate::store::{StoreError, Tx, Verb, apps, channels};
use crate::vault::Vault;

/// Servers of one family that are asked for a free place.
const SERVERS: i64 = 1_000;

fn app_of(kind: &str) -> Option<&'static dyn App> {
    adapters::provider(kind).and_then(adapters::Provider::app)
}

/// The credentials that the app has instead of a channel of this kind.
pub(super) fn given_by(kind: &str, has_app: bool) -> &'static [&'static str] {
    app_of(kind).filter(|_| has_app).map_or(&[], App::gives)
}

/// What a new channel is called at its app, of the credentials that the app has instead of it.
pub(super) fn named(kind: &str, channel: Uuid) -> BTreeMap<String, String> {
    app_of(kind).map(|app| app.named(&channel.simple().to_string())).unwrap_or_default()
}

/// The app through which a new channel of this kind is connected in a tenant: the tenant's own, or the next free one of the
/// pool. `None`: it is connected without one.
pub(crate) async fn of_new_channel(
    tx: &mut Tx<'_>,
    vault: &Vault,
    (tenant, kind): (Uuid, &str),
    given: &BTreeMap<String, String>,
) -> Result<Option<ProviderApp>, Error> {
    let Some(app) = app_of(kind) else { return Ok(None) };
    if app.gives().is_empty() {
        return own_or_free(tx, tenant, app).await.map(Some);
    }
    let is_given = |name: &&str| given.get(*name).is_some_and(|value| !value.trim().is_empty());
    if app.gives().iter().any(is_given) {
        return Ok(None);
    }
    place(tx, vault, app, None).await
}

/// The server through which a disconnected channel is connected again: its former one as long as that has a place, because
/// the session may still have to be removed there.
pub(super) async fn again(tx: &mut Tx<'_>, vault: &Vault, channel: &mut Channel) -> Result<(), Error> {
    let Some(app) = app_of(&channel.kind).filter(|_| channel.state == ChannelState::Disconnected) else {
        return Ok(());
    };
    if given_by(&channel.kind, channel.app.is_some()).is_empty() {
        return Ok(());
    }
    let found = place(tx, vault, app, channel.app).await?.ok_or_else(|| full(app))?;
    channel.app = Some(found.id);
    channels::set_app(tx, channel).await?;
    Ok(())
}

async fn own_or_free(tx: &mut Tx<'_>, tenant: Uuid, kind: &dyn App) -> Result<ProviderApp, Error> {
    let family = kind.name();
    let own = apps::of_tenant(tx, tenant, family).await?;
    if let Some(own) = own.into_iter().find(|app| app.state == ProviderAppState::Assigned) {
        return Ok(own);
    }
    let free = apps::in_state(tx, family, ProviderAppState::Approved, FEW + 1).await?;
    let left = free.len() as i64 - i64::from(kind.is_for_one_tenant());
    let Some(mut app) = free.into_iter().next() else {
        return Err(Error::conflict(
            "no_app",
            format!(
                "no app of {family} is free: the operator of this installation adds one (Settings, Apps)"
            ),
        ));
    };
    if kind.is_for_one_tenant() {
        if !apps::assign(tx, app.id, tenant).await? {
            return Err(StoreError::Retry("an app was taken meanwhile".to_owned()).into());
        }
        (app.state, app.tenant) = (ProviderAppState::Assigned, Some(tenant));
        if left < FEW {
            tracing::warn!(family, left, "few apps of a provider are left for further tenants");
        }
    }
    Ok(app)
}

fn full(app: &dyn App) -> Error {
    Error::conflict(
        "no_place",
        format!(
            "all {} servers of this installation are full: its operator adds one (Settings, Apps), or give the address of \
             one of your own",
            app.name()
        ),
    )
}

/// The server `former` if it has a free place, otherwise the one with the most. `None`: the installation has no server of
/// this family.
async fn place(
    tx: &mut Tx<'_>,
    vault: &Vault,
    app: &dyn App,
    former: Option<Uuid>,
) -> Result<Option<ProviderApp>, Error> {
    let servers = apps::in_state(tx, app.name(), ProviderAppState::Approved, SERVERS).await?;
    if servers.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::with_capacity(servers.len());
    for server in servers {
        let capacity = app.capacity(&account(vault, &server)?).unwrap_or(i64::MAX);
        let left = capacity.saturating_sub(apps::taken(tx, server.id).await?);
        found.push((left, capacity, server));
    }
    // The oldest of equal ones.
    found.sort_by_key(|(left, _, server)| (Some(server.id) != former, std::cmp::Reverse(*left)));
    let all_left: i64 = found.iter().fold(0, |sum, (left, ..)| sum.saturating_add((*left).max(0)));
    if all_left <= FEW {
        tracing::warn!(
            family = app.name(),
            left = (all_left - 1).max(0),
            "few places are left on the servers of a provider"
        );
    }
    for (_, capacity, server) in found.into_iter().filter(|(left, ..)| *left > 0) {
        // Others may have taken places since they were counted.
        apps::hold(tx, server.id).await?;
        if apps::taken(tx, server.id).await? < capacity {
            return Ok(Some(server));
        }
    }
    Err(full(app))
}

/// The families of which channels can be connected on a server of the installation.
pub struct Families;

impl Verb for Families {
    type Out = Vec<&'static str>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut found = Vec::new();
        for app in adapters::apps().filter(|app| !app.gives().is_empty()) {
            if !apps::in_state(tx, app.name(), ProviderAppState::Approved, 1).await?.is_empty() {
                found.push(app.name());
            }
        }
        Ok(found)
    }
}
