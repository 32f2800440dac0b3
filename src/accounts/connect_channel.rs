//! Tells the provider where to deliver, and notes what it said about the account. The only verb here that leaves
//! the house: the provider is called between two transactions, never inside of one.

use std::sync::Arc;

use adapters::{AccountInfo, Client, HealthState, Hook, Provider};
use uuid::Uuid;

use super::access::Scope;
use super::channels::load;
use super::{ChannelSecrets, Vault, channel_claims};
use crate::error::Error;
use crate::model::Channel;
use crate::store::{Store, Tx, Verb, channels, claims};

/// Connects a channel's account; may be repeated at any time. `public_url` is where the provider reaches us.
pub async fn connect(
    store: &Store,
    vault: &Arc<Vault>,
    http: &Client,
    public_url: &str,
    scope: &Scope,
    id: Uuid,
) -> Result<Channel, Error> {
    let begin = Begin { scope: scope.clone(), id, vault: Arc::clone(vault) };
    let (channel, secrets) = match store.write(begin).await?.value {
        Begun::Taken => return Err(channel_claims::taken()),
        Begun::Ours { channel, secrets } => (channel, secrets),
    };
    let provider = provider_of(&channel)?;
    let account = secrets.account();
    let url = format!("{}/hooks/{}", public_url.trim_end_matches('/'), channel.hook_token);
    let hook = Hook { url: &url, secret: &secrets.hook_secret };
    let said = provider.connect(http, &account, &hook).await;
    let outcome = match &said {
        Ok(info) => Ok(info.clone()),
        Err(failure) => Err(failure.reason.clone()),
    };
    let noted = Note { scope: scope.clone(), id, vault: Arc::clone(vault), called: secrets, outcome };
    match (store.write(noted).await?.value, said) {
        (Noted::Done(channel), Ok(_)) => Ok(channel),
        (Noted::Done(_), Err(failure)) if failure.code == "session_taken" => Err(channel_claims::taken()),
        (Noted::Done(_), Err(failure)) => {
            Err(Error::conflict("connect_failed", format!("the provider refused: {}", failure.reason)))
        }
        (Noted::Taken, _) => {
            // The server told only now whose account it is. What comes by the webhook until it is off belongs to the
            // other channel, which gets it as well.
            if let Err(error) = provider.disconnect(http, &account, &url).await {
                tracing::warn!(channel = %channel.id, tenant = %channel.tenant, %error, "a webhook could not be taken off again");
            }
            Err(channel_claims::taken())
        }
        (Noted::Changed, _) => Err(Error::conflict(
            "changed_meanwhile",
            "the channel's credentials were changed while it was being connected: connect it again",
        )),
    }
}

fn provider_of(channel: &Channel) -> Result<&'static dyn Provider, Error> {
    adapters::provider(&channel.kind).ok_or_else(|| {
        Error::conflict("not_built", format!("channels of kind {} cannot be connected", channel.kind))
    })
}

/// Takes the account before the provider is called, so that nobody is joined whose account it is.
struct Begin {
    scope: Scope,
    id: Uuid,
    vault: Arc<Vault>,
}

enum Begun {
    Ours { channel: Channel, secrets: ChannelSecrets },
    Taken,
}

impl Verb for Begin {
    type Out = Begun;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Begun, Error> {
        let channel = load(tx, &self.scope, self.id).await?;
        let provider = provider_of(&channel)?;
        let secrets = ChannelSecrets::open(&self.vault, &channel)?;
        if channel_claims::claim(tx, &channel, &channel_claims::of(provider, &secrets), false).await? {
            return Ok(Begun::Ours { channel, secrets });
        }
        channel_claims::note_health(tx, channel, "degraded", channel_claims::TAKEN.to_owned()).await?;
        Ok(Begun::Taken)
    }
}

struct Note {
    scope: Scope,
    id: Uuid,
    vault: Arc<Vault>,
    /// What the provider was called with.
    called: ChannelSecrets,
    outcome: Result<AccountInfo, String>,
}

enum Noted {
    Done(Channel),
    /// The account is another channel's.
    Taken,
    /// The channel has other credentials by now, of which nothing is known.
    Changed,
}

impl Verb for Note {
    type Out = Noted;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Noted, Error> {
        let mut channel = load(tx, &self.scope, self.id).await?;
        let mut secrets = ChannelSecrets::open(&self.vault, &channel)?;
        if secrets.credentials != self.called.credentials {
            return Ok(Noted::Changed);
        }
        let (state, detail) = match &self.outcome {
            Ok(info) => {
                let told: Vec<_> = info.claim.iter().cloned().collect();
                if !channel_claims::claim(tx, &channel, &told, true).await? {
                    channel_claims::note_health(tx, channel, "down", channel_claims::TAKEN.to_owned())
                        .await?;
                    return Ok(Noted::Taken);
                }
                claims::prove(tx, channel.id).await?;
                secrets.external_id = Some(info.external_id.clone());
                channel.sealed = secrets.seal(&self.vault, channel.id)?;
                channels::update(tx, &channel).await?;
                (health_word(info.health.state), info.health.detail.clone())
            }
            Err(reason) => ("down", reason.clone()),
        };
        Ok(Noted::Done(channel_claims::note_health(tx, channel, state, detail).await?))
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
