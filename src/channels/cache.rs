//! A cache of channels by webhook token and by id, with their opened secrets, so that a webhook costs no read and no
//! decryption. An entry lives two seconds, so a change by another process is seen within that time.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use adapters::{Client, Context, Event};
use uuid::Uuid;

use super::renew::{Keeper, Renewals};
use crate::channels::ChannelSecrets;
use crate::error::Error;
use crate::model::Channel;
use crate::store::{Store, Tx, Verb, channels, claims, connections};
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
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    /// For renewing credentials.
    pub(super) http: Client,
    pub(super) renewals: Arc<Mutex<Renewals>>,
    pub(super) known: Arc<Mutex<Known>>,
}

/// A provider, and an account of it.
type Claim = (&'static str, String);

#[derive(Default)]
pub(super) struct Known {
    by_token: HashMap<String, (Arc<Connected>, i64)>,
    by_id: HashMap<(Uuid, Uuid), (Arc<Connected>, i64)>,
    by_claim: HashMap<Claim, (Option<Arc<Connected>>, i64)>,
    /// Channels that have an account in common.
    sharing: HashMap<Claim, (Vec<(Uuid, Uuid)>, i64)>,
}

impl Known {
    pub(super) fn forget(&mut self, id: Uuid) {
        self.by_id.retain(|(_, channel), _| *channel != id);
        self.by_token.retain(|_, (connected, _)| connected.channel.id != id);
        self.by_claim.retain(|_, (connected, _)| connected.as_ref().is_some_and(|one| one.channel.id != id));
        self.sharing.clear();
    }
}

impl ChannelCache {
    pub fn new(store: Store, vault: Arc<Vault>, http: Client) -> Self {
        Self { store, vault, http, renewals: Arc::default(), known: Arc::default() }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The channel that a webhook address belongs to.
    pub async fn by_token(&self, token: &str) -> Result<Option<Arc<Connected>>, Error> {
        if let Some(found) = self.fresh(|known| known.by_token.get(token).cloned()) {
            return Ok(Some(found));
        }
        self.load(By::Token(token.to_owned())).await
    }

    pub async fn by_id(&self, tenant: Uuid, id: Uuid) -> Result<Option<Arc<Connected>>, Error> {
        if let Some(found) = self.fresh(|known| known.by_id.get(&(tenant, id)).cloned()) {
            return Ok(Some(found));
        }
        self.load(By::Id { tenant, id }).await
    }

    /// The channel that has an account of a provider, for deliveries that name nothing else. Only one whose provider
    /// confirmed it.
    pub async fn by_claim(
        &self,
        provider: &'static str,
        claim: &str,
    ) -> Result<Option<Arc<Connected>>, Error> {
        let key = (provider, claim.to_owned());
        if let Some(found) = self.fresh(|known| known.by_claim.get(&key).cloned()) {
            return Ok(found);
        }
        let found = self.load(By::Claim { provider, claim: claim.to_owned() }).await?;
        let until = self.store.clock().now_ms() + FRESH_MS;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Accounts that nobody has connected are remembered too: their provider goes on delivering.
        put(&mut known.by_claim, key, found.clone(), until);
        Ok(found)
    }

    /// The channels that a delivery about an account is for: the one that has it, or those that have it in common.
    pub async fn concerned(&self, provider: &'static str, claim: &str) -> Result<Vec<Arc<Connected>>, Error> {
        if let Some(one) = self.by_claim(provider, claim).await? {
            return Ok(vec![one]);
        }
        let key = (provider, claim.to_owned());
        let known = self.fresh(|known| known.sharing.get(&key).cloned());
        let ids = if let Some(ids) = known {
            ids
        } else {
            let ids = self.store.read(Sharing { provider, claim: claim.to_owned() }).await?;
            let until = self.store.clock().now_ms() + FRESH_MS;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            put(&mut known.sharing, key, ids.clone(), until);
            ids
        };
        let mut all = Vec::with_capacity(ids.len());
        for (tenant, id) in ids {
            all.extend(self.by_id(tenant, id).await?);
        }
        Ok(all)
    }

    /// Loads the owners of a channel's business connections. It is called when a body names a connection that is not in
    /// the context; the body is then parsed again. Channels without connections never pay for this.
    pub async fn owners(&self, connected: &Connected) -> Result<Arc<Context>, Error> {
        let Channel { tenant, id: channel, .. } = *connected.channel;
        let Context { business_connection_owner, .. } =
            self.store.read(connections::Owners { tenant, channel }).await?;
        let known = Context::clone(&connected.context());
        let owners = Arc::new(Context { business_connection_owner, ..known });
        *connected.context.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&owners);
        Ok(owners)
    }

    /// Removes a changed channel from the cache.
    pub fn forget(&self, id: Uuid) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).forget(id);
    }

    /// Removes what is known of the channels of a changed app.
    pub fn forget_all(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    fn fresh<T>(&self, find: impl Fn(&Known) -> Option<(T, i64)>) -> Option<T> {
        let now = self.store.clock().now_ms();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        find(&known).filter(|(_, until)| now < *until).map(|(found, _)| found)
    }

    async fn load(&self, by: By) -> Result<Option<Arc<Connected>>, Error> {
        let found = self.store.read(Find { by, vault: Arc::clone(&self.vault) }).await?;
        let Some((channel, mut secrets)) = found else { return Ok(None) };
        secrets.keeper = Some(Arc::new(Keeper::new(self, &channel, &secrets)));
        let context = Mutex::new(Arc::new(context_of(&channel, &secrets)));
        let connected = Arc::new(Connected { channel: Arc::new(channel), secrets, context });
        let until = self.store.clock().now_ms() + FRESH_MS;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        put(&mut known.by_token, connected.channel.hook_token.clone(), Arc::clone(&connected), until);
        put(
            &mut known.by_id,
            (connected.channel.tenant, connected.channel.id),
            Arc::clone(&connected),
            until,
        );
        Ok(Some(connected))
    }
}

