//! Notes about contacts, by people.

use uuid::Uuid;

use super::value::{Arg, from_row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::ContactNote;

const LIST: &str = "select id, contact, text, author, author_name, created_at, edited_at from contact_notes \
    where tenant = $1 and contact = $2 order by id desc limit $3";
const LOAD: &str = "select id, contact, text, author, author_name, created_at, edited_at from contact_notes \
    where tenant = $1 and id = $2";
const INSERT: &str = "insert into contact_notes (tenant, id, contact, text, author, author_name, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";
const EDIT: &str = "update contact_notes set text = $3, edited_at = $4 where tenant = $1 and id = $2";
const REMOVE: &str = "delete from contact_notes where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[LIST, LOAD, INSERT, EDIT, REMOVE];

from_row!(ContactNote { id, contact, text, author, author_name, created_at, edited_at });

/// Of each contact the newest, at most `limit`.
pub async fn list(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[Uuid],
    limit: i64,
) -> Result<Vec<ContactNote>, StoreError> {
    let asked: Vec<_> =
        contacts.iter().map(|id| vec![Arg::from(tenant), (*id).into(), limit.into()]).collect();
    Ok(tx.each(LIST, &asked).await?.into_iter().flatten().collect())
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<ContactNote>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

pub async fn insert(tx: &mut Tx<'_>, tenant: Uuid, note: &ContactNote) -> Result<(), StoreError> {
    let args =
        args![tenant, note.id, note.contact, &note.text, note.author, &note.author_name, note.created_at];
    tx.put(INSERT, args).await
}

pub async fn edit(tx: &mut Tx<'_>, tenant: Uuid, note: &ContactNote) -> Result<(), StoreError> {
    tx.put(EDIT, args![tenant, note.id, &note.text, note.edited_at]).await
}

pub async fn remove(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.put(REMOVE, args![tenant, id]).await
}
