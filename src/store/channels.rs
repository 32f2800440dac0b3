//! Channels: connected provider accounts.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::error::Error;
use crate::model::Channel;
use crate::store::Verb;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select h.id, h.tenant, h.company, h.kind, h.name, h.state, h.hook_token, h.sealed, h.app, h.settings, h.health, h.operated from ",
            $rest
        )
    };
}

const INSERT: &str = "insert into channels (tenant, id, company, kind, name, state, hook_token, sealed, settings, created_at, updated_at, operated, app) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)";
/// A webhook's URL holds only this token: see `0001_installation.sql`.
const INSERT_PATH: &str = "insert into hook_paths (token, tenant, channel) values ($1, $2, $3)";
const BY_TOKEN: &str =
    select!("hook_paths k join channels h on h.tenant = k.tenant and h.id = k.channel where k.token = $1");
const BY_ID: &str = select!("channels h where h.tenant = $1 and h.id = $2");
const OF_TENANT: &str = select!("channels h where h.tenant = $1 order by h.id limit 1000");
const COMPANIES: &str = "select id, company from channels where tenant = $1 order by id limit 1000";
const UPDATE: &str = "update channels set name = $3, state = $4, sealed = $5, settings = $6, updated_at = $7 where tenant = $1 and id = $2";
const SET_APP: &str = "update channels set app = $3, updated_at = $4 where tenant = $1 and id = $2";
const MOVE: &str = "update channels set company = $3, updated_at = $4 where tenant = $1 and id = $2";
const SET_MOVED_AT: &str = "update channels set moved_at = $3 where tenant = $1 and id = $2";
const MOVED_AT: &str = "select coalesce(max(moved_at), 0) from channels where tenant = $1";
const COMPANY: &str = "select company from channels where tenant = $1 and id = $2";
const SET_HEALTH: &str = "update channels set health = $3, updated_at = $4 where tenant = $1 and id = $2";
const ONE_SEALED: &str = "select sealed from channels order by tenant, id limit 1";

pub const ALL: &[&str] = &[
    ONE_SEALED,
    INSERT,
    INSERT_PATH,
    BY_TOKEN,
    BY_ID,
    OF_TENANT,
    COMPANIES,
    UPDATE,
    SET_APP,
    MOVE,
    SET_MOVED_AT,
    MOVED_AT,
    COMPANY,
    SET_HEALTH,
];

/// The secrets of one channel, whichever, as they are sealed.
pub struct OneSealed;

impl Verb for OneSealed {
    type Out = Option<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<String>, Error> {
        Ok(tx.one::<(String,)>(ONE_SEALED, &[]).await?.map(|(sealed,)| sealed))
    }
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::Engine(format!("channels: {error}"))
}

impl FromRow for Channel {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            tenant: columns.take()?,
            company: columns.take()?,
            kind: columns.take()?,
            name: columns.take()?,
            state: columns.word()?,
            hook_token: columns.take()?,
            sealed: columns.take()?,
            app: columns.take()?,
            settings: columns.json()?,
            health: columns.json_or_null()?,
            operated: columns.take()?,
        })
    }
}

fn settings_text(channel: &Channel) -> Result<String, StoreError> {
    serde_json::to_string(&channel.settings).map_err(|error| damaged(&error))
}

pub async fn insert(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    let (settings, now) = (settings_text(channel)?, tx.now());
    tx.exec(
        INSERT,
        args![
            channel.tenant,
            channel.id,
            channel.company,
            &channel.kind,
            &channel.name,
            channel.state.as_str(),
            &channel.hook_token,
            &channel.sealed,
            &settings,
            now,
            channel.operated,
            channel.app
        ],
    )
    .await?;
    tx.exec(INSERT_PATH, args![&channel.hook_token, channel.tenant, channel.id]).await?;
    Ok(())
}

/// Connects a channel through another app from now on.
pub async fn set_app(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(SET_APP, args![channel.tenant, channel.id, channel.app, now]).await?;
    Ok(())
}

pub async fn update(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    let (settings, now) = (settings_text(channel)?, tx.now());
    tx.exec(
        UPDATE,
        args![
            channel.tenant,
            channel.id,
            &channel.name,
            channel.state.as_str(),
            &channel.sealed,
            &settings,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Stores the channel's company.
pub async fn move_to_company(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(MOVE, args![channel.tenant, channel.id, channel.company, now]).await?;
    Ok(())
}

/// `None`: sessions that know the channel in its former company are still being renewed.
pub async fn set_moved_at(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    cursor: Option<i64>,
) -> Result<(), StoreError> {
    tx.exec(SET_MOVED_AT, args![tenant, channel, cursor.unwrap_or(i64::MAX)]).await?;
    Ok(())
}

/// Positions of a tenant's feed before this cursor may be of a time when a channel was of another company.
pub async fn moved_at(tx: &mut Tx<'_>, tenant: Uuid) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(MOVED_AT, args![tenant]).await?.map_or(0, |(cursor,)| cursor))
}

/// The company of a channel as of this transaction.
pub async fn company_of(tx: &mut Tx<'_>, channel: &Channel) -> Result<Uuid, StoreError> {
    let found = tx.one::<(Uuid,)>(COMPANY, args![channel.tenant, channel.id]).await?;
    Ok(found.map_or(channel.company, |(company,)| company))
}

pub async fn set_health(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    let text =
        channel.health.as_ref().map(serde_json::to_string).transpose().map_err(|error| damaged(&error))?;
    let now = tx.now();
    tx.exec(SET_HEALTH, args![channel.tenant, channel.id, text.as_deref(), now]).await?;
    Ok(())
}

pub async fn by_id(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Channel>, StoreError> {
    tx.one(BY_ID, args![tenant, id]).await
}

pub async fn of_tenant(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<Channel>, StoreError> {
    tx.all(OF_TENANT, args![tenant]).await
}

/// The channels of a tenant, each with its company.
pub async fn companies(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    tx.all(COMPANIES, args![tenant]).await
}

/// The channel of a webhook's token.
pub async fn by_token(tx: &mut Tx<'_>, token: &str) -> Result<Option<Channel>, StoreError> {
    tx.one(BY_TOKEN, args![token]).await
}
