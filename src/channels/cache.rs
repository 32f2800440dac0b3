//! A cache of channels by webhook token and by id, with their opened secrets, so that a webhook costs no read and no
//! decryption. An entry lives two seconds, so a change by another process is seen within that time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use adapters::{Context, Event};
use uuid::Uuid;

use crate::channels::ChannelSecrets;
use crate::error::Error;
use crate::model::Channel;
use crate::store::{Store, channels, connections};
use crate::vault::Vault;

const FRESH_MS: i64 = 2_000;
const CAPACITY: usize = 10_000;

/// A channel with what is needed to talk to its provider.
pub struct Connected {
    pub channel: Arc<Channel>,
    pub secrets: ChannelSecrets,
    /// The context for parsing its bodies; loaded when a body needs it.
    context: Mutex<Arc<Context>>,
}

impl Connected {
    pub fn context(&self) -> Arc<Context> {
        Arc::clone(&self.context.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone)]
pub struct ChannelCache {
    store: Store,
    vault: Arc<Vault>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    by_token: HashMap<String, (Arc<Connected>, i64)>,
    by_id: HashMap<(Uuid, Uuid), (Arc<Connected>, i64)>,
}

impl ChannelCache {
    pub fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault, known: Arc::default() }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
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

    /// Loads the owners of a channel's business connections. It is called when a body names a connection that is not in
    /// the context; the body is then parsed again. Channels without connections never pay for this.
    pub async fn owners(&self, connected: &Connected) -> Result<Arc<Context>, Error> {
        let Channel { tenant, id: channel, .. } = *connected.channel;
        let owners = Arc::new(self.store.read(connections::Owners { tenant, channel }).await?);
        *connected.context.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&owners);
        Ok(owners)
    }

    /// Removes a changed channel from the cache.
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

/// Whether a body names a business connection that is not in the context it was parsed with.
pub fn names_unknown_owner(events: &[Event], known: &Context) -> bool {
    events.iter().filter_map(Event::connection).any(|id| !known.business_connection_owner.contains_key(id))
}
