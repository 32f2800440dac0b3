//! Credentials that run out are renewed before they are used. One renewal of a channel runs at a time in a process; on
//! another node the last one wins, and both tokens hold. What a call had to renew on its way is stored as well.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use adapters::{KeepRenewed, Provider, Remedy, Renewed, SendError};
use uuid::Uuid;

use super::ChannelSecrets;
use super::cache::{ChannelCache, Connected, Known};
use super::health::{self, Finding};
use crate::error::Error;
use crate::model::{Channel, HealthCause, HealthLevel};
use crate::store::{Store, Tx, Verb, channels};
use crate::vault::Vault;

/// After a failed renewal the next is not tried for so long.
const PAUSE_MS: i64 = 30_000;

/// The renewals under way, and when the last one of a channel failed.
#[derive(Default)]
pub(super) struct Renewals {
    running: std::collections::HashMap<Uuid, Weak<tokio::sync::Mutex<i64>>>,
}

impl Renewals {
    fn of(&mut self, channel: Uuid) -> Arc<tokio::sync::Mutex<i64>> {
        if let Some(running) = self.running.get(&channel).and_then(Weak::upgrade) {
            return running;
        }
        self.running.retain(|_, one| one.strong_count() > 0);
        let new = Arc::new(tokio::sync::Mutex::new(0));
        self.running.insert(channel, Arc::downgrade(&new));
        new
    }
}

impl ChannelCache {
    /// The channel with credentials that hold. If they cannot be renewed now, those that there are: the provider says what
    /// is wrong with them.
    pub async fn ready(&self, tenant: Uuid, id: Uuid) -> Result<Option<Arc<Connected>>, Error> {
        let Some(connected) = self.by_id(tenant, id).await? else { return Ok(None) };
        if !self.is_due(&connected) {
            return Ok(Some(connected));
        }
        let turn = self.renewals.lock().unwrap_or_else(PoisonError::into_inner).of(id);
        let mut failed_at = turn.lock().await;
        // Another call may have renewed them meanwhile.
        let Some(connected) = self.by_id(tenant, id).await? else { return Ok(None) };
        let now = self.store.clock().now_ms();
        if !self.is_due(&connected) || now < *failed_at + PAUSE_MS {
            return Ok(Some(connected));
        }
        match self.renew(&connected, now).await? {
            Ok(()) => {
                self.forget(id);
                self.by_id(tenant, id).await
            }
            Err(error) => {
                *failed_at = now;
                tracing::warn!(channel = %id, %tenant, %error, "a channel's credentials cannot be renewed");
                Ok(Some(connected))
            }
        }
    }

    fn is_due(&self, connected: &Connected) -> bool {
        let now = self.store.clock().now_ms();
        let expiry = adapters::provider(&connected.channel.kind)
            .and_then(|provider| provider.expiry(&connected.secrets.account()));
        expiry.is_some_and(|expiry| !expiry.needs_person && expiry.renew_at_ms <= now)
    }

    async fn renew(&self, connected: &Connected, now: i64) -> Result<Result<(), SendError>, Error> {
        let Some(provider) = adapters::provider(&connected.channel.kind) else { return Ok(Ok(())) };
        let outcome = provider.renew(&self.http, &connected.secrets.account(), now).await;
        let (tenant, channel) = (connected.channel.tenant, connected.channel.id);
        match outcome {
            Ok(renewed) => {
                let was = connected.secrets.credentials.clone();
                let (vault, settings) = (Arc::clone(&self.vault), credentials_of(provider, renewed));
                self.store.write(Keep { vault, tenant, channel, was, settings }).await?;
                Ok(Ok(()))
            }
            Err(error) if error.retryable => Ok(Err(error)),
            Err(error) => {
                let reason = error.reason.to_string();
                self.store.write(NeedsPerson { tenant, channel, reason }).await?;
                Ok(Err(error))
            }
        }
    }
}

/// What was renewed, as far as it is credentials.
fn credentials_of(provider: &dyn Provider, renewed: Renewed) -> BTreeMap<String, String> {
    let known: Vec<_> = provider.credentials().iter().map(|field| field.name).collect();
    renewed.settings.into_iter().filter(|(name, _)| known.contains(&name.as_str())).collect()
}

/// Stores what calls with a channel's credentials renew on their way.
pub(super) struct Keeper {
    store: Store,
    vault: Arc<Vault>,
    /// The cache holds this one.
    known: Weak<Mutex<Known>>,
    kind: String,
    tenant: Uuid,
    channel: Uuid,
    was: BTreeMap<String, String>,
}

impl Keeper {
    pub(super) fn new(cache: &ChannelCache, channel: &Channel, secrets: &ChannelSecrets) -> Self {
        Self {
            store: cache.store.clone(),
            vault: Arc::clone(&cache.vault),
            known: Arc::downgrade(&cache.known),
            kind: channel.kind.clone(),
            tenant: channel.tenant,
            channel: channel.id,
            was: secrets.credentials.clone(),
        }
    }
}

impl KeepRenewed for Keeper {
    fn now_ms(&self) -> i64 {
        self.store.clock().now_ms()
    }

    fn keep(&self, renewed: Renewed) {
        let Some(provider) = adapters::provider(&self.kind) else { return };
        let (store, known, channel) = (self.store.clone(), Weak::clone(&self.known), self.channel);
        let keep = Keep {
            vault: Arc::clone(&self.vault),
            tenant: self.tenant,
            channel,
            was: self.was.clone(),
            settings: credentials_of(provider, renewed),
        };
        tokio::spawn(async move {
            match store.write(keep).await {
                // Also when another call was faster: those that are remembered do not hold any more.
                Ok(_) => {
                    if let Some(known) = known.upgrade() {
                        known.lock().unwrap_or_else(PoisonError::into_inner).forget(channel);
                    }
                }
                Err(error) => tracing::warn!(%error, %channel, "renewed credentials cannot be stored"),
            }
        });
    }
}

/// Keeps what was renewed, unless the credentials were changed meanwhile.
struct Keep {
    vault: Arc<Vault>,
    tenant: Uuid,
    channel: Uuid,
    was: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
}

impl Verb for Keep {
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let Some(mut channel) = channels::by_id(tx, self.tenant, self.channel).await? else {
            return Ok(false);
        };
        let mut secrets = ChannelSecrets::open(&self.vault, &channel)?;
        if secrets.credentials != self.was {
            return Ok(false);
        }
        secrets.credentials.extend(self.settings.clone());
        channel.sealed = secrets.seal(&self.vault, channel.id)?;
        channels::update(tx, &channel).await?;
        Ok(true)
    }
}

struct NeedsPerson {
    tenant: Uuid,
    channel: Uuid,
    reason: String,
}

impl Verb for NeedsPerson {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(mut channel) = channels::by_id(tx, self.tenant, self.channel).await? else { return Ok(()) };
        let now = tx.now();
        let found =
            Finding::new(HealthLevel::NeedsAttention, HealthCause::Expired, Some(self.reason.clone()));
        health::note(tx, &mut channel, found.remedy(Remedy::SignIn), now).await?;
        Ok(())
    }
}
