//! Limits for the webhooks of one tenant that are under way: their number, the bytes of their bodies, and one core for long
//! bodies. Over a limit the webhook is answered 503, and the provider repeats it.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use uuid::Uuid;

/// Webhooks of a tenant that are parsed or wait for the writer.
const PLACES: usize = 512;
/// Bytes of their bodies and of the events parsed from them.
const BYTES: usize = 8 << 20;
/// Approximate bytes of an event.
const EVENT: usize = 1 << 10;
/// A body up to this size is parsed on the request's task: it takes less than a millisecond.
const SHORT: usize = 64 << 10;
/// Over this number of tenants, idle ones are removed.
const KNOWN: usize = 1_000;

pub struct Shares {
    tenants: Mutex<HashMap<Uuid, Weak<Share>>>,
    /// Long bodies that are parsed at a time, of all tenants: half of the cores.
    long: Arc<Semaphore>,
}

impl Default for Shares {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { tenants: Mutex::default(), long: Arc::new(Semaphore::new(cores.div_ceil(2))) }
    }
}

pub struct Share {
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// One long body of a tenant at a time.
    long: Semaphore,
    long_of_all: Arc<Semaphore>,
}

/// Held until the body is stored.
pub struct Place {
    _place: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Shares {
    pub fn of(&self, tenant: Uuid) -> Arc<Share> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = tenants.get(&tenant).and_then(Weak::upgrade) {
            return share;
        }
        if tenants.len() >= KNOWN {
            tenants.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(Share {
            places: Arc::new(Semaphore::new(PLACES)),
            bytes: Arc::new(Semaphore::new(BYTES)),
            long: Semaphore::new(1),
            long_of_all: Arc::clone(&self.long),
        });
        tenants.insert(tenant, Arc::downgrade(&share));
        share
    }
}

impl Share {
    /// `None`: the tenant is at its limit. A body over the limit of bytes is accepted alone.
    pub fn enter(&self, bytes: usize) -> Option<Place> {
        let bytes = u32::try_from(bytes.min(BYTES)).ok()?;
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?;
        Some(Place { _place: place, _bytes: bytes })
    }

    /// Charges the events of a body beyond the first: a short body can have a thousand. `None`: as above.
    pub fn more(&self, events: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from((events.saturating_sub(1) * EVENT).min(BYTES)).ok()?;
        Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()
    }

    /// Runs a parser over a body: on the request's task if the body is short, else on a blocking thread, one of a tenant
    /// at a time.
    ///
    /// # Errors
    /// The parser panicked.
    pub async fn look<T: Send + 'static>(
        &self,
        bytes: usize,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        if bytes <= SHORT {
            return Ok(look());
        }
        // Neither semaphore is ever closed.
        let _mine = self.long.acquire().await;
        let _one = self.long_of_all.acquire().await;
        spawn_blocking(look).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_places_and_bytes_and_others_have_theirs() {
        let shares = Shares::default();
        let (one, other) = (shares.of(Uuid::from_u128(1)), shares.of(Uuid::from_u128(2)));
        let mut places: Vec<_> = (0..PLACES).map(|_| one.enter(1_000)).collect();
        assert!(places.iter().all(Option::is_some) && one.enter(0).is_none());
        assert!(Arc::ptr_eq(&one, &shares.of(Uuid::from_u128(1))));
        places.clear();
        let half = one.enter(BYTES / 2).expect("half");
        let _second = one.enter(BYTES / 2).expect("the other half");
        assert!(one.enter(1).is_none());
        drop(half);
        assert!(one.enter(1).is_some() && other.enter(10 * BYTES).is_some());
        let held: Vec<_> = std::iter::from_fn(|| other.more(1_000)).take(100).collect();
        assert_eq!(held.len(), BYTES / (999 * EVENT));
        assert!(other.more(1).is_some());
    }

    #[test]
    fn tenants_with_nothing_going_on_are_forgotten() {
        let shares = Shares::default();
        let busy = shares.of(Uuid::nil());
        for number in 1..3 * KNOWN as u128 {
            drop(shares.of(Uuid::from_u128(number)));
        }
        assert!(shares.tenants.lock().expect("unpoisoned").len() <= KNOWN);
        assert!(Arc::ptr_eq(&busy, &shares.of(Uuid::nil())));
    }

    #[tokio::test]
    async fn long_bodies_of_a_tenant_wait_for_each_other_and_short_ones_do_not() {
        let shares = Shares::default();
        let share = shares.of(Uuid::nil());
        let held = share.long.acquire().await.expect("open");
        assert_eq!(share.look(SHORT, || 1).await.expect("short"), 1);
        let waiting = share.look(SHORT + 1, || 2);
        let mut waiting = std::pin::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(held);
        assert_eq!(waiting.await.expect("long"), 2);
    }
}
