//! A short-lived cache of access by caller, which every call looks up, and the watch that notices changes made by other
//! processes (the command line, other nodes).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::access::Access;
use super::token::Verified;
use super::{Accounts, LoadAccess};
use crate::error::Error;
use crate::store::{Tx, Verb, accounts};
use crate::vault;

/// How long an access may be used after it was read.
const FRESH_MS: i64 = 2_000;
const CAPACITY: usize = 10_000;
const WATCH_EVERY: Duration = Duration::from_secs(2);
/// The watch reads changes of the last 15 seconds again: a change is stamped before its commit, by another clock.
const OVERLAP_MS: i64 = 15_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Session(Uuid, Uuid),
    Digest(String),
}

#[derive(Default)]
struct Inner {
    known: HashMap<Key, (Arc<Access>, i64)>,
    /// Increased by every invalidation: an access that was read before it is not cached.
    generation: u64,
}

#[derive(Default)]
pub(super) struct Rights {
    inner: Mutex<Inner>,
    /// Changes that were already reported in this process: the user or key, and the stamp of the change.
    told: Mutex<HashMap<Uuid, i64>>,
}

impl Rights {
    fn get(&self, key: &Key, now_ms: i64) -> Result<Arc<Access>, u64> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.known.get(key) {
            Some((access, until)) if now_ms < *until => Ok(Arc::clone(access)),
            _ => Err(inner.generation),
        }
    }

    fn put(&self, key: Key, access: &Arc<Access>, now_ms: i64, generation: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.generation != generation {
            return;
        }
        if inner.known.len() >= CAPACITY {
            inner.known.retain(|_, (_, until)| now_ms < *until);
            if inner.known.len() >= CAPACITY {
                inner.known.clear();
            }
        }
        inner.known.insert(key, (Arc::clone(access), now_ms + FRESH_MS));
    }

    fn forget(&self, id: Uuid) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.generation += 1;
        inner.known.retain(|_, (access, _)| access.identity.id() != id);
    }
}

impl Accounts {
    /// The caller of an access token, and the token's claims.
    pub async fn by_token(&self, token: &str) -> Result<(Arc<Access>, Verified), Error> {
        let verified = self.tokens.verify(token, self.clock.now_ms())?;
        let key = Key::Session(verified.user, verified.session);
        let Verified { user, session, .. } = verified;
        let load = LoadAccess::Session { user, session, max_ms: self.session_max_ms };
        let access = self.look_up(key, load).await?.ok_or(Error::Unauthenticated("the session has ended"))?;
        Ok((access, verified))
    }

    /// The caller of an API key.
    pub async fn by_key(&self, key: &str) -> Result<Arc<Access>, Error> {
        let digest = vault::token_digest(key);
        let known = self.look_up(Key::Digest(digest.clone()), LoadAccess::Key { digest }).await?;
        known.ok_or(Error::Unauthenticated("the API key is not valid"))
    }

    /// The current access of a user, without a session; `None` if the account is disabled.
    pub async fn of_user(&self, user: Uuid) -> Result<Option<Access>, Error> {
        self.store.read(LoadAccess::User(user)).await
    }

    /// Removes a user or an API key from the cache, because its rights changed.
    pub fn forget(&self, id: Uuid) {
        self.rights.forget(id);
    }

    async fn look_up(&self, key: Key, load: LoadAccess) -> Result<Option<Arc<Access>>, Error> {
        let now = self.clock.now_ms();
        let generation = match self.rights.get(&key, now) {
            Ok(access) => return Ok(Some(access)),
            Err(generation) => generation,
        };
        let access = self.store.read(load).await?.map(Arc::new);
        if let Some(access) = &access {
            self.rights.put(key, access, now, generation);
        }
        Ok(access)
    }

    /// Records a change made by this process, so that the watch does not report it again.
    pub fn told(&self, user: Uuid, at: i64) {
        self.rights.told.lock().unwrap_or_else(PoisonError::into_inner).insert(user, at);
    }

    /// Until `stop`: every two seconds reads whose rights changed, removes them from the cache, and calls `changed`,
    /// which ends or narrows the live sessions. Changes of this process are also reported by
    /// [`crate::store::Wake::Rights`].
    pub async fn watch(&self, stop: CancellationToken, changed: impl Fn(Uuid) + Send) {
        let mut since = self.clock.now_ms();
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let now = self.clock.now_ms();
            match self.store.read(ChangedRights { after: since - OVERLAP_MS }).await {
                Ok(found) => {
                    let told = || self.rights.told.lock().unwrap_or_else(PoisonError::into_inner);
                    for (id, at) in found {
                        let news = told().insert(id, at) != Some(at);
                        if news {
                            self.forget(id);
                            changed(id);
                        }
                    }
                    told().retain(|_, at| *at > now - 4 * OVERLAP_MS);
                    since = now;
                }
                Err(error) => tracing::warn!(%error, "cannot read changed rights"),
            }
        }
    }
}

struct ChangedRights {
    after: i64,
}

impl Verb for ChangedRights {
    type Out = Vec<(Uuid, i64)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(accounts::changed_rights(tx, self.after).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::Identity;
    use super::*;

    fn access(id: Uuid) -> Arc<Access> {
        let (identity, name) = (Identity::User(id), "Ann".to_owned());
        Arc::new(Access { identity, name, email: None, platform_role: None, grants: Vec::new() })
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered() {
        let (rights, id) = (Rights::default(), Uuid::from_u128(1));
        let key = Key::Session(id, Uuid::nil());
        let before = rights.get(&key, 0).expect_err("not known yet");
        rights.forget(id);
        rights.put(key.clone(), &access(id), 0, before);
        let now = rights.get(&key, 0).expect_err("it may be stale");
        rights.put(key.clone(), &access(id), 0, now);
        assert!(rights.get(&key, FRESH_MS - 1).is_ok());
        assert!(rights.get(&key, FRESH_MS).is_err(), "only for a moment");
        rights.forget(id);
        assert!(rights.get(&key, 0).is_err());
    }
}
