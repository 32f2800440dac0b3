//! A cache of apps with their opened settings, so that a delivery to an app's address costs no read and no decryption. An
//! entry lives two seconds, so a change by another process is seen soon; what did not change is not decrypted again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapters::{Account, App};
use uuid::Uuid;

use super::apps;
use crate::error::Error;
use crate::model::{ProviderApp, ProviderAppState};
use crate::store::Store;
use crate::store::apps::{ById, OfFamily};
use crate::vault::Vault;

const FRESH_MS: i64 = 2_000;
const CAPACITY: usize = 10_000;

/// An app with its opened settings.
pub struct OpenedApp {
    pub kind: &'static dyn App,
    pub account: Account,
    family: String,
    /// What it was opened from.
    sealed: String,
}

type Timed<T> = (T, i64);

#[derive(Clone)]
pub struct AppCache {
    store: Store,
    vault: Arc<Vault>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    by_id: HashMap<Uuid, Timed<Arc<OpenedApp>>>,
    families: HashMap<&'static str, Timed<Arc<Family>>>,
}

/// The apps of a family that deliveries may come for.
#[derive(Default)]
pub struct Family {
    all: HashMap<Uuid, Arc<OpenedApp>>,
    by_addressee: HashMap<String, Vec<Arc<OpenedApp>>>,
}

impl Family {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The apps with one of these [names](App::addressee), whatever number of other apps there is.
    pub fn addressed(&self, names: &[String]) -> Vec<Arc<OpenedApp>> {
        names.iter().filter_map(|name| self.by_addressee.get(name)).flatten().cloned().collect()
    }
}

impl AppCache {
    pub fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault, known: Arc::default() }
    }

    /// An app of the family, whatever its state: a retired one still has channels.
    pub async fn by_id(&self, family: &str, id: Uuid) -> Result<Option<Arc<OpenedApp>>, Error> {
        let now = self.store.clock().now_ms();
        let old = self.locked().by_id.get(&id).cloned();
        let found = match old {
            Some((found, until)) if now < until => Some(found),
            old => {
                let Some(app) = self.store.read(ById(id)).await? else { return Ok(None) };
                let opened = self.open(&app, old.map(|(opened, _)| opened).as_ref())?;
                let mut known = self.locked();
                if known.by_id.len() >= CAPACITY && !known.by_id.contains_key(&id) {
                    known.by_id.clear();
                }
                known.by_id.insert(id, (Arc::clone(&opened), now + FRESH_MS));
                Some(opened)
            }
        };
        Ok(found.filter(|app| app.family == family))
    }

    /// All apps of a family to which deliveries may come without an app's id.
    pub async fn receiving(&self, family: &'static str) -> Result<Arc<Family>, Error> {
        let now = self.store.clock().now_ms();
        let old = {
            let mut known = self.locked();
            match known.families.get_mut(family) {
                Some((found, until)) if now < *until => return Ok(Arc::clone(found)),
                // One reads them anew; the others go on with what is known.
                Some((found, until)) => {
                    *until = now + FRESH_MS;
                    Some(Arc::clone(found))
                }
                None => None,
            }
        };
        let mut found = Family::default();
        for app in self.store.read(OfFamily(family)).await? {
            if matches!(app.state, ProviderAppState::Draft | ProviderAppState::Retired) {
                continue;
            }
            // One that is damaged costs the others nothing.
            match self.open(&app, old.as_ref().and_then(|old| old.all.get(&app.id))) {
                Ok(opened) => {
                    if let Some(name) = opened.kind.addressee(&opened.account) {
                        found.by_addressee.entry(name).or_default().push(Arc::clone(&opened));
                    }
                    found.all.insert(app.id, opened);
                }
                Err(error) => tracing::error!(%error, app = %app.id, "an app's settings cannot be opened"),
            }
        }
        let found = Arc::new(found);
        self.locked().families.insert(family, (Arc::clone(&found), now + FRESH_MS));
        Ok(found)
    }

    /// Removes everything, after an app changed.
    pub fn forget_all(&self) {
        *self.locked() = Known::default();
    }

    fn open(&self, app: &ProviderApp, old: Option<&Arc<OpenedApp>>) -> Result<Arc<OpenedApp>, Error> {
        if let Some(old) = old.filter(|old| old.sealed == app.sealed) {
            return Ok(Arc::clone(old));
        }
        let kind = apps::kind_of(&app.family)?;
        let account = apps::account(&self.vault, app)?;
        let (family, sealed) = (app.family.clone(), app.sealed.clone());
        Ok(Arc::new(OpenedApp { kind, account, family, sealed }))
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
