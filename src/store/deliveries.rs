//! Deliveries: the parts of outgoing messages, and the attempts to send them.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select d.id, d.tenant, d.channel, d.conversation, d.message, d.part, d.parts, d.payload, d.state, \
             d.reserved_id, d.external_key, d.tries, d.error_code, d.error_reason, d.external_id, d.begun_at, d.sent_at, d.former_keys from deliveries d ",
            $rest
        )
    };
}

const INSERT: &str = "insert into deliveries (tenant, id, channel, conversation, message, part, parts, payload, state, tries, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', 0, $9, $9)";
const LOAD: &str = select!("where d.tenant = $1 and d.id = $2");
const BY_KEY: &str = select!("where d.tenant = $1 and d.channel = $2 and d.external_key = $3");
const OF_MESSAGE: &str = select!("where d.tenant = $1 and d.message = $2 order by d.part");
const UNSETTLED: &str = select!(
    "where d.tenant = $1 and d.conversation in (select c.id from conversations c where c.tenant = $1 and c.contact = $3 \
     and c.channel = $2 and c.thread = $5 order by c.id desc limit 10) and d.begun_at > $4 order by d.begun_at, d.id limit 50"
);
const SENT_UNTIL: &str = select!(
    "where d.tenant = $1 and d.conversation in (select c.id from conversations c where c.tenant = $1 and c.channel = $2 \
     and c.external_id = $3 order by c.id desc limit 10) and d.state = $4 and d.sent_at <= $5 \
     order by d.sent_at desc, d.id desc limit $6"
);
const BEGUN: &str = select!(
    "where d.tenant = $1 and d.conversation in (select c.id from conversations c where c.tenant = $1 and c.channel = $2 \
     and c.external_id = $3 order by c.id desc limit 10) and d.begun_at >= $4 and d.begun_at <= $5 \
     order by d.begun_at desc, d.id desc limit $6"
);
const QUEUED_OF_RESPONDERS: &str = select!(
    "join messages m on m.tenant = d.tenant and m.id = d.message where d.tenant = $1 and d.conversation = $2 \
     and d.state = 'queued' and m.author_kind = 'responder' order by d.id"
);
const UPDATE: &str = "update deliveries set state = $3, reserved_id = $4, external_key = $5, external_id = $6, tries = $7, \
    error_code = $8, error_reason = $9, updated_at = $10, begun_at = $11, \
    sent_at = $12, former_keys = $13 where tenant = $1 and id = $2";
const SET_PAYLOAD: &str = "update deliveries set payload = $3 where tenant = $1 and id = $2";
const ATTEMPT: &str = "insert into attempts (tenant, id, delivery, started_at) values ($1, $2, $3, $4)";
const ATTEMPT_END: &str = "update attempts set finished_at = $3, outcome = $4, code = $5, reason = $6 where tenant = $1 and id = $2";
const OPEN_ATTEMPT: &str = "select id from attempts where tenant = $1 and delivery = $2 and finished_at is null order by id desc limit 1";
const CANCEL_QUEUED: &str = "update deliveries set state = 'failed', error_code = $3, error_reason = $4, updated_at = $5 \
    where tenant = $1 and message = $2 and state = 'queued'";

pub const ALL: &[&str] = &[
    INSERT,
    LOAD,
    BY_KEY,
    OF_MESSAGE,
    UNSETTLED,
    SENT_UNTIL,
    BEGUN,
    QUEUED_OF_RESPONDERS,
    UPDATE,
    SET_PAYLOAD,
    ATTEMPT,
    ATTEMPT_END,
    OPEN_ATTEMPT,
    CANCEL_QUEUED,
];

/// One part of an outgoing message. `state`: queued, sending, sent, delivered, read, played, failed, unknown.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: Uuid,
    pub tenant: Uuid,
    pub channel: Uuid,
    pub conversation: Uuid,
    pub message: Uuid,
    pub part: i64,
    pub parts: i64,
    /// The part to be sent, as JSON.
    pub payload: String,
    pub state: crate::model::MessageStatus,
    /// The provider's id, reserved before the send.
    pub reserved_id: Option<String>,
    /// The key by which echoes and receipts refer to the part.
    pub external_key: Option<String>,
    pub external_id: Option<String>,
    pub tries: i64,
    pub error: Option<crate::model::MessageError>,
    /// Since when it is uncertain whether the part was sent: from the first attempt until an answer, an echo, a
    /// receipt or a refusal settles it.
    pub begun_at: Option<i64>,
    /// When it left.
    pub sent_at: Option<i64>,
    /// The keys of tries before the present one, the newest last.
    pub former_keys: Vec<String>,
}

impl Delivery {
    /// Whether the key is that of a try before the present one.
    pub fn is_former(&self, key: &str) -> bool {
        self.former_keys.iter().any(|former| former == key)
    }
}

fn keys(stored: serde_json::Value) -> Vec<String> {
    serde_json::from_value(stored).unwrap_or_default()
}