enum By {
    Token(String),
    Id { tenant: Uuid, id: Uuid },
    Claim { provider: &'static str, claim: String },
}

/// Channels that have one account in common.
const MOST_SHARING: i64 = 200;

struct Sharing {
    provider: &'static str,
    claim: String,
}

impl Verb for Sharing {
    type Out = Vec<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(claims::sharing(tx, self.provider, &self.claim, MOST_SHARING).await?)
    }
}

/// A channel with its opened secrets, those of its app among them.
struct Find {
    by: By,
    vault: Arc<Vault>,
}

impl Verb for Find {
    type Out = Option<(Channel, ChannelSecrets)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = match &self.by {
            By::Token(token) => channels::by_token(tx, token).await?,
            By::Id { tenant, id } => channels::by_id(tx, *tenant, *id).await?,
            By::Claim { provider, claim } => match claims::holder(tx, provider, claim).await? {
                Some(holder) if holder.proved => channels::by_id(tx, holder.tenant, holder.channel).await?,
                _ => None,
            },
        };
        let Some(channel) = found else { return Ok(None) };
        let secrets = ChannelSecrets::load(tx, &self.vault, &channel).await?;
        Ok(Some((channel, secrets)))
    }
}

/// What the parser needs to know of the channel's account, without what is loaded when a body needs it.
pub fn context_of(channel: &Channel, secrets: &ChannelSecrets) -> Context {
    let text = |values: &BTreeMap<String, String>, name: &str| {
        values.get(name).map(|value| serde_json::Value::from(value.as_str()))
    };
    let own = |name: &str| text(&secrets.credentials, name);
    Context {
        page_id: own("page_id").filter(|_| channel.kind == "messenger"),
        our_app_id: text(&secrets.app, "app_id"),
        ig_account_id: own("account_id").filter(|_| channel.kind == "instagram"),
        known_phone_number_ids: own("phone_number_id").map(|number| vec![number]),
        mailbox: secrets.credentials.get("mailbox").cloned(),
        ..Context::default()
    }
}

fn put<K: Eq + Hash, V>(map: &mut HashMap<K, (V, i64)>, key: K, value: V, until: i64) {
    if map.len() >= CAPACITY {
        map.clear();
    }
    map.insert(key, (value, until));
}

/// Whether a body names a business connection that is not in the context it was parsed with.
pub fn names_unknown_owner(events: &[Event], known: &Context) -> bool {
    events.iter().filter_map(Event::connection).any(|id| !known.business_connection_owner.contains_key(id))
}
