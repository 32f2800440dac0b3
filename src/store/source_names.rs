//! What sources are called: for each spelling of a tenant's the name that is meant.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const NAME_OF: &str = "select name from source_names where tenant = $1 and alias = $2";
const OF_TENANT: &str = "select alias, name from source_names where tenant = $1 order by alias limit 1000";
const SET: &str = "insert into source_names (tenant, alias, name) values ($1, $2, $3) \
    on conflict (tenant, alias) do update set name = excluded.name";
const REMOVE: &str = "delete from source_names where tenant = $1 and alias = $2";

pub const ALL: &[&str] = &[NAME_OF, OF_TENANT, SET, REMOVE];

pub async fn name_of(tx: &mut Tx<'_>, tenant: Uuid, alias: &str) -> Result<Option<String>, StoreError> {
    Ok(tx.one::<(String,)>(NAME_OF, args![tenant, alias]).await?.map(|(name,)| name))
}

/// Alias and name.
pub async fn of_tenant(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<(String, String)>, StoreError> {
    tx.all(OF_TENANT, args![tenant]).await
}

pub async fn set(tx: &mut Tx<'_>, tenant: Uuid, alias: &str, name: &str) -> Result<(), StoreError> {
    tx.put(SET, args![tenant, alias, name]).await
}

/// `false`: there was none.
pub async fn remove(tx: &mut Tx<'_>, tenant: Uuid, alias: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(REMOVE, args![tenant, alias]).await? == 1)
}
