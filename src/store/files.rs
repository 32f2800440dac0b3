//! Uploaded files and their uses: the rows of the library's objects. Each row has one object, under the row's id.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select f.tenant, f.id, f.sha256, f.size, f.mime, f.name, f.width, f.height, f.state, f.path, f.created_at from files f ",
            $rest
        )
    };
}

const INSERT: &str = "insert into files (tenant, id, sha256, size, mime, name, width, height, state, path, created_by, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)";
const LOAD: &str = select!("where f.tenant = $1 and f.id = $2");
const BY_CONTENT: &str = select!("where f.tenant = $1 and f.sha256 = $2 and f.state = 'ready'");
const SET_STATE: &str =
    "update files set state = $3, updated_at = $4, unused_since = $5 where tenant = $1 and id = $2";
const REMOVE: &str = "delete from files where tenant = $1 and id = $2 and state = 'deleting'";
const USE: &str = "insert into file_uses (tenant, file, thing, thing_id) values ($1, $2, $3, $4) \
    on conflict (tenant, file, thing, thing_id) do nothing";
const USED: &str = "update files set unused_since = null where tenant = $1 and id = $2";
const IS_USED: &str = "select thing from file_uses where tenant = $1 and file = $2 limit 1";
const UNFINISHED: &str =
    select!("where f.state = 'uploading' and f.updated_at < $1 order by f.updated_at, f.id limit $2");
const UNUSED: &str = select!(
    "where f.unused_since < $1 and f.unused_since is not null and f.state = 'ready' order by f.unused_since, f.id limit $2"
);

pub const ALL: &[&str] =
    &[INSERT, LOAD, BY_CONTENT, SET_STATE, REMOVE, USE, USED, IS_USED, UNFINISHED, UNUSED];

/// Of a file's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// The object may be there.
    Uploading,
    Ready,
    /// A job removes the object.
    Deleting,
}

impl FileState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Ready => "ready",
            Self::Deleting => "deleting",
        }
    }
}

#[derive(Clone, Debug)]
pub struct File {
    pub tenant: Uuid,
    pub id: Uuid,
    /// Of the stored bytes, in hex.
    pub sha256: String,
    pub size: i64,
    /// By the bytes.
    pub mime: String,
    pub name: Option<String>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub state: FileState,
    /// Where the library has it.
    pub path: String,
    pub created_at: i64,
}

impl FromRow for File {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            tenant: columns.take()?,
            id: columns.take()?,
            sha256: columns.take()?,
            size: columns.take()?,
            mime: columns.take()?,
            name: columns.take()?,
            width: columns.take()?,
            height: columns.take()?,
            state: match columns.take::<String>()?.as_str() {
                "ready" => FileState::Ready,
                "uploading" => FileState::Uploading,
                _ => FileState::Deleting,
            },
            path: columns.take()?,
            created_at: columns.take()?,
        })
    }
}

pub async fn insert(tx: &mut Tx<'_>, file: &File, created_by: Option<Uuid>) -> Result<(), StoreError> {
    tx.put(
        INSERT,
        args![
            file.tenant,
            file.id,
            &file.sha256,
            file.size,
            &file.mime,
            &file.name,
            file.width,
            file.height,
            file.state.as_str(),
            &file.path,
            created_by,
            file.created_at
        ],
    )
    .await
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<File>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// The tenant's ready file with this content.
pub async fn by_content(tx: &mut Tx<'_>, tenant: Uuid, sha256: &str) -> Result<Option<File>, StoreError> {
    tx.one(BY_CONTENT, args![tenant, sha256]).await
}

/// A file that becomes ready is unused until something uses it.
pub async fn set_state(tx: &mut Tx<'_>, file: &File, state: FileState) -> Result<(), StoreError> {
    let now = tx.now();
    let unused_since = (state == FileState::Ready).then_some(now);
    tx.put(SET_STATE, args![file.tenant, file.id, state.as_str(), now, unused_since]).await
}

/// Removes the row of a file whose object is gone.
pub async fn remove(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.put(REMOVE, args![tenant, id]).await
}

/// Notes that an attachment uses a file.
pub async fn attach(tx: &mut Tx<'_>, tenant: Uuid, file: Uuid, attachment: Uuid) -> Result<(), StoreError> {
    tx.put(USE, args![tenant, file, "attachment", attachment]).await?;
    tx.put(USED, args![tenant, file]).await
}

pub async fn is_used(tx: &mut Tx<'_>, tenant: Uuid, file: Uuid) -> Result<bool, StoreError> {
    Ok(tx.one::<(String,)>(IS_USED, args![tenant, file]).await?.is_some())
}

/// Files of all tenants whose bytes have been on their way to the library since before `before`.
pub async fn unfinished(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<File>, StoreError> {
    tx.all(UNFINISHED, args![before, limit]).await
}

/// Files of all tenants that nothing has used since before `before`.
pub async fn unused(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<File>, StoreError> {
    tx.all(UNUSED, args![before, limit]).await
}
