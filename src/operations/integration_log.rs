//! The integration log: what providers posted, with its outcome, and its replay after a fix. Bodies are shown without
//! the texts of messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{At, Caller, page_size};
use crate::accounts::Scope;
use crate::error::Error;
use crate::inbox::receive;
use crate::store::envelopes::{self, LogEntry};
use crate::store::{Tx, Verb};

#[derive(Deserialize, ToSchema)]
pub struct LogQuery {
    tenant: Uuid,
    /// Only of this channel.
    channel: Option<Uuid>,
    /// 50, and at most 200.
    limit: Option<i64>,
    /// `next` of the page before.
    before: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct LogPage {
    /// Newest first.
    entries: Vec<LogEntry>,
    next: Option<Uuid>,
}

pub(super) struct ListEntries {
    scope: Scope,
    channel: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
}

impl Verb for ListEntries {
    type Out = Vec<LogEntry>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(envelopes::page(tx, self.scope.tenant(), self.channel, self.before, self.limit).await?)
    }
}

pub async fn list(caller: Caller, query: LogQuery) -> Result<LogPage, Error> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 50, 200);
    let verb = ListEntries { scope, channel: query.channel, before: query.before, limit };
    let entries = caller.app.store.read_anywhere(verb).await?;
    let next = entries.last().filter(|_| entries.len() as i64 == limit).map(|entry| entry.id);
    Ok(LogPage { entries, next })
}

pub async fn replay(at: At) -> Result<Replayed, Error> {
    let done = receive::replay(&at.app.store, &at.app.vault, at.scope, at.id).await?;
    Ok(Replayed { outcome: done.outcome, applied: done.applied })
}

#[derive(Serialize, ToSchema)]
pub struct Replayed {
    /// `events`, `ignored` or `unparsable`.
    outcome: &'static str,
    /// Events that changed something now.
    applied: i64,
}
