//! Turns. The row is authoritative for the due time, the lease and the number of attempts. Timers in memory only make
//! it punctual.

use uuid::Uuid;

use super::value::{Arg, Columns, FromRow, Row, from_row};
use super::{StoreError, Tx, Verb};
use crate::args;
use crate::error::Error;
use crate::model::{Conversation, Turn, TurnState};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select t.id, t.conversation, t.state, t.first_seq, t.last_seq, t.message_count, t.opened_at, t.due_at, \
             t.attempt, t.supersedes, t.lease_until, t.reason, t.epoch, t.lease, t.window_at from turns t ",
            $rest
        )
    };
}

const INSERT: &str = "insert into turns (tenant, id, company, channel, conversation, state, epoch, first_seq, last_seq, \
    message_count, window_at, due_at, attempt, supersedes, opened_at) \
    values ($1, $2, $3, $4, $5, 'collecting', $6, $7, $8, $9, $10, $11, 0, 0, $10)";
const UPDATE: &str = "update turns set state = $3, epoch = $4, last_seq = $5, message_count = $6, window_at = $7, due_at = $8, \
    attempt = $9, supersedes = $10, lease = $11, lease_until = $12, reason = $13, closed_at = $14, first_seq = $15 \
    where tenant = $1 and id = $2";
const OPEN: &str =
    select!("where t.tenant = $1 and t.conversation = $2 and t.state in ('collecting', 'offered')");
const LOAD: &str = select!("where t.tenant = $1 and t.id = $2");
const DUE: &str = "select t.id, t.tenant, t.channel, t.due_at from turns t where t.state = 'collecting' \
    and t.due_at <= $1 and (t.due_at, t.id) > ($2, $3) order by t.due_at, t.id limit $4";
const EXPIRED: &str = "select t.id, t.tenant, t.channel, t.lease_until from turns t where t.state = 'offered' \
    and t.lease_until <= $1 order by t.lease_until limit $2";

/// The turns that wait for their channel, a bounded number at a time; the others are found when they are due.
const PAUSED: &str = "select id, reason from turns where tenant = $1 and channel = $2 and due_at > $3 and state = 'collecting' \
    order by due_at, id limit 500";
const RESUME: &str = "update turns set due_at = $3, reason = null where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[INSERT, UPDATE, OPEN, LOAD, DUE, EXPIRED, PAUSED, RESUME];

impl FromRow for Turn {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        read(&mut row.columns())
    }
}

/// A turn from the columns that `select!` names.
pub(super) fn read(columns: &mut Columns<'_, '_>) -> Result<Turn, StoreError> {
    Ok(Turn {
        id: columns.take()?,
        conversation: columns.take()?,
        state: columns.word()?,
        first_seq: columns.take()?,
        last_seq: columns.take()?,
        count: columns.take()?,
        opened_at: columns.take()?,
        due_at: columns.take()?,
        attempt: columns.take()?,
        supersedes: columns.take()?,
        lease_until: columns.take()?,
        reason: columns.take()?,
        epoch: columns.take()?,
        lease: columns.take()?,
        window_at: columns.take()?,
    })
}

/// The turns of a conversation that have not ended: at most one collecting and one offered.
#[derive(Clone, Debug, Default)]
pub struct OpenTurns {
    pub collecting: Option<Turn>,
    pub offered: Option<Turn>,
}

impl OpenTurns {
    pub(super) fn put(&mut self, turn: Turn) {
        match turn.state {
            TurnState::Offered => self.offered = Some(turn),
            _ => self.collecting = Some(turn),
        }
    }
}

