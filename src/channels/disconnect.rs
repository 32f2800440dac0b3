//! Disconnects a channel: at once here, and at the provider by a job, because a provider that does not answer does not stop it.
//! Conversations stay; what waits to be sent is held until the channel is connected again.

use std::sync::Arc;

use adapters::Provider;
use uuid::Uuid;

use super::health::{self, Finding};
use super::settings::load;
use super::{ChannelSecrets, pause};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::{Channel, ChannelState, HealthCause, HealthLevel};
use crate::store::jobs::{self, DisconnectChannel, Slot};
use crate::store::{Tx, Verb, channels, claims, looks};
use crate::vault::{Vault, random_token};

pub struct Disconnect {
    pub scope: Scope,
    pub vault: Arc<Vault>,
    pub id: Uuid,
}

impl Verb for Disconnect {
    type Out = Channel;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        let mut channel = load(tx, &self.scope, self.id).await?;
        if channel.state == ChannelState::Disconnected {
            return Ok(channel);
        }
        channel.state = ChannelState::Disconnected;
        let mut secrets = ChannelSecrets::open(&self.vault, &channel)?;
        // What is delivered until the provider has taken the webhook off is refused.
        secrets.hook_secret = random_token("")?;
        channel.sealed = secrets.seal(&self.vault, channel.id)?;
        channels::update(tx, &channel).await?;
        pause::changed(tx, &channel).await?;
        claims::free(tx, &channel).await?;
        looks::end(tx, (channel.tenant, channel.id)).await?;
        let lane = format!("disconnect:{}", channel.id);
        let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: 0 };
        jobs::push(tx, &slot, &DisconnectChannel { channel: channel.id }).await?;
        note(tx, &mut channel, None).await?;
        Ok(channel)
    }
}

/// Notes that a channel is disconnected, and what its provider said to that.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    channel: &mut Channel,
    refusal: Option<String>,
) -> Result<(), Error> {
    let now = tx.now();
    let found = Finding::new(HealthLevel::Down, HealthCause::Disconnected, refusal);
    health::note(tx, channel, found, now).await?;
    Ok(())
}

/// Forgets what signing in again gives anew. What a person typed stays, so that the channel can be connected again.
pub(crate) fn forget_tokens(provider: &dyn Provider, secrets: &mut ChannelSecrets) {
    if provider.sign_in().is_some() {
        let secret = |name: &String| {
            provider.credentials().iter().any(|field| field.secret && field.name == name.as_str())
        };
        secrets.credentials.retain(|name, _| !secret(name));
    }
    secrets.external_id = None;
}
