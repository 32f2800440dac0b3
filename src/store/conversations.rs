//! Conversations. A partial unique index allows at most one open conversation per contact, channel and thread.

mod bucket;

use adapters::Address;
use uuid::Uuid;

use super::turns::OpenTurns;
use super::value::{Arg, Columns, FromRow, Row};
use super::{StoreError, Tx, channels, labelled, threads};
use crate::args;
use crate::error::Error;
use crate::model::{Bucket, Channel, Contact, Conversation, ConversationState, LastMessage, Standing, Turn};

use bucket::{SET_BUCKET, update_bucket};
pub use bucket::{answered, wait, waits};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select c.id, c.tenant, h.company, c.channel, h.kind, p.id, p.name, p.handle, p.user_name, p.opted_out_at, \
             p.merged_into, p.has_merged, p.labels, p.blocked_at, c.labels, c.state, c.owner, c.epoch, c.assignee, c.handoff_reason, c.last_seq, c.last_message, c.inbound_count, c.opened_at, \
             c.updated_at, c.external_id, c.is_group, c.waiting_since, c.bucket, c.thread, c.thread_title, c.source, c.heard_at from conversations c \
             join channels h on h.tenant = c.tenant and h.id = c.channel \
             join contacts p on p.tenant = c.tenant and p.id = c.contact ",
            $rest
        )
    };
}

const LOAD: &str = select!("where c.tenant = $1 and c.id = $2");
/// The open conversation of a contact in a thread of a channel.
const LOAD_OPEN: &str = select!(
    "where c.tenant = $1 and c.channel = $2 and c.contact = $3 and c.thread = $4 and c.state = 'open'"
);
const ARRIVAL: &str = "select p.id, p.name, p.handle, p.user_name, p.opted_out_at, p.merged_into, p.has_merged, p.labels, p.blocked_at, (exists (select 1 from messages m where m.tenant = $1 \
    and m.channel = $2 and m.external_key = $4) or exists (select 1 from left_messages l where l.tenant = $1 \
    and l.channel = $2 and l.external_key = $4)), exists (select 1 from pending_changes e where e.tenant = $1 \
    and e.channel = $2 and e.target_key = $4), \
    c.id, c.tenant, h.company, c.channel, h.kind, p.id, p.name, p.handle, p.user_name, p.opted_out_at, p.merged_into, p.has_merged, \
    p.labels, p.blocked_at, c.labels, c.state, c.owner, c.epoch, c.assignee, \
    c.handoff_reason, c.last_seq, c.last_message, c.inbound_count, c.opened_at, c.updated_at, c.external_id, c.is_group, \
    c.waiting_since, c.bucket, c.thread, c.thread_title, c.source, c.heard_at, t.id, t.conversation, t.state, t.first_seq, t.last_seq, t.message_count, t.opened_at, \
    t.due_at, t.attempt, t.supersedes, t.lease_until, t.reason, t.epoch, t.lease, t.window_at \
    from identities i join contacts p on p.tenant = i.tenant and p.id = i.contact \
    join channels h on h.tenant = i.tenant and h.id = i.channel \
    left join conversations c on c.tenant = i.tenant and c.channel = i.channel and c.contact = i.contact \
    and c.thread = $5 and c.state = 'open' \
    left join turns t on t.tenant = c.tenant and t.conversation = c.id and t.state in ('collecting', 'offered') \
    where i.tenant = $1 and i.channel = $2 and i.external_id = $3";
const OPEN: &str = "insert into conversations (tenant, id, company, channel, contact, external_id, is_group, state, \
    owner, epoch, last_seq, inbound_count, opened_at, updated_at, bucket, thread, thread_title, heard_at) \
    values ($1, $2, $3, $4, $5, $6, $7, 'open', $8, 1, 0, 0, $9, $9, $10, $11, $12, $13)";
/// When the customer of a chat wrote last, in its newest conversations.
const LAST_HEARD: &str = "select max(o.heard_at) from (select heard_at from conversations where tenant = $1 and channel = $2 \
    and external_id = $3 order by id desc limit 5) o";
const ADVANCE: &str = "update conversations set last_seq = $3, inbound_count = $4, last_message = $5, updated_at = $6, \
    heard_at = case when heard_at is null or heard_at < $7 then coalesce($7, heard_at) else heard_at end where tenant = $1 and id = $2";
const SET_ADDRESS: &str = "update conversations set external_id = $3 where tenant = $1 and id = $2";
const SET_OWNER: &str = "update conversations set owner = $3, epoch = epoch + 1, assignee = $4, handoff_reason = $5, \
    owner_at = $6, silent_until = null where tenant = $1 and id = $2";
const SET_STATE: &str =
    "update conversations set state = $3, closed_at = $4, epoch = epoch + 1 where tenant = $1 and id = $2";
