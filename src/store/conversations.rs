//! Conversations. At most one is open for a contact on a channel: a partial unique index says so.

use uuid::Uuid;

use super::value::{Arg, FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Contact, Conversation, LastMessage};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select c.id, c.tenant, c.company, c.channel, h.kind, c.contact, p.name, p.handle, c.state, c.owner, \
             c.epoch, c.assignee, c.handoff_reason, c.last_seq, c.last_message, c.inbound_count, c.opened_at, \
             c.updated_at, c.external_id, c.is_group from conversations c join channels h on h.id = c.channel \
             join contacts p on p.id = c.contact ",
            $rest
        )
    };
}

const LOAD: &str = select!("where c.tenant = $1 and c.id = $2");
const TENANT_OF: &str = "select tenant, company from conversations where id = $1";
const OPEN: &str = "insert into conversations (id, tenant, company, channel, contact, external_id, is_group, state, \
    owner, epoch, last_seq, inbound_count, opened_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, 'open', $8, 1, 0, 0, $9, $9) \
    on conflict (channel, contact) where state = 'open' do update set external_id = excluded.external_id \
    returning id";
const ADVANCE: &str = "update conversations set last_seq = $3, inbound_count = $4, last_message = $5, updated_at = $6 \
    where tenant = $1 and id = $2";
const SET_OWNER: &str = "update conversations set owner = $3, epoch = epoch + 1, assignee = $4, handoff_reason = $5 \
    where tenant = $1 and id = $2";
const SET_STATE: &str =
    "update conversations set state = $3, closed_at = $4, epoch = epoch + 1 where tenant = $1 and id = $2";
const SET_ASSIGNEE: &str = "update conversations set assignee = $3 where tenant = $1 and id = $2";
const SET_LAST_MESSAGE: &str = "update conversations set last_message = $3 where tenant = $1 and id = $2";
const RENAME: &str = "update conversations set external_id = $3 where channel = $1 and external_id = $2";
const OPEN_TWIN: &str =
    "select id from conversations where tenant = $1 and channel = $2 and contact = $3 and state = 'open'";
/// $2 state, $3 owner or null, $4 channel or null, ($5, $6) the place to go on from.
const PAGE: &str = select!(
    "where c.tenant = $1 and c.state = $2 and c.owner = coalesce($3, c.owner) and c.channel = coalesce($4, c.channel) \
     and (c.updated_at < $5 or (c.updated_at = $5 and c.id < $6)) order by c.updated_at desc, c.id desc limit $7"
);

pub const ALL: &[&str] = &[
    LOAD,
    TENANT_OF,
    OPEN,
    ADVANCE,
    SET_OWNER,
    SET_STATE,
    SET_ASSIGNEE,
    SET_LAST_MESSAGE,
    RENAME,
    OPEN_TWIN,
    PAGE,
];

impl FromRow for Conversation {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let last_message: Option<String> = row.get(14)?;
        let last_message = last_message
            .map(|text| serde_json::from_str::<LastMessage>(&text))
            .transpose()
            .map_err(|error| StoreError::Engine(format!("conversations.last_message: {error}")))?;
        Ok(Self {
            id: row.get(0)?,
            tenant: row.get(1)?,
            company: row.get(2)?,
            channel: row.get(3)?,
            channel_kind: row.get(4)?,
            contact: Contact { id: row.get(5)?, name: row.get(6)?, handle: row.get(7)? },
            state: word(row, 8, "state")?,
            owner: word(row, 9, "owner")?,
            epoch: row.get(10)?,
            assignee: row.get(11)?,
            handoff_reason: row.get(12)?,
            last_seq: row.get(13)?,
            last_message,
            inbound_count: row.get(15)?,
            turn: None,
            opened_at: row.get(16)?,
            updated_at: row.get(17)?,
            external_id: row.get(18)?,
            is_group: row.get(19)?,
        })
    }
}

/// Reads a column that holds one of an enum's words.
pub(super) fn word<T: std::str::FromStr<Err = String>>(
    row: &Row<'_>,
    index: usize,
    name: &str,
) -> Result<T, StoreError> {
    let text: String = row.get(index)?;
    text.parse().map_err(|error| StoreError::Engine(format!("column {name}: {error}")))
}

/// The conversation with its contact and its open turn.
pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Conversation>, StoreError> {
    let Some(mut conversation) = tx.one::<Conversation>(LOAD, args![tenant, id]).await? else {
        return Ok(None);
    };
    conversation.turn = super::turns::shown(tx, id).await?;
    Ok(Some(conversation))
}

