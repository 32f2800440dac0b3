//! Customers, and the ids that they have on channels.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::Contact;

const FIND: &str = "select p.id, p.name, p.handle from identities i join contacts p on p.id = i.contact \
    where i.channel = $1 and i.external_id = $2";
const INSERT: &str =
    "insert into contacts (id, tenant, name, handle, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)";
const LINK: &str = "insert into identities (channel, external_id, contact, tenant, created_at) \
    values ($1, $2, $3, $4, $5) on conflict (channel, external_id) do nothing";
const DESCRIBE: &str =
    "update contacts set name = $3, handle = $4, updated_at = $5 where tenant = $1 and id = $2";
const RENAME_IDENTITY: &str =
    "update identities set external_id = $3 where channel = $1 and external_id = $2";

pub const ALL: &[&str] = &[FIND, INSERT, LINK, DESCRIBE, RENAME_IDENTITY];

impl FromRow for Contact {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, handle: row.get(2)? })
    }
}

pub async fn find(tx: &mut Tx<'_>, channel: Uuid, external_id: &str) -> Result<Option<Contact>, StoreError> {
    tx.one(FIND, args![channel, external_id]).await
}

pub async fn insert(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    name: Option<&str>,
    handle: Option<&str>,
) -> Result<Contact, StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.put(INSERT, args![id, tenant, name, handle, now]).await?;
    let contact = Contact { id, name: name.map(str::to_owned), handle: handle.map(str::to_owned) };
    super::contact_terms::note(tx, tenant, &contact, false).await?;
    Ok(contact)
}

/// Notes that this id on this channel is this contact. An id that is taken stays where it is.
pub async fn link(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    channel: Uuid,
    external_id: &str,
    contact: Uuid,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(LINK, args![channel, external_id, contact, tenant, now]).await? == 1)
}

pub async fn describe(tx: &mut Tx<'_>, tenant: Uuid, contact: &Contact) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(DESCRIBE, args![tenant, contact.id, &contact.name, &contact.handle, now]).await?;
    super::contact_terms::note(tx, tenant, contact, true).await
}

/// The provider gave a chat another id.
pub async fn rename_identity(tx: &mut Tx<'_>, channel: Uuid, from: &str, to: &str) -> Result<(), StoreError> {
    tx.exec(RENAME_IDENTITY, args![channel, from, to]).await?;
    Ok(())
}
