//! Raw webhook bodies, stored in the transaction that applies them: the integration log, and the source of a replay.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;

const INSERT: &str = "insert into envelopes (tenant, id, channel, body, outcome, error, events, received_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
/// For long bodies only the length is read: a page has up to 200 rows.
const PAGE: &str = "select id, channel, received_at, outcome, error, events, \
    case when length(body) <= 16384 then body end, cast(length(body) as bigint) from envelopes \
    where tenant = $1 and id < $2 order by id desc limit $3";
const PAGE_OF_CHANNEL: &str = "select id, channel, received_at, outcome, error, events, \
    case when length(body) <= 16384 then body end, cast(length(body) as bigint) from envelopes \
    where tenant = $1 and channel = $4 and id < $2 order by id desc limit $3";
const SET_OUTCOME: &str = "update envelopes set outcome = $3, error = $4, events = $5, \
    replayed_at = coalesce($6, replayed_at) where tenant = $1 and id = $2";
const BODY: &str = "select channel, body from envelopes where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[INSERT, PAGE, PAGE_OF_CHANNEL, BODY, SET_OUTCOME];

/// The most characters of a body that the log shows.
const PREVIEW: usize = 300;

/// A line of the integration log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogEntry {
    pub id: Uuid,
    pub channel: Uuid,
    pub received_at: i64,
    /// `events`, `ignored`, `unparsable`, or `failed` when its effects could not be applied.
    pub outcome: String,
    pub error: Option<String>,
    pub events: i64,
    /// The beginning of the body, with everything that looks like text of a person left out; of more than 16 KiB only
    /// how many they are.
    pub body_preview: String,
}

impl FromRow for LogEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            channel: columns.take()?,
            received_at: columns.take()?,
            outcome: columns.take()?,
            error: columns.take()?,
            events: columns.take()?,
            body_preview: shown(columns.take()?, columns.take()?),
        })
    }
}

fn shown(body: Option<Vec<u8>>, length: i64) -> String {
    body.map_or_else(|| format!("{length} bytes"), |body| preview(&body))
}

/// The structure of a body without its contents: each JSON text is replaced by its length.
fn preview(body: &[u8]) -> String {
    let shown = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(mut value) => {
            redact(&mut value);
            value.to_string()
        }
        Err(_) => format!("{} bytes that are not JSON", body.len()),
    };
    shown.chars().take(PREVIEW).collect()
}

fn redact(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        // Short lower-case words are the provider's vocabulary (event names, kinds, states) and stay.
        Value::String(text)
            if text.len() > 24 || !text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.') =>
        {
            *text = format!("({} characters)", text.chars().count());
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => fields.values_mut().for_each(redact),
        _ => {}
    }
}

pub struct NewEnvelope<'a> {
    pub tenant: Uuid,
    pub channel: Uuid,
    pub body: &'a [u8],
    pub outcome: &'a str,
    pub error: Option<&'a str>,
    pub events: i64,
}

pub async fn insert(tx: &mut Tx<'_>, new: &NewEnvelope<'_>) -> Result<Uuid, StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.put(INSERT, args![new.tenant, id, new.channel, new.body, new.outcome, new.error, new.events, now])
        .await?;
    Ok(id)
}

/// One page of the log, newest first.
pub async fn page(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    channel: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<LogEntry>, StoreError> {
    let before = before.unwrap_or(Uuid::max());
    match channel {
        Some(channel) => tx.all(PAGE_OF_CHANNEL, args![tenant, before, limit, channel]).await,
        None => tx.all(PAGE, args![tenant, before, limit]).await,
    }
}

/// The channel and the bytes of a stored body.
pub async fn body(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<(Uuid, Vec<u8>)>, StoreError> {
    tx.one(BODY, args![tenant, id]).await
}

/// Stores the outcome of applying the events of a body, and of a replay.
pub async fn set_outcome(
    tx: &mut Tx<'_>,
    (tenant, id): (Uuid, Uuid),
    outcome: &str,
    error: Option<&str>,
    events: i64,
    replayed_at: Option<i64>,
) -> Result<(), StoreError> {
    tx.put(SET_OUTCOME, args![tenant, id, outcome, error, events, replayed_at]).await
}
