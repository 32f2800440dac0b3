//! Registers and removes webhooks at the provider, and stores what it says about the account. Every call to a provider is
//! between two transactions, never inside one.

use std::sync::Arc;

use adapters::{AccountInfo, Client, ConnectFailure, Hook, Provider, Remedy};
use uuid::Uuid;

use super::health::{self, Finding};
use super::settings::{UpdateChannel, load};
use super::{ChannelSecrets, claims, news, pause, pool};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::{Channel, ChannelState, HealthCause, HealthLevel};
use crate::store::{self, Store, Tx, Verb, channels, looks};
use crate::vault::Vault;

/// After connecting, while a provider still starts.
const FIRST_LOOK_MS: i64 = 60_000;

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
    let (channel, secrets) = store.write(begin).await?.value.ok_or_else(claims::taken)?;
    let provider = provider_of(&channel)?;
    let account = secrets.account();
    let url = hook_url(public_url, &channel);
    let hook = Hook { url: &url, secret: &secrets.hook_secret };
    let said = provider.connect(http, &account, &hook).await;
    let outcome = match &said {
        Ok(info) => Ok(info.clone()),
        Err(failure) => Err(failure.clone()),
    };
    let noted = Note { scope: scope.clone(), id, vault: Arc::clone(vault), called: secrets, outcome };
    match (store.write(noted).await?.value, said) {
        (Noted::Done(channel), Ok(_)) => Ok(*channel),
        (Noted::Done(_), Err(failure)) if failure.code == "session_taken" => Err(claims::taken()),
        (Noted::Done(_), Err(failure)) => Err(refusal(&failure)),
        (Noted::Taken, _) => {
            // Only the answer tells whose account it is: the webhook is removed again. The other channel gets the same
            // deliveries, so nothing is lost meanwhile.
            if let Err(error) = provider.disconnect(http, &account, &url).await {
                tracing::warn!(channel = %channel.id, tenant = %channel.tenant, %error, "a webhook could not be removed again");
            }
            Err(claims::taken())
        }
        (Noted::Changed, _) => Err(Error::conflict(
            "changed_meanwhile",
            "the channel's credentials were changed while it was being connected: connect it again",
        )),
    }
}

/// What is told of a provider that did not do what it was asked. Silence is no refusal.
pub(super) fn refusal(failure: &ConnectFailure) -> Error {
    let reason = &failure.reason;
    if failure.is_unreached() {
        Error::conflict("not_reached", format!("the provider could not be reached: {reason}"))
    } else if failure.is_unanswered() {
        Error::conflict("not_answered", format!("the provider did not answer: {reason}"))
    } else if failure.is_unasked() {
        Error::conflict("bad_settings", format!("{reason}: sign in again, or give the channel's credentials"))
    } else if failure.retryable {
        Error::conflict("not_now", format!("the provider cannot do this now: {reason}"))
    } else {
        Error::conflict("connect_failed", format!("the provider refused: {reason}"))
    }
}

/// What a failed attempt to connect says about a channel; nothing, if it is no news.
fn of_failure(failure: &ConnectFailure, channel: &Channel, was_connected: bool) -> Option<Finding> {
    if !failure.is_unanswered() {
        let reason = Some(failure.reason.clone().into());
        let found = Finding::new(HealthLevel::Down, HealthCause::ConnectFailed, reason);
        let remedy = if failure.retryable { Remedy::Connect } else { Remedy::CheckCredentials };
        return Some(found.remedy(remedy));
    }
    // A call without an answer proves nothing about an account that was connected.
    let health = channel.health.as_ref().filter(|_| was_connected);
    let level = match health {
        Some(health) if !health.is_blocked() => HealthLevel::Degraded,
        Some(health) if !health.is(HealthCause::ConnectFailed) => return None,
        _ => HealthLevel::Down,
    };
    Some(Finding::new(level, HealthCause::Unreachable, None).remedy(Remedy::Connect))
}

/// Changes a channel. If its address or account changes, the webhook at the former one is removed, so that the next owner
/// does not find the account taken. A former server that does not answer does not stop the change.
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
        leave(store, http, public_url, &vault, &before, &channel).await?;
    }
    Ok(channel)
}

