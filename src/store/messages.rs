//! Messages: `seq` is gap-free within a conversation, an external key is unique within a channel, and a client's id
//! within a conversation. Only these indexes detect duplicates.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Author, Conversation, Message, MessageError, Reaction};

/// The member of a message's data that says why no machine answers it.
pub const NO_ANSWER: &str = "no_answer";
/// The member of the data of what somebody else wrote into the customer's thread.
pub const STRANGER: &str = "stranger";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, conversation, seq, direction, kind, text, author_kind, author_id, author_name, client_id, \
             reply_to, reactions, status, error_code, error_reason, edited_at, deleted_at, provider_at, created_at, \
             turn, data from messages ",
            $rest
        )
    };
}

const SEEN: &str = "select id from messages where tenant = $1 and channel = $2 and external_key = $3 union all \
    select message from left_messages where tenant = $1 and channel = $2 and external_key = $3 limit 1";
const SENT: &str =
    "select id, client_digest from messages where tenant = $1 and conversation = $2 and client_id = $3";
const INSERT: &str = "insert into messages (tenant, id, conversation, channel, seq, direction, kind, text, author_kind, \
    author_id, author_name, client_id, client_digest, external_key, external_id, reply_to, status, provider_at, \
    created_at, turn, data, inbound_count, reactions) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, '[]')";
const LOAD: &str = select!("where tenant = $1 and id = $2");
const BEFORE: &str =
    select!("where tenant = $1 and conversation = $2 and seq < $3 order by seq desc limit $4");
const OLDER: &str = select!("where tenant = $1 and id < $2 order by id desc limit $3");
const AFTER: &str = select!("where tenant = $1 and conversation = $2 and seq > $3 order by seq limit $4");
const SET_STATUS: &str =
    "update messages set status = $3, error_code = $4, error_reason = $5 where tenant = $1 and id = $2";
const SET_CONTENT: &str =
    "update messages set kind = $3, text = $4, data = $5, edited_at = $6 where tenant = $1 and id = $2";
const MARKS: &str = "select marks from messages where tenant = $1 and id = $2";
const SET_MARKS: &str = "update messages set marks = $3 where tenant = $1 and id = $2";
const SET_DELETED: &str = "update messages set deleted_at = $3 where tenant = $1 and id = $2";
const SET_REACTIONS: &str = "update messages set reactions = $3 where tenant = $1 and id = $2";
const SET_REPLY_TO: &str = "update messages set reply_to = $3 where tenant = $1 and id = $2";
const EXTERNAL_ID: &str = "select external_id, external_key from messages where tenant = $1 and id = $2";
const INBOUND_UNTIL: &str =
    "select inbound_count from messages where tenant = $1 and conversation = $2 and seq = $3";
/// An answer to a turn covers the messages of the turn, and none that arrived while it was written.
const LAST_ANSWER: &str = "select coalesce((select t.last_seq from turns t where t.tenant = m.tenant and t.id = m.turn), m.seq), \
    m.inbound_count from messages m where m.tenant = $1 and m.conversation = $2 and m.direction = 'out' and m.status <> 'failed' \
    and (m.data is null or m.data not like '%\"automatic\":true%') order by m.seq desc limit 1";
const LEFT_AFTER: &str = "select seq from messages where tenant = $1 and conversation = $2 and seq > $3 and direction = 'in' \
    and deleted_at is null and (data is null or data not like '%\"no_answer\":\"%') order by seq limit $4";
const LEFT_IN: &str = "select seq from messages where tenant = $1 and conversation = $2 and seq >= $3 and seq <= $4 \
    and direction = 'in' and deleted_at is null and (data is null or data not like '%\"no_answer\":\"%') order by seq limit $5";
const OF_TURN: &str = select!(
    "where tenant = $1 and conversation = $2 and seq >= $3 and seq <= $4 and direction = 'in' \
     and deleted_at is null and (data is null or data not like '%\"no_answer\":\"%') order by seq desc limit $5"
);
const SENT_SINCE: &str = select!(
    "where tenant = $1 and conversation = $2 and seq >= $3 and direction = 'out' and status <> 'failed' \
     order by seq desc limit $4"
);
const HEARD_AFTER: &str = select!(
    "where tenant = $1 and conversation = $2 and seq > $3 and direction = 'in' order by seq desc limit $4"
);

const HEARD_LAST: &str = "select author_id, data from messages where tenant = $1 and conversation = $2 and seq > $3 \
    and direction = 'in' order by seq desc limit 1";