/// As [`load`], and no other transaction changes it before this one ends.
pub async fn load_locked(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<Conversation>, StoreError> {
    if let Some(lock) = tx.engine().conversation_lock() {
        tx.one::<(Uuid,)>(lock, args![tenant, id]).await?;
    }
    load(tx, tenant, id).await
}

/// The tenant and the company that a conversation belongs to: for checking a caller's right to it.
pub async fn tenant_of(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<(Uuid, Uuid)>, StoreError> {
    tx.one(TENANT_OF, args![id]).await
}

/// What is needed to open a conversation.
pub struct NewConversation<'a> {
    pub tenant: Uuid,
    pub company: Uuid,
    pub channel: Uuid,
    pub contact: Uuid,
    pub external_id: &'a str,
    pub is_group: bool,
    pub owner: crate::model::Owner,
}

/// The open conversation of the contact, made if there is none, and locked until the end of the transaction.
pub async fn open(tx: &mut Tx<'_>, new: &NewConversation<'_>) -> Result<Conversation, StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    let row = tx
        .one::<(Uuid,)>(
            OPEN,
            args![
                id,
                new.tenant,
                new.company,
                new.channel,
                new.contact,
                new.external_id,
                new.is_group,
                new.owner.as_str(),
                now
            ],
        )
        .await?;
    let (id,) =
        row.ok_or_else(|| StoreError::Engine("the conversation was neither made nor found".to_owned()))?;
    let found = tx.one::<Conversation>(LOAD, args![new.tenant, id]).await?;
    found.ok_or_else(|| StoreError::Engine("the conversation has no channel or contact".to_owned()))
}

/// Writes back what a new message changed.
pub async fn advance(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let last = text_of(conversation.last_message.as_ref())?;
    tx.exec(
        ADVANCE,
        args![
            conversation.tenant,
            conversation.id,
            conversation.last_seq,
            conversation.inbound_count,
            last.as_deref(),
            conversation.updated_at
        ],
    )
    .await?;
    Ok(())
}

fn text_of(last: Option<&LastMessage>) -> Result<Option<String>, StoreError> {
    last.map(serde_json::to_string).transpose().map_err(|error| StoreError::Engine(error.to_string()))
}

/// Writes owner, assignee and reason, and raises the epoch (here and in the value).
pub async fn set_owner(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    tx.exec(
        SET_OWNER,
        args![
            conversation.tenant,
            conversation.id,
            conversation.owner.as_str(),
            conversation.assignee,
            &conversation.handoff_reason
        ],
    )
    .await?;
    conversation.epoch += 1;
    Ok(())
}

/// Writes open or closed, and raises the epoch.
pub async fn set_state(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    let closed_at = (conversation.state == crate::model::ConversationState::Closed).then(|| tx.now());
    tx.exec(SET_STATE, args![conversation.tenant, conversation.id, conversation.state.as_str(), closed_at])
        .await?;
    conversation.epoch += 1;
    Ok(())
}

pub async fn set_assignee(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    tx.exec(SET_ASSIGNEE, args![conversation.tenant, conversation.id, conversation.assignee]).await?;
    Ok(())
}

/// After an edit or a deletion of the newest message.
pub async fn set_last_message(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let last = text_of(conversation.last_message.as_ref())?;
    tx.exec(SET_LAST_MESSAGE, args![conversation.tenant, conversation.id, last.as_deref()]).await?;
    Ok(())
}

/// The provider gave the chat another id.
pub async fn rename(tx: &mut Tx<'_>, channel: Uuid, from: &str, to: &str) -> Result<(), StoreError> {
    tx.exec(RENAME, args![channel, from, to]).await?;
    Ok(())
}

/// Another open conversation of the same contact on the same channel.
pub async fn open_twin(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<Option<Uuid>, StoreError> {
    let args = args![conversation.tenant, conversation.channel, conversation.contact.id];
    Ok(tx.one::<(Uuid,)>(OPEN_TWIN, args).await?.map(|(id,)| id))
}

/// Which conversations a page shows, and where it goes on.
pub struct Filter {
    pub tenant: Uuid,
    pub state: crate::model::ConversationState,
    pub owner: Option<crate::model::Owner>,
    pub channel: Option<Uuid>,
    /// `(updated_at, id)` of the last one seen.
    pub before: Option<(i64, Uuid)>,
    pub limit: i64,
}

/// One page, newest activity first, each with its open turn.
pub async fn page(tx: &mut Tx<'_>, filter: &Filter) -> Result<Vec<Conversation>, StoreError> {
    let (at, id) = filter.before.unwrap_or((i64::MAX, Uuid::max()));
    let owner = filter.owner.map(crate::model::Owner::as_str);
    let args = [
        Arg::from(filter.tenant),
        Arg::from(filter.state.as_str()),
        Arg::from(owner),
        Arg::from(filter.channel),
        Arg::from(at),
        Arg::from(id),
        Arg::from(filter.limit),
    ];
    let mut found: Vec<Conversation> = tx.all(PAGE, &args).await?;
    for conversation in &mut found {
        conversation.turn = super::turns::shown(tx, conversation.id).await?;
    }
    Ok(found)
}