async fn leave(
    store: &Store,
    http: &Client,
    public_url: &str,
    vault: &Arc<Vault>,
    before: &Channel,
    after: &Channel,
) -> Result<(), Error> {
    let old = store.read(LoadSecrets { vault: Arc::clone(vault), channel: before.clone() }).await?;
    let new = ChannelSecrets::open(vault, after)?;
    // A new webhook secret means that the address or the account changed.
    if old.hook_secret == new.hook_secret || old.external_id.is_none() {
        return Ok(());
    }
    let url = hook_url(public_url, before);
    if let Err(error) = provider_of(before)?.disconnect(http, &old.account(), &url).await {
        tracing::warn!(channel = %before.id, tenant = %before.tenant, %error, "the webhook at the former address could not be removed");
    }
    Ok(())
}

pub(crate) fn hook_url(public_url: &str, channel: &Channel) -> String {
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

struct LoadSecrets {
    vault: Arc<Vault>,
    channel: Channel,
}

impl Verb for LoadSecrets {
    type Out = ChannelSecrets;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ChannelSecrets, Error> {
        ChannelSecrets::load(tx, &self.vault, &self.channel).await
    }
}

fn provider_of(channel: &Channel) -> Result<&'static dyn Provider, Error> {
    adapters::provider(&channel.kind).ok_or_else(|| {
        Error::conflict("not_built", format!("channels of kind {} cannot be connected", channel.kind))
    })
}

/// Claims the account before the provider is called, so that another channel's account is never connected.
struct Begin {
    scope: Scope,
    id: Uuid,
    vault: Arc<Vault>,
}

impl Verb for Begin {
    /// `None`: the account is claimed by another channel.
    type Out = Option<(Channel, ChannelSecrets)>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut channel = load(tx, &self.scope, self.id).await?;
        let provider = provider_of(&channel)?;
        pool::again(tx, &self.vault, &mut channel).await?;
        let secrets = ChannelSecrets::load(tx, &self.vault, &channel).await?;
        let wanted = claims::of(provider, &secrets);
        if claims::claim(tx, &self.scope, &channel, &wanted, false).await? {
            return Ok(Some((channel, secrets)));
        }
        claims::note_taken(tx, &mut channel, HealthLevel::Degraded).await?;
        Ok(None)
    }
}

struct Note {
    scope: Scope,
    id: Uuid,
    vault: Arc<Vault>,
    /// The secrets that the provider was called with.
    called: ChannelSecrets,
    outcome: Result<AccountInfo, ConnectFailure>,
}

enum Noted {
    Done(Box<Channel>),
    /// The account is claimed by another channel.
    Taken,
    /// The channel's credentials changed during the call, so the answer says nothing about them.
    Changed,
}

impl Verb for Note {
    type Out = Noted;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Noted, Error> {
        let mut channel = load(tx, &self.scope, self.id).await?;
        let mut secrets = ChannelSecrets::load(tx, &self.vault, &channel).await?;
        if secrets.credentials != self.called.credentials {
            return Ok(Noted::Changed);
        }
        let provider = provider_of(&channel)?;
        let found = match &self.outcome {
            Ok(info) => {
                // Another channel may have connected the account during the call: the first proved claim wins.
                let mut wanted = claims::of(provider, &secrets);
                wanted.extend(info.claim.clone());
                if !claims::claim(tx, &self.scope, &channel, &wanted, true).await? {
                    claims::note_taken(tx, &mut channel, HealthLevel::Down).await?;
                    return Ok(Noted::Taken);
                }
                if let Some(account) = &info.claim {
                    claims::keep_only(tx, &channel, account).await?;
                }
                store::claims::prove(tx, &channel).await?;
                let account = secrets.account();
                let subscription = provider.subscription(&account);
                let shared = provider.shared(&account);
                store::claims::share(tx, &channel, &shared, subscription.as_deref()).await?;
                secrets.external_id = Some(info.external_id.clone());
                channel.sealed = secrets.seal(&self.vault, channel.id)?;
                let was_disconnected = channel.state == ChannelState::Disconnected;
                if was_disconnected {
                    channel.state = ChannelState::Active;
                }
                channels::update(tx, &channel).await?;
                if was_disconnected {
                    // Its queue and its turns go on.
                    pause::changed(tx, &channel).await?;
                }
                news::ask(tx, &channel).await?;
                let first_at = tx.now() + FIRST_LOOK_MS;
                looks::begin(tx, (channel.tenant, channel.id), first_at).await?;
                let detail = Some(info.health.detail.clone().into());
                Some(Finding::of_provider(provider, info.health.state, detail))
            }
            Err(failure) => of_failure(failure, &channel, secrets.external_id.is_some()),
        };
        if let Some(found) = found {
            let now = tx.now();
            health::note(tx, &mut channel, found, now).await?;
        }
        Ok(Noted::Done(Box::new(channel)))
    }
}
