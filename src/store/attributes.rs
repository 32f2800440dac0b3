//! Attributes of contacts: what a tenant wants to know of them, and what it knows.

use uuid::Uuid;

use super::value::{Arg, FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Attribute, AttributeValue};

const LIST: &str = "select id, name, kind, rules from attributes where tenant = $1 order by id limit 200";
const PUT: &str = "insert into attributes (tenant, id, name, kind, rules, created_at) values ($1, $2, $3, $4, $5, $6) \
    on conflict (tenant, id) do update set name = $3, rules = $5";
const OF_CONTACT: &str = "select attribute, value, updated_at, author_name from contact_attributes \
    where tenant = $1 and contact = $2 order by attribute limit 200";
const SET: &str = "insert into contact_attributes (tenant, contact, attribute, value, updated_at, author_name) \
    values ($1, $2, $3, $4, $5, $6) on conflict (tenant, contact, attribute) do update set value = $4, updated_at = $5, author_name = $6";
const UNSET: &str = "delete from contact_attributes where tenant = $1 and contact = $2 and attribute = $3";

pub const ALL: &[&str] = &[LIST, PUT, OF_CONTACT, SET, UNSET];

impl FromRow for Attribute {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self { id: columns.take()?, name: columns.take()?, kind: columns.word()?, rules: columns.json()? })
    }
}

impl FromRow for AttributeValue {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            attribute: columns.take()?,
            value: columns.json()?,
            updated_at: columns.take()?,
            author: columns.take()?,
        })
    }
}

pub async fn list(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<Attribute>, StoreError> {
    tx.all(LIST, args![tenant]).await
}

/// Makes an attribute, or changes its name and rules. Its kind never changes: values keep their type.
pub async fn put(tx: &mut Tx<'_>, tenant: Uuid, one: &Attribute) -> Result<(), StoreError> {
    let rules = serde_json::to_string(&one.rules).map_err(|error| StoreError::Engine(error.to_string()))?;
    let now = tx.now();
    tx.put(PUT, args![tenant, one.id, &one.name, one.kind.as_str(), &rules, now]).await
}

/// The values of each contact.
pub async fn of_contacts(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[Uuid],
) -> Result<Vec<Vec<AttributeValue>>, StoreError> {
    let asked: Vec<_> = contacts.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
    tx.each(OF_CONTACT, &asked).await
}

pub async fn set(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    value: &AttributeValue,
) -> Result<(), StoreError> {
    let text = value.value.to_string();
    let args = args![tenant, contact, value.attribute, &text, value.updated_at, &value.author];
    tx.put(SET, args).await
}

/// Whether there was a value.
pub async fn unset(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    attribute: Uuid,
) -> Result<bool, StoreError> {
    Ok(tx.exec(UNSET, args![tenant, contact, attribute]).await? > 0)
}
