//! An account of a provider belongs to one channel of the installation. Whoever has a channel on it reads what its
//! customers write, so a second one is refused, without a word about the first.
//!
//! Between tenants only a claim counts that the account's server has answered for: what somebody typed keeps an account
//! from nobody. Until then it is written down for the last who asked, and who connects first has it.

use adapters::Provider;

use super::{ChannelSecrets, Scope};
use crate::error::Error;
use crate::inbox::health;
use crate::model::{Channel, ChannelHealth, ChannelState};
use crate::store::claims::{self, Holder};
use crate::store::{StoreError, Tx};

pub(super) const TAKEN: &str = "this account is connected to another channel already";

/// What a second channel of an account is answered.
pub(super) fn taken() -> Error {
    Error::conflict("account_taken", TAKEN)
}

/// The accounts that the settings name.
pub(super) fn of(provider: &dyn Provider, secrets: &ChannelSecrets) -> Vec<String> {
    provider.claims(&secrets.account())
}

/// Takes the accounts for the channel. False, and nothing is changed, when another has one of them.
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

/// Whether an account is kept from this channel.
fn holds(holder: &Holder, channel: &Channel, scope: &Scope) -> bool {
    let is_same_tenant = holder.tenant == channel.tenant;
    if holder.channel == channel.id {
        false
    } else if holder.state == ChannelState::Disabled && (is_same_tenant || scope.operates()) {
        // A tenant moves its account by pausing the channel that has it, an operator that of any tenant: a server of its
        // owner's choosing may have answered for what is not the owner's.
        false
    } else {
        is_same_tenant || holder.proved
    }
}

/// Lets go of what the channel had, and takes the accounts that it is about now.
pub(super) async fn move_to(
    tx: &mut Tx<'_>,
    scope: &Scope,
    channel: &Channel,
    wanted: &[String],
) -> Result<(), Error> {
    claims::free(tx, channel).await?;
    if claim(tx, scope, channel, wanted, false).await? { Ok(()) } else { Err(taken()) }
}

/// Writes a channel's health and shows it.
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
