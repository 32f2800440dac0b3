//! Since when a conversation has its owner, until when the AI is silent, and its first messages: late events are
//! compared with them.

use uuid::Uuid;

use super::value::{FromRow, Row, from_row};
use super::{StoreError, Tx, Verb};
use crate::args;
use crate::error::Error;
use crate::model::{AuthorKind, Direction};

const LOAD: &str = "select owner_at, silent_until, heard_at from conversations where tenant = $1 and id = $2";
const SET_SILENT: &str = "update conversations set silent_until = $3 where tenant = $1 and id = $2";
const SET_SINCE: &str = "update conversations set owner_at = $3 where tenant = $1 and id = $2";
const FIRST: &str = "select id, direction, author_kind, provider_at, created_at from messages \
    where tenant = $1 and conversation = $2 and seq = 1";
const RECENT: &str = "select id, direction, author_kind, provider_at, created_at from messages \
    where tenant = $1 and conversation = $2 and direction <> 'note' order by seq desc limit $3";
const ELSEWHERE: &str = "select (select coalesce(m.provider_at, m.created_at) from messages m where m.tenant = c.tenant \
    and m.conversation = c.id and m.direction <> 'note' order by m.seq desc limit 1) from conversations c \
    where c.tenant = $1 and c.contact = $2 and c.channel = $3 and c.id <> $4 order by c.id desc limit 10";
const OVER: &str = "select tenant, id, silent_until from conversations where silent_until <= $1 and (silent_until, id) > ($2, $3) \
    order by silent_until, id limit $4";

pub const ALL: &[&str] = &[LOAD, SET_SILENT, SET_SINCE, FIRST, RECENT, ELSEWHERE, OVER];

/// Times are Unix milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ownership {
    /// When the owner changed last; `None` while it is the first owner.
    pub owner_at: Option<i64>,
    /// When the conversation returns to the AI automatically.
    pub silent_until: Option<i64>,
    /// When the customer wrote last, by the provider's time.
    pub heard_at: Option<i64>,
}

from_row!(Ownership { owner_at, silent_until, heard_at });

/// A message of a conversation: who wrote it, and when.
#[derive(Clone, Debug)]
pub struct Said {
    pub id: Uuid,
    pub direction: Direction,
    pub author: AuthorKind,
    /// The provider's time if it gave one, else the time of arrival.
    pub at: i64,
}

impl FromRow for Said {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        let (id, direction, author) = (columns.take()?, columns.word()?, columns.word()?);
        let provider_at = columns.take::<Option<i64>>()?;
        Ok(Self { id, direction, author, at: provider_at.unwrap_or(columns.take()?) })
    }
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<Ownership, StoreError> {
    Ok(tx.one(LOAD, args![tenant, conversation]).await?.unwrap_or_default())
}

pub async fn first(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<Option<Said>, StoreError> {
    tx.one(FIRST, args![tenant, conversation]).await
}

/// The newest messages of a conversation without notes, newest first.
pub async fn recent(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    limit: i64,
) -> Result<Vec<Said>, StoreError> {
    tx.all(RECENT, args![tenant, conversation, limit]).await
}

/// The time of the last message in the contact's other conversations on the channel; `None` if there is none.
pub async fn last_elsewhere(
    tx: &mut Tx<'_>,
    (tenant, contact, channel): (Uuid, Uuid, Uuid),
    conversation: Uuid,
) -> Result<Option<i64>, StoreError> {
    let found: Vec<(Option<i64>,)> = tx.all(ELSEWHERE, args![tenant, contact, channel, conversation]).await?;
    Ok(found.into_iter().filter_map(|(at,)| at).max())
}

/// Silences the AI until this time, after which the conversation returns to it; `None`: until a person returns it.
pub async fn set_silent(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    until: Option<i64>,
) -> Result<(), StoreError> {
    tx.put(SET_SILENT, args![tenant, conversation, until]).await
}

/// Backdates the change of owner to the time of the event that caused it.
pub async fn set_since(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    at: Option<i64>,
) -> Result<(), StoreError> {
    tx.put(SET_SINCE, args![tenant, conversation, at]).await
}

/// A tenant, a conversation, and the time when its silence ended.
pub type OverSince = (Uuid, Uuid, i64);

/// Conversations whose silence has ended, ordered by its end: a page after `(end, id)`.
pub struct Over {
    pub now: i64,
    pub after: (i64, Uuid),
    pub limit: i64,
}

impl Verb for Over {
    type Out = Vec<OverSince>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(tx.all(OVER, args![self.now, self.after.0, self.after.1, self.limit]).await?)
    }
}
