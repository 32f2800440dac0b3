//! Since when somebody answers a conversation, until when the AI is silent, and what it began with: what a late event is
//! compared with.

use uuid::Uuid;

use super::value::{FromRow, Row, from_row};
use super::{StoreError, Tx, Verb};
use crate::args;
use crate::error::Error;
use crate::model::{AuthorKind, Direction};

const LOAD: &str = "select owner_at, silent_until, heard_at from conversations where tenant = $1 and id = $2";
const SET_SILENT: &str = "update conversations set silent_until = $3 where tenant = $1 and id = $2";
const SET_SINCE: &str = "update conversations set owner_at = $3 where tenant = $1 and id = $2";
const FIRST: &str = "select id, direction, author_kind, text, provider_at, created_at from messages \
    where tenant = $1 and conversation = $2 and seq = 1";
const OVER: &str =
    "select tenant, id from conversations where silent_until <= $1 order by silent_until, id limit $2";

pub const ALL: &[&str] = &[LOAD, SET_SILENT, SET_SINCE, FIRST, OVER];

/// Times are Unix milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ownership {
    /// When the owner changed last; nothing while it is the first one.
    pub owner_at: Option<i64>,
    /// When the AI gets the conversation back by itself.
    pub silent_until: Option<i64>,
    /// When the customer wrote last, by the provider's time.
    pub heard_at: Option<i64>,
}

from_row!(Ownership { owner_at, silent_until, heard_at });

/// The first message of a conversation.
#[derive(Clone, Debug)]
pub struct First {
    pub id: Uuid,
    pub direction: Direction,
    pub author: AuthorKind,
    pub text: Option<String>,
    /// When it was written, by the provider's time if it gave one.
    pub at: i64,
}

impl FromRow for First {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        let (id, direction, author) = (columns.take()?, columns.word()?, columns.word()?);
        let (text, provider_at) = (columns.take()?, columns.take::<Option<i64>>()?);
        Ok(Self { id, direction, author, text, at: provider_at.unwrap_or(columns.take()?) })
    }
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<Ownership, StoreError> {
    Ok(tx.one(LOAD, args![tenant, conversation]).await?.unwrap_or_default())
}

pub async fn first(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<Option<First>, StoreError> {
    tx.one(FIRST, args![tenant, conversation]).await
}

/// The AI is silent until this time, and then gets the conversation back; nothing: until somebody gives it back.
pub async fn set_silent(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    until: Option<i64>,
) -> Result<(), StoreError> {
    tx.put(SET_SILENT, args![tenant, conversation, until]).await
}

/// The owner has it since then: what gave it to them happened before it came.
pub async fn set_since(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    at: Option<i64>,
) -> Result<(), StoreError> {
    tx.put(SET_SINCE, args![tenant, conversation, at]).await
}

/// Conversations, with their tenants, whose silence is over.
pub struct Over {
    pub now: i64,
    pub limit: i64,
}

impl Verb for Over {
    type Out = Vec<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(tx.all(OVER, args![self.now, self.limit]).await?)
    }
}
