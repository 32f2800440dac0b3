//! Read marks: how far each user has read each conversation.

use uuid::Uuid;

use super::value::Arg;
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Conversation, ReadMark};

const GET: &str =
    "select seq, inbound_count from reads where tenant = $1 and conversation = $2 and user_id = $3";
/// A mark only moves forward.
const MARK: &str = "insert into reads (tenant, conversation, user_id, seq, inbound_count, updated_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict (tenant, conversation, user_id) do update set seq = excluded.seq, inbound_count = excluded.inbound_count, \
    updated_at = excluded.updated_at where reads.seq < excluded.seq";

pub const ALL: &[&str] = &[GET, MARK];

pub async fn get(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    user: Uuid,
) -> Result<ReadMark, StoreError> {
    let row = tx.one::<(i64, i64)>(GET, args![tenant, conversation, user]).await?;
    Ok(row.map_or_else(ReadMark::default, |(seq, inbound_count)| ReadMark { seq, inbound_count }))
}

/// A user's marks in these conversations, in their order.
pub async fn of_user(
    tx: &mut Tx<'_>,
    user: Option<Uuid>,
    conversations: &[Conversation],
) -> Result<Vec<ReadMark>, StoreError> {
    let Some(user) = user else { return Ok(vec![ReadMark::default(); conversations.len()]) };
    let asked: Vec<_> = conversations
        .iter()
        .map(|one| vec![Arg::from(one.tenant), Arg::from(one.id), Arg::from(user)])
        .collect();
    let rows: Vec<Vec<(i64, i64)>> = tx.each(GET, &asked).await?;
    let mark = |rows: &Vec<(i64, i64)>| rows.first().map_or((0, 0), |row| *row);
    Ok(rows.iter().map(mark).map(|(seq, inbound_count)| ReadMark { seq, inbound_count }).collect())
}

/// Moves the mark forward; `false` if it was already there.
pub async fn mark(
    tx: &mut Tx<'_>,
    (tenant, conversation): (Uuid, Uuid),
    user: Uuid,
    mark: ReadMark,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(MARK, args![tenant, conversation, user, mark.seq, mark.inbound_count, now]).await? == 1)
}
