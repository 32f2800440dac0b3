//! Files of messages. The row is inserted with its message; the bytes arrive later and change its state.

use std::collections::HashMap;

use uuid::Uuid;

use super::value::{Arg, FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Attachment, AttachmentState, Message};

macro_rules! select {
    ($rest:literal) => {
        concat!("select a.id, a.message, a.kind, a.mime, a.name, a.size, a.state, a.error, a.source, a.path, a.width, a.height, a.file from attachments a ", $rest)
    };
}

const INSERT: &str = "insert into attachments (tenant, id, message, position, kind, mime, name, size, state, error, source, created_at, path, width, height, file) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const OF_MESSAGE: &str = select!("where a.tenant = $1 and a.message = $2 order by a.position");
const OF_RANGE: &str = select!(
    "join messages m on m.tenant = a.tenant and m.id = a.message where m.tenant = $1 and m.conversation = $2 \
     and m.seq between $3 and $4 order by m.seq, a.position"
);
const LOAD: &str = select!("where a.tenant = $1 and a.id = $2");
const PLACE: &str = "select m.conversation, m.channel from attachments a join messages m on m.tenant = a.tenant and m.id = a.message \
    where a.tenant = $1 and a.id = $2";
const READY: &str = "update attachments set state = 'ready', mime = $3, name = coalesce(name, $4), size = $5, path = $6, width = $7, height = $8, error = null \
    where tenant = $1 and id = $2";
const FAILED: &str = "update attachments set state = 'failed', error = $3 where tenant = $1 and id = $2";

const REMOVE: &str = "delete from attachments where tenant = $1 and id = $2";
const WAIT_AGAIN: &str = "update attachments set state = 'pending', error = null where tenant = $1 and id = $2 and state = 'failed'";

pub const ALL: &[&str] = &[INSERT, OF_MESSAGE, OF_RANGE, LOAD, PLACE, READY, FAILED, REMOVE, WAIT_AGAIN];

/// An attachment with its internal fields.
#[derive(Clone, Debug)]
pub struct Stored {
    pub shown: Attachment,
    pub message: Uuid,
    /// The provider's reference to the file, as JSON.
    pub source: String,
    /// Where the library has the bytes, once they are stored.
    pub path: Option<String>,
    /// An uploaded file, which other messages may use as well.
    pub file: Option<Uuid>,
}

impl Stored {
    /// The bytes and number of files that count against the tenant's storage.
    pub fn takes(&self) -> (i64, i64) {
        if self.shown.state == AttachmentState::Ready && self.path.is_some() && self.file.is_none() {
            (self.shown.size.unwrap_or(0), 1)
        } else {
            (0, 0)
        }
    }
}

impl FromRow for Stored {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        let (id, message) = (columns.take()?, columns.take()?);
        let mut shown = Attachment {
            id,
            kind: columns.take()?,
            mime: columns.take()?,
            name: columns.take()?,
            size: columns.take()?,
            state: columns.word()?,
            error: columns.take()?,
            url: None,
            width: None,
            height: None,
            thumbnail: false,
        };
        let (source, path) = (columns.take::<String>()?, columns.take()?);
        (shown.width, shown.height) = (columns.take()?, columns.take()?);
        shown.thumbnail = shown.has_thumbnail();
        if shown.state == AttachmentState::Linked {
            shown.url = linked(&source);
        }
        Ok(Self { shown, message, source, path, file: columns.take()? })
    }
}

