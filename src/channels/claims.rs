//! An account of a provider belongs to one channel of the installation: a second channel would read what its customers
//! write. The refusal says nothing about the first channel.
//!
//! Between tenants only a proved claim counts, one for which the account's server has answered: otherwise typing an
//! account's name would block its owner. An unproved claim goes to the last channel that asked; the first that connects
//! proves it.

use std::sync::Arc;

use adapters::Provider;
use uuid::Uuid;

use super::{ChannelSecrets, health};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::{Channel, ChannelHealth, ChannelState};
use crate::store::claims::{self, Holder};
use crate::store::{Store, StoreError, Tx, Verb, channels};
use crate::vault::Vault;

pub(super) const TAKEN: &str = "this account is connected to another channel already";

/// The error for a second channel of an account.
pub(super) fn taken() -> Error {
    Error::conflict("account_taken", TAKEN)
}

/// The accounts that the secrets name.
pub(super) fn of(provider: &dyn Provider, secrets: &ChannelSecrets) -> Vec<String> {
    provider.claims(&secrets.account())
}

/// Claims the accounts for the channel. `false`, without any change, if another channel has one of them.
pub(super) async fn claim(
    tx: &mut Tx<'_>,
    scope: &Scope,
    channel: &Channel,
    wanted: &[String],
    proved: bool,
) -> Result<bool, Error> {
    let mut found = Vec::with_capacity(wanted.len());
    for claim in wanted {
        let holder = claims::holder(tx, &channel.kind, claim).await?;
        if holder.as_ref().is_some_and(|holder| holds(holder, channel, scope)) {
            return Ok(false);
        }
        found.push((claim, holder));
    }
    for (claim, holder) in found {
        match holder {
            None => claims::insert(tx, channel, claim, proved).await?,
            Some(holder) if holder.channel == channel.id => {}
            Some(holder) => {
                if !claims::take(tx, channel, claim, holder.channel, proved).await? {
                    return Err(StoreError::Retry("an account changed hands meanwhile".to_owned()).into());
                }
            }
        }
    }
    Ok(true)
}

/// Whether the holder of a claim keeps it from this channel.
fn holds(holder: &Holder, channel: &Channel, scope: &Scope) -> bool {
    let is_same_tenant = holder.tenant == channel.tenant;
    if holder.channel == channel.id {
        false
    } else if holder.state == ChannelState::Disabled && (is_same_tenant || scope.operates()) {
        // A tenant frees an account by pausing its channel. An operator may do so for any tenant, because a tenant's own
        // server may have answered for an account that is not the tenant's.
        false
    } else {
        is_same_tenant || holder.proved
    }
}

/// Frees the channel's claims and claims these accounts.
pub(super) async fn move_to(
    tx: &mut Tx<'_>,
    scope: &Scope,
    channel: &Channel,
    wanted: &[String],
) -> Result<(), Error> {
    claims::free(tx, channel.id).await?;
    if claim(tx, scope, channel, wanted, false).await? { Ok(()) } else { Err(taken()) }
}

/// Claims the accounts of channels that were created before claims existed. Of several channels of one account the oldest
/// gets the claim; the others keep working, and their health says why they cannot be connected again.
pub async fn claim_existing(store: &Store, vault: &Arc<Vault>) -> anyhow::Result<()> {
    loop {
        let waiting = store.read(Unclaimed).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for (id, tenant) in waiting {
            store.write(ClaimExisting { id, tenant, vault: Arc::clone(vault) }).await?;
        }
    }
}

struct Unclaimed;

impl Verb for Unclaimed {
    type Out = Vec<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(claims::unclaimed(tx).await?)
    }
}

struct ClaimExisting {
    id: Uuid,
    tenant: Uuid,
    vault: Arc<Vault>,
}

impl Verb for ClaimExisting {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(channel) = channels::by_id(tx, self.id).await? else { return Ok(()) };
        claims::note(tx, &channel).await?;
        // Secrets that cannot be opened cannot be used to connect either.
        let (Some(provider), Ok(secrets)) =
            (adapters::provider(&channel.kind), ChannelSecrets::open(&self.vault, &channel))
        else {
            return Ok(());
        };
        let proved = secrets.external_id.is_some();
        let scope = Scope::system(channel.tenant);
        if !claim(tx, &scope, &channel, &of(provider, &secrets), proved).await? {
            tracing::warn!(channel = %channel.id, tenant = %channel.tenant, "the account is claimed by another channel");
            // Not `down`: it still sends.
            note_health(tx, channel, "degraded", format!("{TAKEN}, so this one cannot be connected anew"))
                .await?;
        }
        Ok(())
    }
}

/// Stores and announces a channel's health.
pub(super) async fn note_health(
    tx: &mut Tx<'_>,
    mut channel: Channel,
    state: &str,
    detail: String,
) -> Result<Channel, Error> {
    let health = ChannelHealth { state: state.to_owned(), detail: Some(detail), at: tx.now() };
    health::note(tx, &mut channel, health).await?;
    Ok(channel)
}
