//! Apps of providers. They belong to the installation; the ones that a tenant has name it.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx, Verb};
use crate::args;
use crate::error::Error;
use crate::model::{ProviderApp, ProviderAppState};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, family, name, state, tenant, external_id, sealed, created_at from apps where ",
            $rest
        )
    };
}

const INSERT: &str = "insert into apps (id, family, name, state, tenant, external_id, sealed, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
const UPDATE: &str = "update apps set name = $2, state = $3, tenant = $4, external_id = $5, sealed = $6, updated_at = $7 where id = $1";
/// Takes a free app; another transaction may have taken it.
const ASSIGN: &str = "update apps set state = 'assigned', tenant = $2, updated_at = $3 \
    where id = $1 and state = 'approved' and tenant is null";
const BY_ID: &str = select!("id = $1");
const BY_EXTERNAL_ID: &str = select!("family = $1 and external_id = $2");
const OF_FAMILY: &str = select!("family = $1 and id > $2 order by id limit $3");
const OF_TENANT: &str = select!("tenant = $1 and family = $2 order by id limit 100");
const IN_STATE: &str = select!("family = $1 and state = $2 order by created_at, id limit $3");
const FREE: &str =
    "select count(*) from (select 1 from apps where family = $1 and state = 'approved' limit $2) free";
/// Locks the row of an app whose places are counted.
const TOUCH: &str = "update apps set updated_at = $2 where id = $1";
const TAKEN: &str = "select count(*) from channels where app = $1 and state <> 'disconnected'";
const TAKEN_OF_EACH: &str =
    "select app, count(*) from channels where app is not null and state <> 'disconnected' group by app";
const CHANNELS: &str =
    "select tenant, id from channels where app = $1 and (tenant, id) > ($2, $3) order by tenant, id limit $4";

pub const ALL: &[&str] = &[
    INSERT,
    UPDATE,
    ASSIGN,
    BY_ID,
    BY_EXTERNAL_ID,
    OF_FAMILY,
    OF_TENANT,
    IN_STATE,
    FREE,
    TOUCH,
    TAKEN,
    TAKEN_OF_EACH,
    CHANNELS,
];

impl FromRow for ProviderApp {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            family: columns.take()?,
            name: columns.take()?,
            state: columns.word()?,
            tenant: columns.take()?,
            external_id: columns.take()?,
            sealed: columns.take()?,
            created_at: columns.take()?,
        })
    }
}

pub async fn insert(tx: &mut Tx<'_>, app: &ProviderApp) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        args![
            app.id,
            &app.family,
            &app.name,
            app.state.as_str(),
            app.tenant,
            &app.external_id,
            &app.sealed,
            app.created_at
        ],
    )
    .await?;
    Ok(())
}

pub async fn update(tx: &mut Tx<'_>, app: &ProviderApp) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(
        UPDATE,
        args![app.id, &app.name, app.state.as_str(), app.tenant, &app.external_id, &app.sealed, now],
    )
    .await?;
    Ok(())
}

/// Gives a free app to a tenant; `false` if it is not free any more.
pub async fn assign(tx: &mut Tx<'_>, app: Uuid, tenant: Uuid) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(ASSIGN, args![app, tenant, now]).await? == 1)
}

pub async fn by_id(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<ProviderApp>, StoreError> {
    tx.one(BY_ID, args![id]).await
}

pub async fn by_external_id(
    tx: &mut Tx<'_>,
    family: &str,
    external_id: &str,
) -> Result<Option<ProviderApp>, StoreError> {
    tx.one(BY_EXTERNAL_ID, args![family, external_id]).await
}

/// A page of a family's apps, by rising id.
pub async fn of_family(
    tx: &mut Tx<'_>,
    family: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ProviderApp>, StoreError> {
    tx.all(OF_FAMILY, args![family, after, limit]).await
}

/// The apps that a tenant has.
pub async fn of_tenant(tx: &mut Tx<'_>, tenant: Uuid, family: &str) -> Result<Vec<ProviderApp>, StoreError> {
    tx.all(OF_TENANT, args![tenant, family]).await
}

/// The apps of a family in one state, the oldest first.
pub async fn in_state(
    tx: &mut Tx<'_>,
    family: &str,
    state: ProviderAppState,
    limit: i64,
) -> Result<Vec<ProviderApp>, StoreError> {
    tx.all(IN_STATE, args![family, state.as_str(), limit]).await
}

/// How many apps are approved, counted up to `most`.
pub async fn free(tx: &mut Tx<'_>, family: &str, most: i64) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(FREE, args![family, most]).await?.map_or(0, |(count,)| count))
}

/// How many channels are connected through an app.
pub async fn taken(tx: &mut Tx<'_>, app: Uuid) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(TAKEN, args![app]).await?.map_or(0, |(count,)| count))
}

/// Nobody else takes a place of the app before this transaction ends.
pub async fn hold(tx: &mut Tx<'_>, app: Uuid) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(TOUCH, args![app, now]).await?;
    Ok(())
}

/// How many channels are connected through each app that has any.
pub async fn taken_of_each(tx: &mut Tx<'_>) -> Result<Vec<(Uuid, i64)>, StoreError> {
    tx.all(TAKEN_OF_EACH, args![]).await
}

/// A page of the channels that are connected through an app: tenant and id, after the given ones.
pub async fn channels(
    tx: &mut Tx<'_>,
    app: Uuid,
    (tenant, id): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    tx.all(CHANNELS, args![app, tenant, id, limit]).await
}

/// An app by its id.
pub struct ById(pub Uuid);

impl Verb for ById {
    type Out = Option<ProviderApp>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(by_id(tx, self.0).await?)
    }
}

/// All apps of a family.
pub struct OfFamily(pub &'static str);

/// Apps of one page of a family.
const FAMILY_PAGE: i64 = 200;

impl Verb for OfFamily {
    type Out = Vec<ProviderApp>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut all: Vec<ProviderApp> = Vec::new();
        loop {
            let after = all.last().map_or(Uuid::nil(), |app| app.id);
            let page = of_family(tx, self.0, after, FAMILY_PAGE).await?;
            let is_last = (page.len() as i64) < FAMILY_PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}
