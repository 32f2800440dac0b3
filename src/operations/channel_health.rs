//! How a channel is and how it fared.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{At, page_size};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::ChannelHealth;
use crate::store::channel_health::{self, HealthEntry};
use crate::store::{Tx, Verb, channels};

#[derive(Deserialize, ToSchema)]
pub struct HealthQuery {
    /// 50, and at most 200.
    limit: Option<i64>,
    /// `next` of the page before.
    before: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct HealthPage {
    /// How it is now; nothing: it was never connected.
    health: Option<ChannelHealth>,
    /// Each change, newest first.
    entries: Vec<HealthEntry>,
    next: Option<Uuid>,
}

pub(super) struct LoadHistory {
    scope: Scope,
    channel: Uuid,
    before: Option<Uuid>,
    limit: i64,
}

impl Verb for LoadHistory {
    type Out = (Option<ChannelHealth>, Vec<HealthEntry>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.scope.tenant();
        let channel = channels::by_id(tx, tenant, self.channel).await?.ok_or(Error::NotFound("channel"))?;
        let entries = channel_health::page(tx, (tenant, self.channel), self.before, self.limit).await?;
        Ok((channel.health, entries))
    }
}

pub async fn health(at: At, query: HealthQuery) -> Result<HealthPage, Error> {
    let limit = page_size(query.limit, 50, 200);
    let verb = LoadHistory { scope: at.scope, channel: at.id, before: query.before, limit };
    let (health, entries) = at.app.store.read_anywhere(verb).await?;
    let next = entries.last().filter(|_| entries.len() as i64 == limit).map(|entry| entry.id);
    Ok(HealthPage { health, entries, next })
}
