//! The waiting verbs, one lane per tenant. A tenant has one transaction at a time, so a lane exists only while a task
//! serves it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::ticket::Ticket;

/// The most verbs that may wait in all lanes; beyond it the caller gets [`StoreError::Busy`].
const QUEUE: usize = 4096;
/// The most verbs that may wait for one tenant, so that it cannot fill the queue.
const QUEUE_OF_TENANT: usize = 1024;
/// The most verbs in one transaction; bounds how long the first one waits for its commit.
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

    /// Queues a verb. `true`: no task serves the tenant yet, and the caller must start one.
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

    /// The next verbs of the tenant, in order of arrival. `None` when none waits: the lane is removed, and the
    /// serving task must end.
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

    /// Accepts no more verbs, and waits until the accepted ones have run.
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