const SET_ASSIGNEE: &str = "update conversations set assignee = $3 where tenant = $1 and id = $2";
const SET_LAST_MESSAGE: &str = "update conversations set last_message = $3 where tenant = $1 and id = $2";
const RENAME: &str =
    "update conversations set external_id = $4 where tenant = $1 and channel = $2 and external_id = $3";
const OPEN_OF: &str = "select id from conversations where tenant = $1 and channel = $2 and contact = $3 \
    and thread = $4 and state = 'open'";
/// The limit bounds the contact's threads on the channel.
const ALL_OPEN_OF: &str = "select id from conversations where tenant = $1 and channel = $2 and contact = $3 \
    and state = 'open' order by thread limit 100";

/// The newest conversations of a contact, on all channels.
const OF_CONTACT: &str = "select c.id, h.company from conversations c \
    join channels h on h.tenant = c.tenant and h.id = c.channel where c.tenant = $1 and c.contact = $2 order by c.id desc limit $3";

const CHAT: &str = "select external_id from conversations where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[
    CHAT,
    OF_CONTACT,
    LOAD,
    LOAD_OPEN,
    ARRIVAL,
    OPEN,
    LAST_HEARD,
    ADVANCE,
    SET_ADDRESS,
    SET_OWNER,
    SET_STATE,
    SET_ASSIGNEE,
    SET_LAST_MESSAGE,
    SET_BUCKET,
    RENAME,
    OPEN_OF,
    ALL_OPEN_OF,
];

impl FromRow for Conversation {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        read(&mut row.columns())
    }
}

/// The number of columns that [`read`] takes.
const COLUMNS: usize = 33;

/// A conversation from the columns that `select!` names.
fn read(columns: &mut Columns<'_, '_>) -> Result<Conversation, StoreError> {
    let mut found = Conversation {
        id: columns.take()?,
        tenant: columns.take()?,
        company: columns.take()?,
        channel: columns.take()?,
        channel_kind: columns.take()?,
        contact: super::contacts::read(columns)?,
        labels: columns.json_or_null()?.unwrap_or_default(),
        state: columns.word()?,
        owner: columns.word()?,
        epoch: columns.take()?,
        assignee: columns.take()?,
        handoff_reason: columns.take()?,
        last_seq: columns.take()?,
        last_message: columns.json_or_null::<LastMessage>()?,
        inbound_count: columns.take()?,
        turn: None,
        opened_at: columns.take()?,
        updated_at: columns.take()?,
        external_id: columns.take()?,
        is_group: columns.take()?,
        waiting_since: columns.take()?,
        bucket: columns.word()?,
        thread: columns.take::<Option<String>>()?.filter(|thread| !thread.is_empty()),
        thread_title: columns.take()?,
        source: columns.json_or_null()?,
        counted: None,
        moved: None,
        heard_at: None,
        last_heard_at: columns.take()?,
        can_send_until: None,
        person_can_send_until: None,
    };
    found.set_windows();
    found.counted = Some(Standing { bucket: found.bucket, assignee: found.assignee });
    Ok(found)
}

/// What an incoming message is applied to: the contact, whether the message was seen, the open conversation and its
/// open turns.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub contact: Contact,
    /// The message has already been received.
    pub seen: bool,
    /// An edit, reaction or status of the message arrived before it.
    pub awaited: bool,
    pub conversation: Option<Conversation>,
    pub turns: OpenTurns,
}

/// One row for each open turn of the conversation, or one row without a turn.
struct ArrivalRow {
    contact: Contact,
    seen: bool,
    awaited: bool,
    conversation: Option<Conversation>,
    turn: Option<Turn>,
}

impl FromRow for ArrivalRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        let contact = super::contacts::read(&mut columns)?;
        let (seen, awaited) = (columns.take()?, columns.take()?);
        let conversation = if columns.is_there()? {
            Some(read(&mut columns)?)
        } else {
            columns.skip(COLUMNS);
            None
        };
        let turn = if columns.is_there()? { Some(super::turns::read(&mut columns)?) } else { None };
        Ok(Self { contact, seen, awaited, conversation, turn })
    }
}

/// Loads the state that a message of a chat is applied to. `None`: the chat has never written. The conversation is
/// that of the thread.
pub async fn arrival(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    address: Address<'_>,
    message_key: &str,
) -> Result<Option<Arrival>, StoreError> {
    let Address { chat, thread } = address;
    let args = args![tenant, channel, chat, message_key, thread.unwrap_or_default()];
    let mut rows = tx.all::<ArrivalRow>(ARRIVAL, args).await?.into_iter();
    let Some(first) = rows.next() else { return Ok(None) };
    let mut turns = OpenTurns::default();
    for turn in first.turn.into_iter().chain(rows.filter_map(|row| row.turn)) {
        turns.put(turn);
    }
    let ArrivalRow { contact, seen, awaited, conversation, .. } = first;
    Ok(Some(Arrival { contact, seen, awaited, conversation, turns }))
}