const HEARD_FIRST: &str = "select author_id from messages where tenant = $1 and conversation = $2 and seq <= $3 \
    and direction = 'in' order by seq limit 1";
const HEARD_LAST_OF: &str = "select author_id, data from messages where tenant = $1 and conversation = $2 and seq > $3 \
    and direction = 'in' and author_id = $4 order by seq desc limit 1";
const HEARD_LAST_ID: &str = "select external_id from messages where tenant = $1 and conversation = $2 and seq > $3 \
    and direction = 'in' order by seq desc limit 1";
const HEARD_LAST_TEXT: &str = "select text from messages where tenant = $1 and conversation = $2 and seq > $3 \
    and direction = 'in' and text is not null order by seq desc limit 1";
const HEARD: &str = "select author_id, data from messages where tenant = $1 and id = $2 and direction = 'in'";

/// How far back the message that is answered is looked for, so that it costs no more in a conversation of many answers.
const ANSWERED: i64 = 500;
/// The most customer messages that are counted row by row; beyond it the difference of the running counts is used.
const COUNTED: i64 = 1_000;

pub const ALL: &[&str] = &[
    SEEN,
    SENT,
    INSERT,
    LOAD,
    BEFORE,
    OLDER,
    AFTER,
    SET_STATUS,
    SET_CONTENT,
    MARKS,
    SET_MARKS,
    SET_DELETED,
    SET_REACTIONS,
    SET_REPLY_TO,
    EXTERNAL_ID,
    INBOUND_UNTIL,
    LAST_ANSWER,
    LEFT_AFTER,
    LEFT_IN,
    OF_TURN,
    SENT_SINCE,
    HEARD_AFTER,
    HEARD_FIRST,
    HEARD_LAST,
    HEARD_LAST_OF,
    HEARD_LAST_ID,
    HEARD_LAST_TEXT,
    HEARD,
];

/// What a sent message answers: who wrote it, by the provider's id, and its data.
#[derive(Clone, Debug)]
pub struct Heard {
    pub author: Option<String>,
    pub data: Option<serde_json::Value>,
}

impl FromRow for Heard {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self { author: columns.take()?, data: columns.json_or_null()? })
    }
}

fn error(code: Option<String>, reason: Option<String>) -> Option<MessageError> {
    code.map(|code| MessageError { code, reason: reason.unwrap_or_default() })
}

impl FromRow for Message {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            conversation: columns.take()?,
            seq: columns.take()?,
            direction: columns.word()?,
            kind: columns.word()?,
            text: columns.take()?,
            author: Author { kind: columns.word()?, id: columns.take()?, name: columns.take()? },
            client_id: columns.take()?,
            reply_to: columns.take()?,
            attachments: Vec::new(),
            reactions: columns.json::<Vec<Reaction>>()?,
            status: columns.word()?,
            error: error(columns.take()?, columns.take()?),
            edited_at: columns.take()?,
            deleted_at: columns.take()?,
            provider_at: columns.take()?,
            created_at: columns.take()?,
            turn: columns.take()?,
            data: columns.json_or_null()?,
        })
    }
}

/// Whether the message has already been received; it may have left for MongoDB since.
pub async fn seen(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    external_key: &str,
) -> Result<Option<Uuid>, StoreError> {
    Ok(tx.one::<(Uuid,)>(SEEN, args![tenant, channel, external_key]).await?.map(|(id,)| id))
}

/// The message that was sent with this client id, and the digest of its content.
pub async fn sent(
    tx: &mut Tx<'_>,
    (tenant, conversation): (Uuid, Uuid),
    client_id: &str,
) -> Result<Option<(Uuid, Option<String>)>, StoreError> {
    tx.one(SENT, args![tenant, conversation, client_id]).await
}

/// Columns of a message that [`Message`] does not hold: its tenant and channel, and the keys that detect duplicates.
pub struct MessageKeys<'a> {
    pub tenant: Uuid,
    pub channel: Uuid,
    pub external_key: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub client_digest: Option<&'a str>,
    /// The number of the customer's messages up to and including this one.
    pub inbound_count: i64,
}

