//! The history of the channels' health: a row for each change.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::retention::BATCH;
use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Channel, ChannelHealth, HealthLevel};

const INSERT: &str = "insert into channel_health (tenant, channel, id, at, state, code, detail, action) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const PAGE: &str = "select id, at, state, code, detail, action from channel_health \
    where tenant = $1 and channel = $2 and id < $3 order by id desc limit $4";
const OLD: &str = "select tenant, channel, id from channel_health where at < $1 order by at limit $2";
const REMOVE: &str = "delete from channel_health where tenant = $1 and channel = $2 and id = $3";

pub const ALL: &[&str] = &[INSERT, PAGE, OLD, REMOVE];

/// A change of a channel's health.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HealthEntry {
    pub id: Uuid,
    /// Since when.
    pub at: i64,
    pub state: HealthLevel,
    /// As in the channel's `health`.
    pub code: Option<String>,
    pub detail: Option<String>,
    pub action: Option<String>,
}

impl FromRow for HealthEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            at: columns.take()?,
            state: columns.word()?,
            code: columns.take()?,
            detail: columns.take()?,
            action: columns.take()?,
        })
    }
}

pub async fn insert(tx: &mut Tx<'_>, channel: &Channel, health: &ChannelHealth) -> Result<(), StoreError> {
    let id = tx.new_id();
    let args = args![
        channel.tenant,
        channel.id,
        id,
        health.at,
        health.state.as_str(),
        health.code.as_deref(),
        health.detail.as_deref(),
        health.action.as_deref()
    ];
    tx.put(INSERT, args).await
}

/// The changes before an entry, newest first.
pub async fn page(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<HealthEntry>, StoreError> {
    tx.all(PAGE, args![tenant, channel, before.unwrap_or(Uuid::max()), limit]).await
}

/// Removes changes from before a time.
pub async fn remove_old(tx: &mut Tx<'_>, before: i64) -> Result<u64, StoreError> {
    let old: Vec<(Uuid, Uuid, Uuid)> = tx.all(OLD, args![before, BATCH]).await?;
    for (tenant, channel, id) in &old {
        tx.put(REMOVE, args![*tenant, *channel, *id]).await?;
    }
    Ok(old.len() as u64)
}
