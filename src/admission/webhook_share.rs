//! Limits the webhooks of one tenant that are being processed: their number, the bytes of their bodies, and one core
//! for long bodies. Over a limit the webhook is answered 503, and the provider delivers it again.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use uuid::Uuid;

/// Webhooks of a tenant that are being parsed or wait for the writer.
const WEBHOOKS: usize = 512;
/// Bytes of their bodies and of the events parsed from them.
const BYTES: usize = 8 << 20;
/// Approximate bytes of an event.
const EVENT: usize = 1 << 10;
/// A body up to this size is parsed on the request's task: that takes less than a millisecond.
const SHORT: usize = 64 << 10;
/// Above this number of tenants, idle ones are removed.
const KNOWN: usize = 1_000;

pub struct WebhookShares {
    tenants: Mutex<HashMap<Uuid, Weak<WebhookShare>>>,
    /// Limits the long bodies of all tenants that are parsed at the same time to half of the cores.
    long: Arc<Semaphore>,
}

impl Default for WebhookShares {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { tenants: Mutex::default(), long: Arc::new(Semaphore::new(cores.div_ceil(2))) }
    }
}

pub struct WebhookShare {
    webhooks: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// One long body of a tenant at a time.
    long: Arc<Semaphore>,
    long_of_all: Arc<Semaphore>,
}

/// A body with its permits of the tenant's share. A request may be cancelled while its body is being parsed or waits
/// for the writer, so the permits are released with the last reference to the bytes.
struct HeldBody {
    body: Bytes,
    _permits: (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit),
}

impl AsRef<[u8]> for HeldBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl WebhookShares {
    pub fn of(&self, tenant: Uuid) -> Arc<WebhookShare> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = tenants.get(&tenant).and_then(Weak::upgrade) {
            return share;
        }
        if tenants.len() >= KNOWN {
            tenants.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(WebhookShare {
            webhooks: Arc::new(Semaphore::new(WEBHOOKS)),
            bytes: Arc::new(Semaphore::new(BYTES)),
            long: Arc::new(Semaphore::new(1)),
            long_of_all: Arc::clone(&self.long),
        });
        tenants.insert(tenant, Arc::downgrade(&share));
        share
    }
}

impl WebhookShare {
    /// The body, which holds its part of the tenant's share until it is dropped. `None`: the tenant is at its limit. A
    /// body larger than the limit of bytes is accepted when no other is held.
    pub fn enter(&self, body: Bytes) -> Option<Bytes> {
        let bytes = u32::try_from(body.len().min(BYTES)).ok()?;
        let place = Arc::clone(&self.webhooks).try_acquire_owned().ok()?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?;
        Some(Bytes::from_owner(HeldBody { body, _permits: (Some(place), bytes) }))
    }

    /// Charges the events of a body beyond the first: a short body can hold a thousand. `None`: the tenant is at its
    /// limit.
    pub fn more(&self, body: Bytes, events: usize) -> Option<Bytes> {
        if events <= 1 {
            return Some(body);
        }
        let bytes = u32::try_from(((events - 1) * EVENT).min(BYTES)).ok()?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?;
        Some(Bytes::from_owner(HeldBody { body, _permits: (None, bytes) }))
    }

    /// Runs a parser over a body: on the request's task if the body is short, else on a blocking thread, one per tenant
    /// at a time. If the request is cancelled, the parser runs to its end and keeps its permits until then.
    ///
    /// # Errors
    /// The parser panicked.
    pub async fn parse<T: Send + 'static>(
        &self,
        bytes: usize,
        parse: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        if bytes <= SHORT {
            return Ok(parse());
        }
        // Neither semaphore is ever closed.
        let mine = Arc::clone(&self.long).acquire_owned().await;
        let one = Arc::clone(&self.long_of_all).acquire_owned().await;
        spawn_blocking(move || {
            let _turns = (mine, one);
            parse()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_places_and_bytes_and_others_have_theirs() {
        let shares = WebhookShares::default();
        let (one, other) = (shares.of(Uuid::from_u128(1)), shares.of(Uuid::from_u128(2)));
        let body = |bytes| Bytes::from(vec![0; bytes]);
        let mut webhooks: Vec<_> = (0..WEBHOOKS).map(|_| one.enter(body(1_000))).collect();
        assert!(webhooks.iter().all(Option::is_some) && one.enter(body(0)).is_none());
        assert!(Arc::ptr_eq(&one, &shares.of(Uuid::from_u128(1))));
        webhooks.clear();
        let half = one.enter(body(BYTES / 2)).expect("half");
        let _second = one.enter(body(BYTES / 2)).expect("the other half");
        assert!(one.enter(body(1)).is_none());
        // A slice of the bytes keeps the permits.
        let elsewhere = half.slice(..1);
        drop(half);
        assert!(one.enter(body(1)).is_none());
        drop(elsewhere);
        assert!(one.enter(body(1)).is_some() && other.enter(body(10 * BYTES)).is_some());
        let held: Vec<_> = std::iter::from_fn(|| other.more(body(0), 1_000)).take(100).collect();
        assert_eq!(held.len(), BYTES / (999 * EVENT));
        assert!(other.more(body(0), 1).is_some());
    }

    #[test]
    fn tenants_with_nothing_going_on_are_forgotten() {
        let shares = WebhookShares::default();
        let busy = shares.of(Uuid::nil());
        for number in 1..3 * KNOWN as u128 {
            drop(shares.of(Uuid::from_u128(number)));
        }
        assert!(shares.tenants.lock().expect("unpoisoned").len() <= KNOWN);
        assert!(Arc::ptr_eq(&busy, &shares.of(Uuid::nil())));
    }

    #[tokio::test]
    async fn long_bodies_of_a_tenant_wait_for_each_other_and_short_ones_do_not() {
        let shares = WebhookShares::default();
        let share = shares.of(Uuid::nil());
        let held = share.long.acquire().await.expect("open");
        assert_eq!(share.parse(SHORT, || 1).await.expect("short"), 1);
        let waiting = share.parse(SHORT + 1, || 2);
        let mut waiting = std::pin::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(held);
        assert_eq!(waiting.await.expect("long"), 2);
    }

    #[tokio::test]
    async fn a_look_that_nobody_waits_for_has_its_turn_until_it_ends() {
        let shares = WebhookShares::default();
        let share = shares.of(Uuid::nil());
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (end, may_end) = std::sync::mpsc::sync_channel::<()>(1);
        let look = share.parse(SHORT + 1, move || {
            begun.send(()).expect("the test waits");
            may_end.recv()
        });
        tokio::select! {
            _ = look => panic!("it waits"),
            begun = has_begun => begun.expect("it begins"),
        }
        assert_eq!(share.long.available_permits(), 0, "given up, and still at work");
        end.send(()).expect("it waits");
        let _next = share.long.acquire().await.expect("open");
    }
}