pub async fn insert(tx: &mut Tx<'_>, message: &Message, keys: &MessageKeys<'_>) -> Result<(), StoreError> {
    let data = message.data.as_ref().map(serde_json::Value::to_string);
    tx.put(
        INSERT,
        args![
            keys.tenant,
            message.id,
            message.conversation,
            keys.channel,
            message.seq,
            message.direction.as_str(),
            message.kind.as_str(),
            &message.text,
            message.author.kind.as_str(),
            &message.author.id,
            &message.author.name,
            &message.client_id,
            keys.client_digest,
            keys.external_key,
            keys.external_id,
            message.reply_to,
            message.status.as_str(),
            message.provider_at,
            message.created_at,
            message.turn,
            data.as_deref(),
            keys.inbound_count
        ],
    )
    .await
}

/// The message with its attachments.
pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Message>, StoreError> {
    let Some(mut message) = tx.one::<Message>(LOAD, args![tenant, id]).await? else { return Ok(None) };
    message.attachments = super::attachments::of_message(tx, tenant, id).await?;
    Ok(Some(message))
}

/// The page before a `seq`, in ascending order.
pub async fn before(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut found: Vec<Message> = tx.all(BEFORE, args![tenant, conversation, seq, limit]).await?;
    found.reverse();
    super::attachments::attach(tx, tenant, conversation, &mut found).await?;
    Ok(found)
}

/// A tenant's messages below an id, the newest first, without their attachments.
pub async fn older(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    tx.all(OLDER, args![tenant, before, limit]).await
}

/// The page after a `seq`, in ascending order.
pub async fn after(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut found: Vec<Message> = tx.all(AFTER, args![tenant, conversation, seq, limit]).await?;
    super::attachments::attach(tx, tenant, conversation, &mut found).await?;
    Ok(found)
}

pub async fn set_status(tx: &mut Tx<'_>, tenant: Uuid, message: &Message) -> Result<(), StoreError> {
    let (code, reason) = message
        .error
        .as_ref()
        .map_or((None, None), |error| (Some(error.code.as_str()), Some(error.reason.as_str())));
    tx.put(SET_STATUS, args![tenant, message.id, message.status.as_str(), code, reason]).await
}

/// Stores the fields that an edit changes: kind, text, data and the time of the edit.
pub async fn set_content(tx: &mut Tx<'_>, tenant: Uuid, message: &Message) -> Result<(), StoreError> {
    let data = message.data.as_ref().map(serde_json::Value::to_string);
    let args =
        args![tenant, message.id, message.kind.as_str(), &message.text, data.as_deref(), message.edited_at];
    tx.put(SET_CONTENT, args).await
}

