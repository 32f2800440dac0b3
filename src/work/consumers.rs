//! Consumers of the feed: whatever follows what happened, outside of the transaction in which it happened. A consumer has a
//! durable cursor in each tenant; the effects of a batch of events and the new cursor are one transaction, so each event
//! has its effects exactly once. A commit wakes it; nothing else of it is in the way of a message.
//!
//! To add a consumer: a type with `impl Consumer` in a file of `work/`, its tables in `store/`, and a line in
//! [`Consumers::start`]. A change of what it stores is a new `VERSION`: it then clears and fills itself again.

mod follow;
mod schedule;
mod step;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use super::Env;
use super::history_feed::HistoryFeed;
use super::search_index::SearchIndex;
use crate::error::Error;
use crate::store::{Event, Tx};

pub use step::{Step, step};

/// Something that follows the feed. It runs for each tenant apart, and a tenant in which it fails does not stop the
/// others.
pub trait Consumer: Send + Sync + 'static {
    /// The name in `consumer_cursors` and in metrics.
    const NAME: &'static str;
    /// Another version begins anew in every tenant.
    const VERSION: i64;
    /// What the events come to, before anything is locked.
    type Effects: Send + Sync + 'static;

    /// Computes the effects of events. It uses no database, and runs outside of the transaction, which holds the
    /// consumer's lock in the tenant; on SQLite it has the one writer.
    fn prepare(&self, events: &[Event]) -> Result<Self::Effects, Error>;

    /// Brings the effects of events to what is outside of the database, before `apply` writes the rest with the cursor. Nothing
    /// is locked. It may run again for the same events, in two processes at a time, and after later ones: that must change
    /// nothing more.
    fn deliver(
        &self,
        _tenant: Uuid,
        _events: &[Event],
        _effects: &Self::Effects,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// As [`Self::fill`], for what is outside of the database, and by the same rules as [`Self::deliver`]. `None`: it fills in
    /// its transactions.
    fn fill_outside(
        &self,
        _tenant: Uuid,
        _before: Uuid,
    ) -> impl Future<Output = Result<Option<Filled>, Error>> + Send {
        async { Ok(None) }
    }

    /// Writes the effects, to tables that nobody changes without the consumer's lock; the new cursor is written in the same
    /// transaction. What lies below `unfilled` is still to be filled in, and is read then as it is by then.
    fn apply(
        &self,
        tx: &mut Tx<'_>,
        tenant: Uuid,
        effects: &Self::Effects,
        unfilled: Option<Uuid>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes some of what it stored in a tenant; `true` when nothing is left.
    fn clear(&self, tx: &mut Tx<'_>, tenant: Uuid) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Takes in some of what was stored before it followed, from below `before` down. Returns where it goes on; `None` when
    /// all is taken in.
    fn fill(
        &self,
        tx: &mut Tx<'_>,
        tenant: Uuid,
        before: Uuid,
    ) -> impl Future<Output = Result<Option<Uuid>, Error>> + Send;
}

/// Where filling goes on; `None`: all is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled(pub Option<Uuid>);

/// Wakes the consumers of this process.
#[derive(Default)]
pub struct Consumers {
    woken: Mutex<Vec<Arc<Woken>>>,
}

/// The tenants with events that a consumer has not been told of yet, each with its newest cursor.
#[derive(Default)]
struct Woken {
    tenants: Mutex<HashMap<Uuid, i64>>,
    notify: Notify,
}

impl Woken {
    fn add(&self, tenant: Uuid, cursor: i64) {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, cursor);
        self.notify.notify_one();
    }

    fn take(&self) -> HashMap<Uuid, i64> {
        std::mem::take(&mut self.tenants.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Consumers {
    /// Starts the consumers of this configuration.
    pub fn start(&self, env: &Arc<Env>) {
        if env.config.search.enabled {
            self.follow(env, SearchIndex);
        }
        if env.history.is_beside() {
            self.follow(env, HistoryFeed(env.history.clone()));
        }
    }

    /// Starts one consumer.
    pub fn follow<C: Consumer>(&self, env: &Arc<Env>, consumer: C) {
        let woken = Arc::new(Woken::default());
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&woken));
        env.tasks.spawn(follow::run(Arc::clone(env), Arc::new(consumer), woken));
    }

    /// A tenant has events up to this cursor. Never blocks.
    pub fn wake(&self, tenant: Uuid, cursor: i64) {
        for woken in self.woken.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            woken.add(tenant, cursor);
        }
    }
}
