//! How often a machine has answered an address within an hour, so that two machines do not answer each other for ever. Only
//! channels that limit it have rows here.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const WITHIN_MS: i64 = 3_600_000;

const COUNT: &str = "select amount from automatic_answers where tenant = $1 and channel = $2 and address = $3 and since_at > $4";
const ADD: &str = "insert into automatic_answers (tenant, channel, address, since_at, amount) values ($1, $2, $3, $4, 1) \
    on conflict (tenant, channel, address) do update set \
    amount = case when automatic_answers.since_at > $5 then automatic_answers.amount + 1 else 1 end, \
    since_at = case when automatic_answers.since_at > $5 then automatic_answers.since_at else $4 end";
const FORGET: &str = "delete from automatic_answers where tenant = $1 and channel = $2 and since_at <= $3";

pub const ALL: &[&str] = &[COUNT, ADD, FORGET];

/// The answers to the address in the hour that began with the first of them.
pub async fn count(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    address: &str,
) -> Result<i64, StoreError> {
    let since = tx.now() - WITHIN_MS;
    let found = tx.one::<(i64,)>(COUNT, args![tenant, channel, address, since]).await?;
    Ok(found.map_or(0, |(amount,)| amount))
}

/// Counts an answer, and forgets the addresses of the channel whose hour is over.
pub async fn add(tx: &mut Tx<'_>, (tenant, channel): (Uuid, Uuid), address: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(ADD, args![tenant, channel, address, now, now - WITHIN_MS]).await?;
    tx.put(FORGET, args![tenant, channel, now - WITHIN_MS]).await
}