fn error(code: Option<String>, reason: Option<String>) -> Option<crate::model::MessageError> {
    code.map(|code| crate::model::MessageError { code, reason: reason.unwrap_or_default() })
}

impl FromRow for Delivery {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            tenant: columns.take()?,
            channel: columns.take()?,
            conversation: columns.take()?,
            message: columns.take()?,
            part: columns.take()?,
            parts: columns.take()?,
            payload: columns.take()?,
            state: columns.word()?,
            reserved_id: columns.take()?,
            external_key: columns.take()?,
            tries: columns.take()?,
            error: error(columns.take()?, columns.take()?),
            external_id: columns.take()?,
            begun_at: columns.take()?,
            sent_at: columns.take()?,
            former_keys: columns.json_or_null()?.map_or_else(Vec::new, keys),
        })
    }
}

pub async fn insert(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(
        INSERT,
        args![
            delivery.tenant,
            delivery.id,
            delivery.channel,
            delivery.conversation,
            delivery.message,
            delivery.part,
            delivery.parts,
            &delivery.payload,
            now
        ],
    )
    .await?;
    Ok(())
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Delivery>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// Of a `(tenant, channel)`.
pub async fn by_key(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    external_key: &str,
) -> Result<Option<Delivery>, StoreError> {
    tx.one(BY_KEY, args![tenant, channel, external_key]).await
}

pub async fn of_message(tx: &mut Tx<'_>, tenant: Uuid, message: Uuid) -> Result<Vec<Delivery>, StoreError> {
    tx.all(OF_MESSAGE, args![tenant, message]).await
}

/// Parts to a contact in a thread that were begun after a time and whose outcome is or was uncertain, in any state:
/// being sent, unknown, waiting for a retry, given up. The oldest first.
pub async fn unsettled(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    (contact, thread): (Uuid, Option<&str>),
    after: i64,
) -> Result<Vec<Delivery>, StoreError> {
    tx.all(UNSETTLED, args![tenant, channel, contact, after, thread.unwrap_or_default()]).await
}

/// At most `limit` parts of a chat in a state that left by a time, the newest first.
pub async fn sent_until(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    chat: &str,
    (state, until): (crate::model::MessageStatus, i64),
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    tx.all(SENT_UNTIL, args![tenant, channel, chat, state.as_str(), until, limit]).await
}

/// At most `limit` parts of a chat whose outcome is not known and whose first attempt began within a time, the newest first.
pub async fn begun(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    chat: &str,
    (from, until): (i64, i64),
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    tx.all(BEGUN, args![tenant, channel, chat, from, until, limit]).await
}

/// Parts of AI answers that are queued.
pub async fn queued_of_responders(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
) -> Result<Vec<Delivery>, StoreError> {
    tx.all(QUEUED_OF_RESPONDERS, args![tenant, conversation]).await
}

pub async fn update(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), StoreError> {
    let now = tx.now();
    let (code, reason) = delivery
        .error
        .as_ref()
        .map_or((None, None), |error| (Some(error.code.as_str()), Some(error.reason.as_str())));
    let former =
        (!delivery.former_keys.is_empty()).then(|| serde_json::json!(delivery.former_keys).to_string());
    tx.put(
        UPDATE,
        args![
            delivery.tenant,
            delivery.id,
            delivery.state.as_str(),
            &delivery.reserved_id,
            &delivery.external_key,
            &delivery.external_id,
            delivery.tries,
            code,
            reason,
            now,
            delivery.begun_at,
            delivery.sent_at,
            former.as_deref()
        ],
    )
    .await?;
    Ok(())
}

pub async fn set_payload(tx: &mut Tx<'_>, delivery: &Delivery, payload: &str) -> Result<(), StoreError> {
    tx.put(SET_PAYLOAD, args![delivery.tenant, delivery.id, payload]).await
}

/// Records that a send begins. After a crash from here on it is unknown whether the part was sent.
pub async fn begin_attempt(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<Uuid, StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.put(ATTEMPT, args![delivery.tenant, id, delivery.id, now]).await?;
    Ok(id)
}

pub async fn end_attempt(
    tx: &mut Tx<'_>,
    (tenant, attempt): (Uuid, Uuid),
    outcome: &str,
    code: Option<&str>,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(ATTEMPT_END, args![tenant, attempt, now, outcome, code, reason]).await?;
    Ok(())
}

/// The attempt that has begun and not ended.
pub async fn open_attempt(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<Option<Uuid>, StoreError> {
    Ok(tx.one::<(Uuid,)>(OPEN_ATTEMPT, args![delivery.tenant, delivery.id]).await?.map(|(id,)| id))
}

/// Fails the unsent parts of a message after one of its parts was refused.
pub async fn fail_queued(
    tx: &mut Tx<'_>,
    part: &Delivery,
    code: &str,
    reason: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(CANCEL_QUEUED, args![part.tenant, part.message, code, reason, now]).await?;
    Ok(())
}
