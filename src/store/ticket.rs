//! A queued verb with its type erased: what both engines queue, run and answer.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::event::{Committed, Effects};
use super::{StoreError, Tx, Verb};
use crate::error::Error;
use crate::telemetry::traces::{self, Trace};

pub(super) trait Ticket: Send {
    fn tenant(&self) -> Option<Uuid>;

    /// The tenant whose lock it needs.
    fn locked_tenant(&self) -> Option<Uuid>;

    /// Runs the verb and inserts its events; may be called again after a rollback.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Effects, Error>>;

    /// The changes of [`run`](Self::run) are durable: sends the result to the caller.
    fn committed(self: Box<Self>);

    /// The verb was rolled back: sends the error to the caller.
    fn refuse(self: Box<Self>, error: Error);
}

struct Waiting<V: Verb> {
    verb: V,
    trace: Option<Trace>,
    done: Option<Committed<V::Out>>,
    answer: oneshot::Sender<Result<Committed<V::Out>, Error>>,
}

/// Receives the result of a verb.
type Answer<V> = oneshot::Receiver<Result<Committed<<V as Verb>::Out>, Error>>;

/// Wraps a verb as a ticket of the current trace, with the receiver of its result.
pub(super) fn queue<V: Verb>(verb: V) -> (Box<dyn Ticket>, Answer<V>) {
    let (answer, wait) = oneshot::channel();
    (Box::new(Waiting { verb, trace: traces::current(), done: None, answer }), wait)
}

impl<V: Verb> Ticket for Waiting<V> {
    fn tenant(&self) -> Option<Uuid> {
        self.verb.tenant()
    }

    fn locked_tenant(&self) -> Option<Uuid> {
        self.verb.tenant().filter(|_| !self.verb.has_own_lock())
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Effects, Error>> {
        let locked = self.locked_tenant();
        let Self { verb, trace, done, .. } = self;
        let whole = async move {
            tx.begin_verb(locked, *trace);
            let value = verb.run(tx).await?;
            let effects = tx.finish().await?;
            let cursor = effects.events.last().map(|event| (event.tenant, event.cursor));
            *done = Some(Committed { value, cursor });
            Ok(effects)
        };
        let caught = AssertUnwindSafe(whole).catch_unwind();
        Box::pin(caught.map(|ran| ran.unwrap_or_else(|_| Err(panicked().into()))))
    }

    fn committed(self: Box<Self>) {
        let Self { done, answer, .. } = *self;
        let _ = answer.send(done.ok_or_else(|| panicked().into()));
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error));
    }
}

fn panicked() -> StoreError {
    StoreError::Engine("a verb panicked".to_owned())
}
