//! Tallies: the number of conversations in each list by channel and assignee. They are updated with every change, so
//! that no query counts conversations.

use uuid::Uuid;

use super::value::Arg;
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Bucket, Conversation};

const ADD: &str = "insert into tallies (tenant, channel, bucket, assignee, amount) values ($1, $2, $3, $4, $5) \
    on conflict (tenant, channel, bucket, assignee) do update set amount = tallies.amount + excluded.amount";
/// The totals, and those of one assignee.
const OF_TENANT: &str = "select channel, bucket, cast(sum(amount) as bigint), \
    cast(sum(case when assignee = $2 then amount else 0 end) as bigint) from tallies where tenant = $1 \
    group by channel, bucket";

pub const ALL: &[&str] = &[ADD, OF_TENANT];

pub(super) async fn add(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    bucket: Bucket,
    assignee: Option<Uuid>,
    change: i64,
) -> Result<(), StoreError> {
    let assignee = assignee.unwrap_or_default();
    tx.put(ADD, args![conversation.tenant, conversation.channel, bucket.as_str(), assignee, change]).await
}

/// A channel, a bucket, the number of its conversations, and how many of them are the assignee's.
pub type Tally = (Uuid, Bucket, i64, i64);

/// The tallies of each tenant, in the tenants' order.
pub async fn of_tenants(
    tx: &mut Tx<'_>,
    tenants: &[Uuid],
    assignee: Option<Uuid>,
) -> Result<Vec<Vec<Tally>>, StoreError> {
    // The largest id belongs to no user.
    let assignee = assignee.unwrap_or(Uuid::max());
    let asked: Vec<_> = tenants.iter().map(|tenant| vec![Arg::from(*tenant), Arg::from(assignee)]).collect();
    let rows: Vec<Vec<(Uuid, String, i64, i64)>> = tx.each(OF_TENANT, &asked).await?;
    let tally = |(channel, bucket, amount, of_assignee): (Uuid, String, i64, i64)| {
        Ok((channel, bucket.parse().map_err(StoreError::Engine)?, amount, of_assignee))
    };
    rows.into_iter().map(|rows| rows.into_iter().map(tally).collect()).collect()
}
