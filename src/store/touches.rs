//! What led contacts here, each time, and the first of it in each conversation.

use uuid::Uuid;

use super::links::json_text;
use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Source, Touch};

const INSERT: &str = "insert into touches (tenant, id, contact, channel, conversation, kind, touch_key, message_key, reference, link, source, data, at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
    on conflict (tenant, contact, touch_key) where touch_key is not null do nothing";
const OF_CONTACT: &str = "select t.id, t.contact, t.channel, t.conversation, t.source, t.data, t.at, h.company from touches t \
    join channels h on h.tenant = t.tenant and h.id = t.channel \
    where t.tenant = $1 and t.contact = $2 order by t.id desc limit $3";
const FIRST_OF_CONTACT: &str = "select t.id, t.contact, t.channel, t.conversation, t.source, t.data, t.at, h.company from touches t \
    join channels h on h.tenant = t.tenant and h.id = t.channel \
    where t.tenant = $1 and t.contact = $2 order by t.id limit $3";
const UNJOINED: &str = "select t.id, t.contact, t.channel, t.conversation, t.source, t.data, t.at, h.company from touches t \
    join channels h on h.tenant = t.tenant and h.id = t.channel where t.tenant = $1 and t.contact = $2 and t.channel = $3 \
    and t.conversation is null and t.id >= $4 order by t.id limit 10";
const JOIN: &str = "update touches set conversation = $3 where tenant = $1 and id = $2";
const REFERENCE_OF: &str =
    "select reference from touches where tenant = $1 and channel = $2 and message_key = $3 limit 1";
const SET_SOURCE: &str =
    "update conversations set source = $3 where tenant = $1 and id = $2 and source is null";

pub const ALL: &[&str] = &[INSERT, OF_CONTACT, FIRST_OF_CONTACT, UNJOINED, JOIN, REFERENCE_OF, SET_SOURCE];

/// A touch, and the company of its channel.
pub struct Seen {
    pub touch: Touch,
    pub company: Uuid,
}

impl FromRow for Seen {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        let touch = Touch {
            id: columns.take()?,
            contact: columns.take()?,
            channel: columns.take()?,
            conversation: columns.take()?,
            source: columns.json()?,
            data: columns.json_or_null()?,
            at: columns.take()?,
        };
        Ok(Self { touch, company: columns.take()? })
    }
}

/// How a touch is told from others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys<'a> {
    pub touch: Option<&'a str>,
    pub message: Option<&'a str>,
    pub reference: Option<&'a str>,
}

/// Keeps a touch; `false` if the contact has one of this key.
pub async fn insert(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    touch: &Touch,
    keys: Keys<'_>,
) -> Result<bool, StoreError> {
    let source = json_text(&touch.source)?;
    let data = touch.data.as_ref().map(json_text).transpose()?;
    let args = args![
        tenant,
        touch.id,
        touch.contact,
        touch.channel,
        touch.conversation,
        touch.source.kind.as_str(),
        keys.touch,
        keys.message,
        keys.reference,
        touch.source.link,
        &source,
        data.as_deref(),
        touch.at
    ];
    Ok(tx.exec(INSERT, args).await? == 1)
}

/// The newest touches of a contact, and the first of all.
pub async fn of_contact(
    tx: &mut Tx<'_>,
    (tenant, contact): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Seen>, StoreError> {
    let mut found: Vec<Seen> = tx.all(OF_CONTACT, args![tenant, contact, limit]).await?;
    if found.len() as i64 >= limit {
        found.extend(tx.all::<Seen>(FIRST_OF_CONTACT, args![tenant, contact, 1_i64]).await?);
        found.dedup_by_key(|seen| seen.touch.id);
    }
    Ok(found)
}

/// The touches of a contact since `since` that no conversation has, oldest first.
pub async fn unjoined(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    (contact, channel): (Uuid, Uuid),
    since: Uuid,
) -> Result<Vec<Seen>, StoreError> {
    tx.all(UNJOINED, args![tenant, contact, channel, since]).await
}

pub async fn join(tx: &mut Tx<'_>, tenant: Uuid, touch: Uuid, conversation: Uuid) -> Result<(), StoreError> {
    tx.put(JOIN, args![tenant, touch, conversation]).await
}

/// The reference that was taken out of a message.
pub async fn reference_of(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    message_key: &str,
) -> Result<Option<String>, StoreError> {
    let found = tx.one::<(Option<String>,)>(REFERENCE_OF, args![tenant, channel, message_key]).await?;
    Ok(found.and_then(|(reference,)| reference))
}

/// The first source of a conversation stays.
pub async fn set_source(
    tx: &mut Tx<'_>,
    (tenant, conversation): (Uuid, Uuid),
    source: &Source,
) -> Result<(), StoreError> {
    let text = json_text(source)?;
    tx.put(SET_SOURCE, args![tenant, conversation, &text]).await
}
