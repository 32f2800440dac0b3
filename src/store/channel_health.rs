//! The history of the channels' health: a row for each change.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::retention::id_at;
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

/// The changes beyond the newest [`MOST`].
const SURPLUS: &str = "delete from channel_health where tenant = $1 and channel = $2 and id <= \
    (select id from channel_health where tenant = $1 and channel = $2 order by id desc limit 1 offset $3)";
const NTH: &str =
    "select id from channel_health where tenant = $1 and channel = $2 order by id desc limit 1 offset $3";
const HELD: &str = "select held_health from channels where tenant = $1 and id = $2";
const HOLD: &str = "update channels set held_health = $3, \
    look_at = case when look_at is null or look_at > $4 then $4 else look_at end where tenant = $1 and id = $2";
const DROP: &str = "update channels set held_health = null where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[INSERT, PAGE, OLD, REMOVE, SURPLUS, NTH, HELD, HOLD, DROP];

/// Changes of one channel that are kept.
const MOST: i64 = 1_000;

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
    tx.put(INSERT, args).await?;
    tx.put(SURPLUS, args![channel.tenant, channel.id, MOST]).await
}

/// Whether the channel has had `count` changes since a time.
pub async fn has_changed(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    count: i64,
    since: i64,
) -> Result<bool, StoreError> {
    let found = tx.one::<(Uuid,)>(NTH, args![tenant, channel, count - 1]).await?;
    Ok(found.is_some_and(|(id,)| id >= id_at(since)))
}

/// What waits to become the channel's health.
pub async fn held(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
) -> Result<Option<ChannelHealth>, StoreError> {
    let found = tx.one::<(Option<String>,)>(HELD, args![tenant, channel]).await?;
    // What another version wrote is found out again by a look.
    Ok(found.and_then(|(text,)| serde_json::from_str(&text?).ok()))
}

/// Lets it wait for the next look, at `look_at` at the latest.
pub async fn hold(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    health: &ChannelHealth,
    look_at: i64,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(health).map_err(|error| StoreError::Engine(error.to_string()))?;
    tx.put(HOLD, args![tenant, channel, &text, look_at]).await
}

pub async fn drop_held(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid)) -> Result<(), StoreError> {
    tx.put(DROP, args![tenant, channel]).await
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
pub async fn remove_old(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<u64, StoreError> {
    let old: Vec<(Uuid, Uuid, Uuid)> = tx.all(OLD, args![before, limit]).await?;
    for (tenant, channel, id) in &old {
        tx.put(REMOVE, args![*tenant, *channel, *id]).await?;
    }
    Ok(old.len() as u64)
}