/// The times, as JSON, that a later edit, reaction or status must exceed to be applied.
pub async fn marks(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<String>, StoreError> {
    Ok(tx.one::<(Option<String>,)>(MARKS, args![tenant, id]).await?.and_then(|(marks,)| marks))
}

pub async fn set_marks(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid, marks: &str) -> Result<(), StoreError> {
    tx.put(SET_MARKS, args![tenant, id, marks]).await
}

pub async fn set_deleted(tx: &mut Tx<'_>, tenant: Uuid, message: &Message) -> Result<(), StoreError> {
    tx.put(SET_DELETED, args![tenant, message.id, message.deleted_at]).await
}

pub async fn set_reactions(tx: &mut Tx<'_>, tenant: Uuid, message: &Message) -> Result<(), StoreError> {
    let text =
        serde_json::to_string(&message.reactions).map_err(|error| StoreError::Engine(error.to_string()))?;
    tx.put(SET_REACTIONS, args![tenant, message.id, &text]).await
}

/// The quoted message became known.
pub async fn set_reply_to(tx: &mut Tx<'_>, tenant: Uuid, message: &Message) -> Result<(), StoreError> {
    tx.put(SET_REPLY_TO, args![tenant, message.id, message.reply_to]).await
}

/// The provider's id of the message, for quoting it.
pub async fn external_id(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<String>, StoreError> {
    let row = tx.one::<(Option<String>, Option<String>)>(EXTERNAL_ID, args![tenant, id]).await?;
    Ok(row.and_then(|(external_id, key)| external_id.or(key)))
}

/// The quoted message, otherwise the newest one of whoever began the conversation: anybody who knows the id of a mail can write
/// into its thread, and must not be given the answer by that.
pub async fn heard(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    quoted: Option<Uuid>,
) -> Result<Option<Heard>, StoreError> {
    let (tenant, id) = (conversation.tenant, conversation.id);
    if let Some(quoted) = quoted
        && let Some(heard) = tx.one::<Heard>(HEARD, args![tenant, quoted]).await?
    {
        return Ok(Some(heard));
    }
    let since = conversation.last_seq - ANSWERED;
    let first = tx.one::<(Option<String>,)>(HEARD_FIRST, args![tenant, id, ANSWERED]).await?;
    if let Some(author) = first.and_then(|(author,)| author)
        && let Some(heard) = tx.one::<Heard>(HEARD_LAST_OF, args![tenant, id, since, &author]).await?
    {
        return Ok(Some(heard));
    }
    tx.one(HEARD_LAST, args![tenant, id, since]).await
}

/// What the customer wrote last in words.
pub async fn heard_last_text(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
) -> Result<Option<String>, StoreError> {
    let since = conversation.last_seq - ANSWERED;
    let row =
        tx.one::<(String,)>(HEARD_LAST_TEXT, args![conversation.tenant, conversation.id, since]).await?;
    Ok(row.map(|(text,)| text))
}

/// Who began the conversation.
pub async fn first_author(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
) -> Result<Option<String>, StoreError> {
    let args = args![conversation.tenant, conversation.id, ANSWERED];
    Ok(tx.one::<(Option<String>,)>(HEARD_FIRST, args).await?.and_then(|(author,)| author))
}

/// The provider's id of the customer's newest message.
pub async fn heard_last_id(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
) -> Result<Option<String>, StoreError> {
    let since = conversation.last_seq - ANSWERED;
    let row = tx
        .one::<(Option<String>,)>(HEARD_LAST_ID, args![conversation.tenant, conversation.id, since])
        .await?;
    Ok(row.and_then(|(id,)| id))
}

/// The number of messages that the customer had written up to this `seq`.
pub async fn inbound_until(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    seq: i64,
) -> Result<i64, StoreError> {
    let row = tx.one::<(i64,)>(INBOUND_UNTIL, args![tenant, conversation, seq]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// The customer's messages since the last answer, without deleted ones: the first `seq` and their number, or `None`.
pub async fn unanswered(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
) -> Result<Option<(i64, i64)>, StoreError> {
    let (tenant, id) = (conversation.tenant, conversation.id);
    let answer = tx.one::<(i64, i64)>(LAST_ANSWER, args![tenant, id]).await?;
    let (seq, before) = answer.unwrap_or((0, 0));
    let left = tx.all::<(i64,)>(LEFT_AFTER, args![tenant, id, seq, COUNTED]).await?;
    let count = left.len() as i64;
    let count = if count < COUNTED { count } else { conversation.inbound_count - before };
    Ok(left.first().map(|(first,)| (*first, count)))
}

/// What remains of a turn within these bounds after one of its `count` messages was deleted: first and last `seq` and
/// the number of messages, or `None`.
pub async fn left_of_turn(
    tx: &mut Tx<'_>,
    (tenant, conversation): (Uuid, Uuid),
    (first, last): (i64, i64),
    count: i64,
) -> Result<Option<(i64, i64, i64)>, StoreError> {
    let left = tx.all::<(i64,)>(LEFT_IN, args![tenant, conversation, first, last, COUNTED]).await?;
    let (Some((start,)), Some((end,))) = (left.first(), left.last()) else { return Ok(None) };
    let found = left.len() as i64;
    Ok(Some(if found < COUNTED { (*start, *end, found) } else { (*start, last, count - 1) }))
}

/// The newest messages of a turn that the customer has not deleted, in ascending order.
pub async fn of_turn(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    (first, last): (i64, i64),
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut found: Vec<Message> = tx.all(OF_TURN, args![tenant, conversation, first, last, limit]).await?;
    found.reverse();
    super::attachments::attach(tx, tenant, conversation, &mut found).await?;
    Ok(found)
}

/// The newest messages since a turn began that do not belong to it: outgoing ones, and those after its end. In
/// ascending order.
pub async fn beside_turn(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    (first, last): (i64, i64),
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut found: Vec<Message> = tx.all(SENT_SINCE, args![tenant, conversation, first, limit]).await?;
    found.extend(tx.all::<Message>(HEARD_AFTER, args![tenant, conversation, last, limit]).await?);
    found.sort_by_key(|message| message.seq);
    let newest = usize::try_from(limit).unwrap_or_default();
    found.drain(..found.len().saturating_sub(newest));
    super::attachments::attach(tx, tenant, conversation, &mut found).await?;
    Ok(found)
}
