//! The consumer that brings messages to the history beside the store. What it writes there comes before its cursor moves, so
//! the cursor says what is safe there, by which messages may leave the store (`store/history.rs`). It clears nothing: what left
//! the store is nowhere else. A new message replaces an older state of it, so filling in again is enough.

use uuid::Uuid;

use super::consumers::{Consumer, Filled};
use crate::error::Error;
use crate::history::History;
use crate::store::{Event, Tx, history};

pub struct HistoryFeed(pub History);

impl Consumer for HistoryFeed {
    const NAME: &'static str = history::CONSUMER;
    const VERSION: i64 = history::VERSION;
    type Effects = ();

    fn prepare(&self, _: &[Event]) -> Result<(), Error> {
        Ok(())
    }

    async fn deliver(&self, tenant: Uuid, events: &[Event], (): &()) -> Result<(), Error> {
        self.0.apply(tenant, events).await
    }

    async fn fill_outside(&self, tenant: Uuid, before: Uuid) -> Result<Option<Filled>, Error> {
        Ok(Some(Filled(self.0.fill(tenant, before).await?)))
    }

    async fn apply(&self, _: &mut Tx<'_>, _: Uuid, (): &(), _: Option<Uuid>) -> Result<(), Error> {
        Ok(())
    }

    async fn clear(&self, _: &mut Tx<'_>, _: Uuid) -> Result<bool, Error> {
        Ok(true)
    }

    async fn fill(&self, _: &mut Tx<'_>, _: Uuid, before: Uuid) -> Result<Option<Uuid>, Error> {
        Ok(Some(before))
    }
}
