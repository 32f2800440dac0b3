//! The hub's log reader over the stored events: the room `tenant:{id}` is that tenant's event log.

use std::sync::Arc;

use async_trait::async_trait;
use hub::{Log, LogError, LogPage, Top};
use uuid::Uuid;

use super::bridge::publication;
use crate::error::Error;
use crate::rooms;
use crate::store::{Store, Tx, Verb, events};

pub(super) struct FeedLog {
    store: Store,
}

impl FeedLog {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    fn page(page: events::Page) -> LogPage {
        let top = u64::try_from(page.top).unwrap_or_default();
        LogPage {
            epoch: page.epoch,
            top,
            oldest: u64::try_from(page.oldest).ok().filter(|oldest| *oldest > 0).unwrap_or(top + 1),
            publications: page.events.into_iter().map(publication).collect(),
        }
    }
}

/// The tenant of a durable room. The hub asks only for rooms to which the socket's rules admitted a session.
pub(crate) fn tenant_of(room: &str) -> Option<Uuid> {
    rooms::tenant_of(room)
}

fn refused(error: &Error) -> LogError {
    LogError(error.to_string())
}

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The epoch, and the newest cursor of each of these tenants.
struct Tops(Vec<Uuid>);

impl Verb for Tops {
    type Out = (String, Vec<i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok((events::epoch(tx).await?, events::tops(tx, &self.0).await?))
    }
}

#[async_trait]
impl Log for FeedLog {
    /// All with one statement.
    async fn tops(&self, rooms: &[Arc<str>]) -> Result<Vec<Option<Top>>, LogError> {
        let tenants: Vec<Option<Uuid>> = rooms.iter().map(|room| tenant_of(room)).collect();
        let read = self.store.read(Tops(tenants.iter().flatten().copied().collect())).await;
        let (epoch, tops) = read.map_err(|error| refused(&error))?;
        let (epoch, mut tops): (Arc<str>, _) = (epoch.into(), tops.into_iter());
        let top = |cursor: i64| Top {
            epoch: Arc::clone(&epoch),
            offset: u64::try_from(cursor).unwrap_or_default(),
        };
        Ok(tenants.into_iter().map(|tenant| tenant.and_then(|_| tops.next()).map(top)).collect())
    }

    async fn since(&self, room: &str, after: u64, limit: usize) -> Result<LogPage, LogError> {
        let tenant = tenant_of(room).ok_or_else(|| LogError(format!("{room} has no log")))?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let page = self.store.read(events::Since { tenant, after, limit: bounded(limit) }).await;
        Ok(Self::page(page.map_err(|error| refused(&error))?))
    }

    async fn before(&self, room: &str, before: Option<u64>, limit: usize) -> Result<LogPage, LogError> {
        let tenant = tenant_of(room).ok_or_else(|| LogError(format!("{room} has no log")))?;
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        let page = self.store.read(events::Before { tenant, before, limit: bounded(limit) }).await;
        Ok(Self::page(page.map_err(|error| refused(&error))?))
    }
}
