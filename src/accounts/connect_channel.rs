//! Tells the provider where to deliver, and notes what it said about the account. The only verb here that leaves
//! the house: the provider is called between two transactions, never inside of one.

use std::sync::Arc;

use adapters::{AccountInfo, Client, HealthState, Hook, Words};
use uuid::Uuid;

use super::access::Scope;
use super::channels::load;
use super::{ChannelSecrets, Vault};
use crate::error::Error;
use crate::inbox::announce;
use crate::model::{Channel, ChannelHealth};
use crate::store::{Store, Tx, Verb, Wake, channels};

/// Connects a channel's account; may be repeated at any time. `public_url` is where the provider reaches us.
pub async fn connect(
    store: &Store,
    vault: &Arc<Vault>,
    http: &Client,
    public_url: &str,
    scope: &Scope,
    id: Uuid,
) -> Result<Channel, Error> {
    let channel = store.read(Load { scope: scope.clone(), id }).await?;
    let provider = adapters::provider(&channel.kind).ok_or_else(|| {
        Error::conflict("not_built", format!("channels of kind {} cannot be connected", channel.kind))
    })?;
    let secrets = ChannelSecrets::open(vault, &channel)?;
    let url = format!("{}/hooks/{}", public_url.trim_end_matches('/'), channel.hook_token);
    let hook = Hook { url: &url, secret: &secrets.hook_secret };
    let said = provider.connect(http, &secrets.account(), &hook).await;
    let outcome = match &said {
        Ok(info) => Ok(info.clone()),
        Err(failure) => Err(failure.reason.clone()),
    };
    let noted = Note { scope: scope.clone(), id, vault: Arc::clone(vault), outcome };
    let channel = store.write(noted).await?.value;
    match said {
        Ok(_) => Ok(channel),
        Err(failure) => {
            Err(Error::conflict("connect_failed", format!("the provider refused: {}", failure.reason)))
        }
    }
}

struct Load {
    scope: Scope,
    id: Uuid,
}

impl Verb for Load {
    type Out = Channel;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        load(tx, &self.scope, self.id).await
    }
}

struct Note {
    scope: Scope,
    id: Uuid,
    vault: Arc<Vault>,
    outcome: Result<AccountInfo, Words>,
}

impl Verb for Note {
    type Out = Channel;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        let mut channel = load(tx, &self.scope, self.id).await?;
        let (state, detail) = match &self.outcome {
            Ok(info) => {
                let mut secrets = ChannelSecrets::open(&self.vault, &channel)?;
                secrets.external_id = Some(info.external_id.clone());
                channel.sealed = secrets.seal(&self.vault, channel.id)?;
                channels::update(tx, &channel).await?;
                (health_word(info.health.state), info.health.detail.clone())
            }
            Err(reason) => ("down", reason.clone()),
        };
        channel.health =
            Some(ChannelHealth { state: state.to_owned(), detail: Some(detail.into()), at: tx.now() });
        channels::set_health(tx, &channel).await?;
        announce::channel(tx, &channel)?;
        tx.wake(Wake::Channel(channel.id));
        Ok(channel)
    }
}

/// The provider's state of an account in the words of a channel's health.
pub const fn health_word(state: HealthState) -> &'static str {
    match state {
        HealthState::Up => "ok",
        HealthState::Starting | HealthState::NeedsPerson => "degraded",
        HealthState::Down => "down",
    }
}
