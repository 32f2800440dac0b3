//! An account of a provider belongs to one channel of the installation: a second channel would read what its customers
//! write. The refusal says nothing about the first channel.
//!
//! Between tenants only a proved claim counts, one for which the account's server has answered: otherwise typing an
//! account's name would block its owner. An unproved claim goes to the last channel that asked; the first that connects
//! proves it.

use adapters::{Provider, Remedy};

use super::ChannelSecrets;
use super::health::{self, Finding};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::{Channel, ChannelState, HealthCause, HealthLevel};
use crate::store::claims::{self, Holder};
use crate::store::{StoreError, Tx};

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
    } else if holder.state != ChannelState::Active && (is_same_tenant || scope.operates()) {
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
    claims::free(tx, channel).await?;
    if claim(tx, scope, channel, wanted, false).await? { Ok(()) } else { Err(taken()) }
}

/// Whether the credentials that led to `claim` lead to `account` instead: a claim is a word for what it names, a colon and the
/// name.
fn is_former(claim: &str, account: &str) -> bool {
    let (word, other) = (claim.split(':').next(), account.split(':').next());
    claim != account && word == other
}

/// After a person connected the channel with `account`: it has the former ones no more.
pub(super) async fn keep_only(tx: &mut Tx<'_>, channel: &Channel, account: &str) -> Result<(), Error> {
    for claim in claims::held(tx, channel).await?.iter().filter(|claim| is_former(claim, account)) {
        claims::release(tx, channel, claim).await?;
    }
    Ok(())
}

/// What it means that the credentials lead to `account` now, which nobody was asked about: a phone may have been linked at the
/// provider's own page. Nothing if it is the account that the channel was connected with, or its first one.
pub(crate) async fn judge_account(
    tx: &mut Tx<'_>,
    channel: &Channel,
    account: &str,
) -> Result<Option<Finding>, Error> {
    let held = claims::held(tx, channel).await?;
    if held.iter().any(|claim| claim == account) {
        return Ok(None);
    }
    if !held.iter().any(|claim| is_former(claim, account)) {
        let is_free = claim(tx, &Scope::system(channel.tenant), channel, &[account.to_owned()], true).await?;
        let taken = || Finding::new(HealthLevel::Down, HealthCause::AccountTaken, Some(TAKEN.to_owned()));
        return Ok((!is_free).then(taken));
    }
    let name = account.split_once(':').map_or(account, |(_, name)| name).to_owned();
    let found = Finding::new(HealthLevel::NeedsAttention, HealthCause::OtherAccount, Some(name));
    Ok(Some(found.remedy(Remedy::Connect)))
}

/// Notes that another channel has the account.
pub(super) async fn note_taken(
    tx: &mut Tx<'_>,
    channel: &mut Channel,
    level: HealthLevel,
) -> Result<(), Error> {
    let now = tx.now();
    let found = Finding::new(level, HealthCause::AccountTaken, Some(TAKEN.to_owned()));
    health::note(tx, channel, found, now).await?;
    Ok(())
}