/// Where the bytes of a new attachment are.
#[derive(Clone, Copy, Debug)]
pub enum Bytes<'a> {
    /// At the provider, or at an address.
    Elsewhere { source: &'a str },
    /// In the library, under an uploaded file's path.
    Uploaded { path: &'a str, file: Uuid },
}

/// The source of a file that is only linked to.
pub fn link(url: &str) -> String {
    serde_json::json!({ "url": url }).to_string()
}

fn linked(source: &str) -> Option<String> {
    let source: serde_json::Value = serde_json::from_str(source).ok()?;
    source["url"].as_str().map(str::to_owned)
}

pub async fn insert(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    message: Uuid,
    position: i64,
    file: &Attachment,
    bytes: Bytes<'_>,
) -> Result<(), StoreError> {
    let now = tx.now();
    let (source, path, uploaded) = match bytes {
        Bytes::Elsewhere { source } => (source, None, None),
        Bytes::Uploaded { path, file } => ("{}", Some(path), Some(file)),
    };
    tx.exec(
        INSERT,
        args![
            tenant,
            file.id,
            message,
            position,
            &file.kind,
            &file.mime,
            &file.name,
            file.size,
            file.state.as_str(),
            &file.error,
            source,
            now,
            path,
            file.width,
            file.height,
            uploaded
        ],
    )
    .await?;
    Ok(())
}

pub async fn of_message(tx: &mut Tx<'_>, tenant: Uuid, message: Uuid) -> Result<Vec<Attachment>, StoreError> {
    Ok(stored_of(tx, tenant, message).await?.into_iter().map(|stored| stored.shown).collect())
}

pub async fn stored_of(tx: &mut Tx<'_>, tenant: Uuid, message: Uuid) -> Result<Vec<Stored>, StoreError> {
    tx.all(OF_MESSAGE, args![tenant, message]).await
}

/// Removes a file from its message. A job that is to fetch it then does nothing, and the sweep removes its bytes.
pub async fn remove(tx: &mut Tx<'_>, tenant: Uuid, file: &Stored) -> Result<(), StoreError> {
    let (bytes, files) = file.takes();
    if files > 0 {
        super::storage::add(tx, tenant, -bytes, -files).await?;
    }
    tx.put(REMOVE, args![tenant, file.shown.id]).await
}

/// Those of each of these messages, in their order.
pub async fn of_messages(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    messages: &[Uuid],
) -> Result<Vec<Vec<Attachment>>, StoreError> {
    let asked: Vec<Vec<Arg<'_>>> =
        messages.iter().map(|message| vec![Arg::from(tenant), Arg::from(*message)]).collect();
    let stored: Vec<Vec<Stored>> = tx.each(OF_MESSAGE, &asked).await?;
    Ok(stored.into_iter().map(|files| files.into_iter().map(|file| file.shown).collect()).collect())
}

/// Adds the files to a page of messages (ascending `seq`, one conversation).
pub async fn attach(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    messages: &mut [Message],
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Ok(()) };
    let stored: Vec<Stored> = tx.all(OF_RANGE, args![tenant, conversation, first.seq, last.seq]).await?;
    let mut files = HashMap::<Uuid, Vec<Attachment>>::new();
    for one in stored {
        files.entry(one.message).or_default().push(one.shown);
    }
    for message in messages {
        message.attachments = files.remove(&message.id).unwrap_or_default();
    }
    Ok(())
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Stored>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// The conversation and the channel of a file.
pub async fn place(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<(Uuid, Uuid)>, StoreError> {
    tx.one(PLACE, args![tenant, id]).await
}

pub async fn ready(
    tx: &mut Tx<'_>,
    (tenant, id): (Uuid, Uuid),
    mime: &str,
    name: Option<&str>,
    size: i64,
    path: &str,
    pixels: Option<(i64, i64)>,
) -> Result<(), StoreError> {
    let (width, height) = pixels.unzip();
    tx.exec(READY, args![tenant, id, mime, name, size, path, width, height]).await?;
    Ok(())
}

pub async fn failed(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid, error: &str) -> Result<(), StoreError> {
    tx.exec(FAILED, args![tenant, id, error]).await?;
    Ok(())
}

/// Resets a failed file so that it is fetched again.
pub async fn wait_again(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.exec(WAIT_AGAIN, args![tenant, id]).await?;
    Ok(())
}
