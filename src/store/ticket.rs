//! A verb that waits for a writer, without its type: what both engines queue, run and answer.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::event::{Committed, Effects};
use super::{StoreError, Tx, Verb};
use crate::error::Error;

pub(super) trait Ticket: Send {
    fn tenant(&self) -> Option<Uuid>;

    /// Runs the verb and its last act, the events; may be called again after the transaction was undone.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Effects, Error>>;

    /// What [`run`](Self::run) did is durable: the caller gets the verb's result.
    fn committed(self: Box<Self>);

    /// Nothing of it happened.
    fn refuse(self: Box<Self>, error: Error);
}

struct Waiting<V: Verb> {
    verb: V,
    done: Option<Committed<V::Out>>,
    answer: oneshot::Sender<Result<Committed<V::Out>, Error>>,
}

/// Where the answer to a verb will be.
type Answer<V> = oneshot::Receiver<Result<Committed<<V as Verb>::Out>, Error>>;

/// The verb as a ticket, and where its answer will be.
pub(super) fn queue<V: Verb>(verb: V) -> (Box<dyn Ticket>, Answer<V>) {
    let (answer, wait) = oneshot::channel();
    (Box::new(Waiting { verb, done: None, answer }), wait)
}

impl<V: Verb> Ticket for Waiting<V> {
    fn tenant(&self) -> Option<Uuid> {
        self.verb.tenant()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Effects, Error>> {
        let Self { verb, done, .. } = self;
        let whole = async move {
            tx.begin_verb(verb.tenant());
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
