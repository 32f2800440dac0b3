//! Uploads that are under way, and for a day what became of them. Their bytes are the staging folder's.

use uuid::Uuid;

use super::value::from_row;
use super::{StoreError, Tx};
use crate::args;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select u.tenant, u.id, u.caller, u.conversation, u.kind, u.name, u.mime, u.size, u.file, u.created_at from uploads u ",
            $rest
        )
    };
}

const INSERT: &str = "insert into uploads (tenant, id, caller, conversation, kind, name, mime, size, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const LOAD: &str = select!("where u.tenant = $1 and u.id = $2");
const OPEN: &str =
    "select caller, size from uploads where tenant = $1 and file is null order by caller, id limit $2";
const DONE: &str = "update uploads set file = $3, size = $4 where tenant = $1 and id = $2";
const REMOVE: &str = "delete from uploads where tenant = $1 and id = $2";
const OLD: &str = select!("where u.created_at < $1 order by u.created_at, u.id limit $2");

pub const ALL: &[&str] = &[INSERT, LOAD, OPEN, DONE, REMOVE, OLD];

#[derive(Clone, Debug)]
pub struct Upload {
    pub tenant: Uuid,
    pub id: Uuid,
    /// The person or the key whose upload it is.
    pub caller: Uuid,
    /// By whose channel it is judged.
    pub conversation: Option<Uuid>,
    /// As what it is to be sent.
    pub kind: Option<String>,
    pub name: Option<String>,
    /// What the caller says of it.
    pub mime: Option<String>,
    /// As announced; of a finished one as it came.
    pub size: i64,
    pub file: Option<Uuid>,
    pub created_at: i64,
}

from_row!(Upload { tenant, id, caller, conversation, kind, name, mime, size, file, created_at });

pub async fn insert(tx: &mut Tx<'_>, upload: &Upload) -> Result<(), StoreError> {
    let Upload { tenant, id, caller, conversation, kind, name, mime, size, file: _, created_at } = upload;
    tx.put(INSERT, args![*tenant, *id, *caller, *conversation, kind, name, mime, *size, *created_at]).await
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Upload>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// Caller and size of the tenant's unfinished uploads, at most `limit` of them.
pub async fn open(tx: &mut Tx<'_>, tenant: Uuid, limit: i64) -> Result<Vec<(Uuid, i64)>, StoreError> {
    tx.all(OPEN, args![tenant, limit]).await
}

pub async fn done(tx: &mut Tx<'_>, upload: &Upload, file: Uuid, size: i64) -> Result<(), StoreError> {
    tx.put(DONE, args![upload.tenant, upload.id, file, size]).await
}

pub async fn remove(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.put(REMOVE, args![tenant, id]).await
}

/// Uploads of all tenants that began before `before`, finished or not.
pub async fn old(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<Upload>, StoreError> {
    tx.all(OLD, args![before, limit]).await
}
