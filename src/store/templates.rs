//! Templates of channels, as the provider last told them.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::TemplateView;

const REMOVE: &str = "delete from templates where tenant = $1 and channel = $2";
const INSERT: &str = "insert into templates (tenant, channel, name, language, category, state, components, fetched_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (tenant, channel, name, language) do nothing";
const LIST: &str = "select name, language, category, state, components, fetched_at from templates \
    where tenant = $1 and channel = $2 order by name, language limit 1000";
const OF_NAME: &str = "select name, language, category, state, components, fetched_at from templates \
    where tenant = $1 and channel = $2 and name = $3 order by language limit 100";
const ANY: &str = "select name from templates where tenant = $1 and channel = $2 limit 1";

pub const ALL: &[&str] = &[REMOVE, INSERT, LIST, OF_NAME, ANY];

impl FromRow for TemplateView {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            name: columns.take()?,
            language: columns.take()?,
            category: columns.take()?,
            state: columns.take()?,
            components: columns.json()?,
            fetched_at: columns.take()?,
        })
    }
}

/// Stores what the provider has now, in place of what it had.
pub async fn replace(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    all: &[TemplateView],
) -> Result<(), StoreError> {
    tx.exec(REMOVE, args![tenant, channel]).await?;
    for one in all {
        let components =
            serde_json::to_string(&one.components).map_err(|error| StoreError::Engine(error.to_string()))?;
        let args = args![
            tenant,
            channel,
            &one.name,
            &one.language,
            &one.category,
            &one.state,
            &components,
            one.fetched_at
        ];
        tx.exec(INSERT, args).await?;
    }
    Ok(())
}

pub async fn list(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid)) -> Result<Vec<TemplateView>, StoreError> {
    tx.all(LIST, args![tenant, channel]).await
}

/// A template in all its languages.
pub async fn of_name(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    name: &str,
) -> Result<Vec<TemplateView>, StoreError> {
    tx.all(OF_NAME, args![tenant, channel, name]).await
}

/// Whether any are known: the provider was asked.
pub async fn are_known(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid)) -> Result<bool, StoreError> {
    Ok(tx.one::<(String,)>(ANY, args![tenant, channel]).await?.is_some())
}