pub async fn open_of(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<OpenTurns, StoreError> {
    let mut open = OpenTurns::default();
    for turn in tx.all::<Turn>(OPEN, args![tenant, conversation]).await? {
        open.put(turn);
    }
    Ok(open)
}

/// The turn that people see: the one being answered, else the one that is collecting.
pub async fn shown(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<Option<Turn>, StoreError> {
    let open = open_of(tx, tenant, conversation).await?;
    Ok(open.offered.or(open.collecting))
}

/// Adds the visible turn to each conversation.
pub async fn show(tx: &mut Tx<'_>, conversations: &mut [Conversation]) -> Result<(), StoreError> {
    let asked: Vec<_> =
        conversations.iter().map(|one| vec![Arg::from(one.tenant), Arg::from(one.id)]).collect();
    let found: Vec<Vec<Turn>> = tx.each(OPEN, &asked).await?;
    for (conversation, turns) in conversations.iter_mut().zip(found) {
        let offered = turns.iter().position(|turn| turn.state == TurnState::Offered);
        conversation.turn = turns.into_iter().nth(offered.unwrap_or(0));
    }
    Ok(())
}

/// A turn that is due or whose lease has expired.
#[derive(Clone, Copy, Debug)]
pub struct DueTurn {
    pub id: Uuid,
    pub tenant: Uuid,
    pub channel: Uuid,
    /// When it was due, or when its lease expired.
    pub at: i64,
}

from_row!(DueTurn { id, tenant, channel, at });

pub async fn insert(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    company: Uuid,
    channel: Uuid,
    turn: &Turn,
) -> Result<(), StoreError> {
    tx.put(
        INSERT,
        args![
            tenant,
            turn.id,
            company,
            channel,
            turn.conversation,
            turn.epoch,
            turn.first_seq,
            turn.last_seq,
            turn.count,
            turn.window_at,
            turn.due_at
        ],
    )
    .await?;
    Ok(())
}

/// Stores all fields of a turn that can change; a turn that has ended gets its end time.
pub async fn update(tx: &mut Tx<'_>, tenant: Uuid, turn: &Turn) -> Result<(), StoreError> {
    let open = matches!(turn.state, TurnState::Collecting | TurnState::Offered);
    let closed_at = (!open).then(|| tx.now());
    tx.put(
        UPDATE,
        args![
            tenant,
            turn.id,
            turn.state.as_str(),
            turn.epoch,
            turn.last_seq,
            turn.count,
            turn.window_at,
            turn.due_at,
            turn.attempt,
            turn.supersedes,
            turn.lease,
            turn.lease_until,
            &turn.reason,
            closed_at,
            turn.first_seq
        ],
    )
    .await?;
    Ok(())
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Turn>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// Makes the turns that waited for this reason due now.
pub async fn resume(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    reason: &str,
) -> Result<Vec<Uuid>, StoreError> {
    let now = tx.now();
    let mut rows: Vec<(Uuid, Option<String>)> = tx.all(PAUSED, args![tenant, channel, now]).await?;
    rows.retain(|(_, why)| why.as_deref() == Some(reason));
    for (id, _) in &rows {
        tx.put(RESUME, args![tenant, *id, now]).await?;
    }
    Ok(rows.into_iter().map(|(id, _)| id).collect())
}

/// Due turns by ascending due time: a page after `(due_at, id)`.
pub struct Due {
    pub now: i64,
    pub after: (i64, Uuid),
    pub limit: i64,
}

impl Verb for Due {
    type Out = Vec<DueTurn>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<DueTurn>, Error> {
        Ok(tx.all(DUE, args![self.now, self.after.0, self.after.1, self.limit]).await?)
    }
}

/// Turns whose lease has expired.
pub struct Expired {
    pub now: i64,
    pub limit: i64,
}

impl Verb for Expired {
    type Out = Vec<DueTurn>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<DueTurn>, Error> {
        Ok(tx.all(EXPIRED, args![self.now, self.limit]).await?)
    }
}

/// Of these `(tenant, turn, lease)`, the `(turn, lease)` whose lease is not current any more.
pub struct Over(pub Vec<(Uuid, Uuid, Uuid)>);

impl Verb for Over {
    type Out = Vec<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut over = Vec::new();
        for (tenant, turn, lease) in &self.0 {
            let row = load(tx, *tenant, *turn).await?;
            if row.is_none_or(|row| row.state != TurnState::Offered || row.lease != Some(*lease)) {
                over.push((*turn, *lease));
            }
        }
        Ok(over)
    }
}
