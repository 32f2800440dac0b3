//! Which verbs of which tenants wait. A tenant has one transaction at a time, so a lane is either served by somebody
//! or not there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::ticket::Ticket;

/// Verbs that may wait in all; over it the caller is told that the store is busy.
const QUEUE: usize = 4096;
/// And for one tenant, which must not take every place.
const QUEUE_OF_TENANT: usize = 1024;
/// Verbs in one transaction at the most: bounds how long the first one waits for its commit.
const BATCH: usize = 128;

#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    empty: Notify,
}

#[derive(Default)]
struct State {
    waiting: usize,
    lanes: HashMap<Uuid, VecDeque<Box<dyn Ticket>>>,
    closed: bool,
}

impl Lanes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true`: nobody serves the tenant yet, so the caller has to.
    pub(super) fn push(&self, tenant: Uuid, ticket: Box<dyn Ticket>) -> Result<bool, StoreError> {
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Closed);
        }
        let of_tenant = state.lanes.get(&tenant).map_or(0, VecDeque::len);
        if state.waiting >= QUEUE || of_tenant >= QUEUE_OF_TENANT {
            return Err(StoreError::Busy);
        }
        state.waiting += 1;
        let is_new = !state.lanes.contains_key(&tenant);
        state.lanes.entry(tenant).or_default().push_back(ticket);
        Ok(is_new)
    }

    /// The next verbs of the tenant, in the order of their coming; nothing when none waits, and then nobody serves it
    /// any more.
    pub(super) fn take(&self, tenant: Uuid) -> Option<Vec<Box<dyn Ticket>>> {
        let mut state = self.state();
        let lane = state.lanes.get_mut(&tenant)?;
        let count = lane.len().min(BATCH);
        if count == 0 {
            state.lanes.remove(&tenant);
            if state.lanes.is_empty() {
                self.0.empty.notify_waiters();
            }
            return None;
        }
        let batch = lane.drain(..count).collect();
        state.waiting -= count;
        Some(batch)
    }

    /// Takes nothing new, and waits until what was taken is done.
    pub(super) async fn close(&self) {
        self.state().closed = true;
        loop {
            let empty = self.0.empty.notified();
            if self.state().lanes.is_empty() {
                return;
            }
            empty.await;
        }
    }
}
