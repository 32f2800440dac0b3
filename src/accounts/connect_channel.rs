//! Tells the provider where to deliver, or to deliver no more, and notes what it said about the account. What here
//! leaves the house does so between two transactions, never inside of one.

use std::sync::Arc;

use adapters::{AccountInfo, Client, HealthState, Hook, Provider, Words};
use uuid::Uuid;

use super::access::Scope;
use super::channels::{UpdateChannel, load};
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
    let (channel, secrets) = store.write(begin).await?.value.ok_or_else(channel_claims::taken)?;
    let provider = provider_of(&channel)?;
    let account = secrets.account();
    let url = hook_url(public_url, &channel);
    let hook = Hook { url: &url, secret: &secrets.hook_secret };
    let said = provider.connect(http, &account, &hook).await;
    let outcome = match &said {
        Ok(info) => Ok(info.clone()),
        Err(failure) => Err(failure.reason.clone()),
    };
    let noted = Note { scope: scope.clone(), id, vault: Arc::clone(vault), called: secrets, outcome };
    match (store.write(noted).await?.value, said) {
        (Noted::Done(channel), Ok(_)) => Ok(*channel),
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

/// Changes a channel. One that moves to another address or account takes its webhook off at the former one, so that whoever
/// connects that next does not find it taken; a former one that does not answer keeps nobody from moving.
pub async fn change(
    store: &Store,
    http: &Client,
    public_url: &str,
    verb: UpdateChannel,
) -> Result<Channel, Error> {
    let (scope, id, vault) = (verb.scope.clone(), verb.id, Arc::clone(&verb.vault));
    let may_move = verb.changes.credentials.is_some();
    let before = if may_move { Some(store.read(Load { scope, id }).await?) } else { None };
    let channel = store.write(verb).await?.value;
    if let Some(before) = before {
        leave(http, public_url, &vault, &before, &channel).await?;
    }
    Ok(channel)
}

async fn leave(
    http: &Client,
    public_url: &str,
    vault: &Vault,
    before: &Channel,
    after: &Channel,
) -> Result<(), Error> {
    let (old, new) = (ChannelSecrets::open(vault, before)?, ChannelSecrets::open(vault, after)?);
    // A new secret is what a move makes.
    if old.hook_secret == new.hook_secret || old.external_id.is_none() {
        return Ok(());
    }
    let url = hook_url(public_url, before);
    if let Err(error) = provider_of(before)?.disconnect(http, &old.account(), &url).await {
        tracing::warn!(channel = %before.id, tenant = %before.tenant, %error, "the webhook at the former address stays");
    }
    Ok(())
}

fn hook_url(public_url: &str, channel: &Channel) -> String {
    format!("{}/hooks/{}", public_url.trim_end_matches('/'), channel.hook_token)
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

impl Verb for Begin {
    /// Nothing: the account is another channel's.
    type Out = Option<(Channel, ChannelSecrets)>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let channel = load(tx, &self.scope, self.id).await?;
        let provider = provider_of(&channel)?;
        let secrets = ChannelSecrets::open(&self.vault, &channel)?;
        let wanted = channel_claims::of(provider, &secrets);
        if channel_claims::claim(tx, &self.scope, &channel, &wanted, false).await? {
            return Ok(Some((channel, secrets)));
        }
        channel_claims::note_health(tx, channel, "degraded", channel_claims::TAKEN.to_owned()).await?;
        Ok(None)
    }
}

struct Note {
    scope: Scope,
    id: Uuid,
    vault: Arc<Vault>,
    /// What the provider was called with.
    called: ChannelSecrets,
    outcome: Result<AccountInfo, Words>,
}

enum Noted {
    Done(Box<Channel>),
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
                // Another may have connected it meanwhile: who is written down first as connected has it.
                let mut wanted = channel_claims::of(provider_of(&channel)?, &secrets);
                wanted.extend(info.claim.clone());
                if !channel_claims::claim(tx, &self.scope, &channel, &wanted, true).await? {
                    channel_claims::note_health(tx, channel, "down", channel_claims::TAKEN.to_owned())
                        .await?;
                    return Ok(Noted::Taken);
                }
                claims::prove(tx, &channel).await?;
                secrets.external_id = Some(info.external_id.clone());
                channel.sealed = secrets.seal(&self.vault, channel.id)?;
                channels::update(tx, &channel).await?;
                (health_word(info.health.state), info.health.detail.clone())
            }
            Err(reason) => ("down", reason.clone()),
        };
        let channel = channel_claims::note_health(tx, channel, state, detail.into()).await?;
        Ok(Noted::Done(Box::new(channel)))
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
