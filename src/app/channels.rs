//! Channels by webhook token and by id, with their opened secrets, remembered for a moment: a webhook
//! should not cost a read and a decryption. Another process's change is seen within two seconds.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use adapters::{Context, Event};
use uuid::Uuid;

use crate::accounts::{ChannelSecrets, Vault};
use crate::error::Error;
use crate::model::Channel;
use crate::store::{Store, channels, connections};

const FRESH_MS: i64 = 2_000;
const CAPACITY: usize = 10_000;

/// A channel with what is needed to talk to its provider.
pub struct Connected {
    pub channel: Arc<Channel>,
    pub secrets: ChannelSecrets,
    /// What its bodies are read with, as far as it was needed.
    context: Mutex<Arc<Context>>,
}

impl Connected {
    pub fn context(&self) -> Arc<Context> {
        Arc::clone(&self.context.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone)]
pub struct Channels {
    store: Store,
    vault: Arc<Vault>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    by_token: HashMap<String, (Arc<Connected>, i64)>,
    by_id: HashMap<(Uuid, Uuid), (Arc<Connected>, i64)>,
}

impl Channels {
    pub fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault, known: Arc::default() }
    }

    /// The channel that a webhook address belongs to.
    pub async fn by_token(&self, token: &str) -> Result<Option<Arc<Connected>>, Error> {
        if let Some(found) = self.fresh(|known| known.by_token.get(token).cloned()) {
            return Ok(Some(found));
        }
        let Some(channel) = self.store.read(channels::ByToken(token.to_owned())).await? else {
            return Ok(None);
        };
        Ok(Some(self.remember(channel)?))
    }

    pub async fn by_id(&self, tenant: Uuid, id: Uuid) -> Result<Option<Arc<Connected>>, Error> {
        if let Some(found) = self.fresh(|known| known.by_id.get(&(tenant, id)).cloned()) {
            return Ok(Some(found));
        }
        let Some(channel) = self.store.read(channels::ById { tenant, id }).await? else { return Ok(None) };
        Ok(Some(self.remember(channel)?))
    }

    /// Who owns the business connections of a channel. Asked for when a body names one that is not known yet, and the
    /// body is then read again: a channel without connections pays nothing, and the first message after a new one is
    /// read right.
    pub async fn owners(&self, connected: &Connected) -> Result<Arc<Context>, Error> {
        let Channel { tenant, id: channel, .. } = *connected.channel;
        let owners = Arc::new(self.store.read(connections::Owners { tenant, channel }).await?);
        *connected.context.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&owners);
        Ok(owners)
    }

    /// Drops what is remembered of a channel that changed.
    pub fn forget(&self, id: Uuid) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_id.retain(|(_, channel), _| *channel != id);
        known.by_token.retain(|_, (connected, _)| connected.channel.id != id);
    }

    fn fresh(&self, find: impl Fn(&Known) -> Option<(Arc<Connected>, i64)>) -> Option<Arc<Connected>> {
        let now = self.store.clock().now_ms();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        find(&known).filter(|(_, until)| now < *until).map(|(found, _)| found)
    }

    fn remember(&self, channel: Channel) -> Result<Arc<Connected>, Error> {
        let secrets = ChannelSecrets::open(&self.vault, &channel)?;
        let connected =
            Arc::new(Connected { channel: Arc::new(channel), secrets, context: Mutex::default() });
        let until = self.store.clock().now_ms() + FRESH_MS;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        put(&mut known.by_token, connected.channel.hook_token.clone(), &connected, until);
        put(&mut known.by_id, (connected.channel.tenant, connected.channel.id), &connected, until);
        Ok(connected)
    }
}

fn put<K: Eq + Hash>(
    map: &mut HashMap<K, (Arc<Connected>, i64)>,
    key: K,
    connected: &Arc<Connected>,
    until: i64,
) {
    if map.len() >= CAPACITY {
        map.clear();
    }
    map.insert(key, (Arc::clone(connected), until));
}

/// Whether the events of a body come through a business connection whose owner was not known when it was read.
pub fn names_unknown_owner(events: &[Event], known: &Context) -> bool {
    events.iter().any(|event| {
        let id = event.data.get("business_connection_id").and_then(serde_json::Value::as_str);
        id.is_some_and(|id| !known.business_connection_owner.contains_key(id))
    })
}