/// The conversation with its contact and its open turn.
pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Conversation>, StoreError> {
    let Some(mut conversation) = tx.one::<Conversation>(LOAD, args![tenant, id]).await? else {
        return Ok(None);
    };
    conversation.turn = super::turns::shown(tx, tenant, id).await?;
    super::contacts::complete(tx, tenant, &mut conversation.contact).await?;
    Ok(Some(conversation))
}

/// As [`load`], for a verb that changes the conversation: the verb must name the tenant, so it holds the tenant's
/// lock.
pub async fn load_locked(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<Conversation>, StoreError> {
    tx.must_hold(tenant)?;
    load(tx, tenant, id).await
}

/// As [`load_locked`], of a conversation that must be there.
pub async fn locked(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Conversation, Error> {
    load_locked(tx, tenant, id).await?.ok_or(Error::NotFound("conversation"))
}

/// The chat's id at the provider.
pub async fn chat(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<String>, StoreError> {
    Ok(tx.one::<(String,)>(CHAT, args![tenant, id]).await?.map(|(chat,)| chat))
}

/// The conversations of those ids that exist, with their open turns; one round trip for each table.
pub async fn load_many(tx: &mut Tx<'_>, ids: &[(Uuid, Uuid)]) -> Result<Vec<Conversation>, StoreError> {
    let asked: Vec<_> = ids.iter().map(|(tenant, id)| vec![Arg::from(*tenant), Arg::from(*id)]).collect();
    let mut found: Vec<Conversation> = tx.each(LOAD, &asked).await?.into_iter().flatten().collect();
    super::turns::show(tx, &mut found).await?;
    for conversation in &mut found {
        super::contacts::complete(tx, conversation.tenant, &mut conversation.contact).await?;
    }
    Ok(found)
}

/// As [`load_many`], of one person, whose contacts are known.
pub async fn load_of_person(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    ids: &[Uuid],
    group: &[Contact],
) -> Result<Vec<Conversation>, StoreError> {
    let asked: Vec<_> = ids.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
    let mut found: Vec<Conversation> = tx.each(LOAD, &asked).await?.into_iter().flatten().collect();
    super::turns::show(tx, &mut found).await?;
    for conversation in found.iter_mut().filter(|one| one.contact.is_joined()) {
        super::contacts::show(&mut conversation.contact, group);
    }
    Ok(found)
}

/// What is needed to open a conversation.
pub struct NewConversation<'a> {
    pub channel: &'a Channel,
    pub contact: &'a Contact,
    pub address: Address<'a>,
    /// The title of the thread that the message gives.
    pub thread_title: Option<&'a str>,
    pub is_group: bool,
    pub owner: crate::model::Owner,
}

/// Returns the open conversation of the contact in its thread: `found` if given, else the stored one, else a new one.
pub async fn open(
    tx: &mut Tx<'_>,
    new: &NewConversation<'_>,
    found: Option<Conversation>,
) -> Result<Conversation, StoreError> {
    let NewConversation { channel, contact, address, thread_title, is_group, owner } = *new;
    let (external_id, thread) = (address.chat, address.thread.unwrap_or_default());
    tx.must_hold(channel.tenant)?;
    let found = match found {
        Some(found) => Some(found),
        None => {
            tx.one::<Conversation>(LOAD_OPEN, args![channel.tenant, channel.id, contact.id, thread]).await?
        }
    };
    if let Some(mut found) = found {
        if found.external_id != external_id {
            tx.put(SET_ADDRESS, args![found.tenant, found.id, external_id]).await?;
            external_id.clone_into(&mut found.external_id);
        }
        if found.thread_title.is_none() && thread_title.is_some() {
            found.thread_title = threads::title(tx, channel, address, thread_title).await?;
            if let Some(title) = &found.thread_title {
                threads::show(tx, found.tenant, found.id, title).await?;
            }
        }
        super::contacts::complete(tx, found.tenant, &mut found.contact).await?;
        return Ok(found);
    }
    let (id, now) = (tx.new_id(), tx.now());
    let mut made = Conversation {
        id,
        tenant: channel.tenant,
        // The caller's copy of the channel may be older than a move to another company.
        company: channels::company_of(tx, channel).await?,
        channel: channel.id,
        channel_kind: channel.kind.clone(),
        contact: contact.clone(),
        labels: Vec::new(),
        state: ConversationState::Open,
        owner,
        epoch: 1,
        assignee: None,
        handoff_reason: None,
        last_seq: 0,
        last_message: None,
        inbound_count: 0,
        turn: None,
        opened_at: now,
        updated_at: now,
        waiting_since: None,
        bucket: Bucket::Closed,
        counted: None,
        moved: None,
        external_id: external_id.to_owned(),
        is_group,
        thread: address.thread.map(str::to_owned),
        thread_title: threads::title(tx, channel, address, thread_title).await?,
        source: None,
        heard_at: None,
        last_heard_at: None,
        can_send_until: None,
        person_can_send_until: None,
    };
    if made.window().is_some() {
        // The window belongs to the chat: a conversation that the business opens has what is left of it.
        made.last_heard_at = tx
            .one::<(Option<i64>,)>(LAST_HEARD, args![made.tenant, made.channel, external_id])
            .await?
            .and_then(|(at,)| at);
        made.set_windows();
    }
    super::contacts::complete(tx, made.tenant, &mut made.contact).await?;
    made.bucket = made.standing().bucket;
    let args = args![
        made.tenant,
        id,
        made.company,
        made.channel,
        contact.id,
        external_id,
        is_group,
        owner.as_str(),
        now,
        made.bucket.as_str(),
        thread,
        made.thread_title.as_deref(),
        made.last_heard_at
    ];
    tx.put(OPEN, args).await?;
    update_bucket(tx, &mut made).await?;
    labelled::put(tx, &made).await?;
    Ok(made)
}

/// Stores the fields that a new message changed.
pub async fn advance(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let last = text_of(conversation.last_message.as_ref())?;
    tx.put(
        ADVANCE,
        args![
            conversation.tenant,
            conversation.id,
            conversation.last_seq,
            conversation.inbound_count,
            last.as_deref(),
            conversation.updated_at,
            conversation.heard_at
        ],
    )
    .await?;
    labelled::follow(tx, conversation).await
}

fn text_of(last: Option<&LastMessage>) -> Result<Option<String>, StoreError> {
    last.map(serde_json::to_string).transpose().map_err(|error| StoreError::Engine(error.to_string()))
}

/// Stores owner, assignee and reason, and increments the epoch (also in the value). Removes the end of a timed
/// silence.
pub async fn set_owner(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(
        SET_OWNER,
        args![
            conversation.tenant,
            conversation.id,
            conversation.owner.as_str(),
            conversation.assignee,
            &conversation.handoff_reason,
            now
        ],
    )
    .await?;
    conversation.epoch += 1;
    update_bucket(tx, conversation).await
}

/// Stores the state, open or closed, and increments the epoch.
pub async fn set_state(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    let closed_at = (conversation.state == crate::model::ConversationState::Closed).then(|| tx.now());
    tx.put(SET_STATE, args![conversation.tenant, conversation.id, conversation.state.as_str(), closed_at])
        .await?;
    conversation.epoch += 1;
    update_bucket(tx, conversation).await
}

pub async fn set_assignee(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    tx.put(SET_ASSIGNEE, args![conversation.tenant, conversation.id, conversation.assignee]).await?;
    update_bucket(tx, conversation).await
}

/// Stores the preview of the newest message after it was edited or deleted.
pub async fn set_last_message(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let last = text_of(conversation.last_message.as_ref())?;
    tx.put(SET_LAST_MESSAGE, args![conversation.tenant, conversation.id, last.as_deref()]).await?;
    Ok(())
}

/// Replaces the chat's id in its conversations after the provider changed it.
pub async fn rename(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    tx.exec(RENAME, args![tenant, channel, from, to]).await?;
    Ok(())
}

/// The open conversation of a contact in a thread of a channel.
pub async fn open_of(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    contact: Uuid,
    thread: Option<&str>,
) -> Result<Option<Uuid>, StoreError> {
    let args = args![tenant, channel, contact, thread.unwrap_or_default()];
    Ok(tx.one::<(Uuid,)>(OPEN_OF, args).await?.map(|(id,)| id))
}

/// The open conversations of a contact on a channel, whatever their threads.
pub async fn all_open_of(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    contact: Uuid,
) -> Result<Vec<Uuid>, StoreError> {
    let found = tx.all::<(Uuid,)>(ALL_OPEN_OF, args![tenant, channel, contact]).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// The newest conversations of a contact, each with its company.
pub async fn of_contact(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    tx.all(OF_CONTACT, args![tenant, contact, limit]).await
}

/// As [`of_contact`], for each of several contacts.
pub async fn of_contacts(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[Uuid],
    limit: i64,
) -> Result<Vec<Vec<(Uuid, Uuid)>>, StoreError> {
    let asked: Vec<_> =
        contacts.iter().map(|id| vec![Arg::from(tenant), (*id).into(), limit.into()]).collect();
    tx.each(OF_CONTACT, &asked).await
}
