//! Which channel uses which provider account. These are the only queries across tenants: an account belongs to one
//! channel of the installation. Their results do not leave the verbs that run them.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Channel, ChannelState};

const HOLDER: &str = "select c.channel, c.tenant, c.proved, h.state from claims c \
    join channels h on h.tenant = c.tenant and h.id = c.channel where c.provider = $1 and c.claim = $2";
const INSERT: &str = "insert into claims (provider, claim, tenant, channel, proved, claimed_at) values ($1, $2, $3, $4, $5, $6)";
const TAKE: &str = "update claims set tenant = $3, channel = $4, proved = $5, claimed_at = $6 \
    where provider = $1 and claim = $2 and channel = $7";
const HELD: &str = "select claim from claims where tenant = $1 and channel = $2 order by claim limit $3";
const RELEASE: &str =
    "delete from claims where provider = $1 and claim = $2 and tenant = $3 and channel = $4";
const PROVE: &str = "update claims set proved = true where tenant = $1 and channel = $2";
const FREE: &str = "delete from claims where tenant = $1 and channel = $2";

const SHARING: &str = "select tenant, channel from shared_accounts where provider = $1 and claim = $2 order by tenant, channel limit $3";
const SHARE: &str = "insert into shared_accounts (provider, claim, tenant, channel) values ($1, $2, $3, $4)";
const UNSHARE: &str = "delete from shared_accounts where tenant = $1 and channel = $2";

pub const ALL: &[&str] = &[HOLDER, INSERT, TAKE, HELD, RELEASE, PROVE, FREE, SHARING, SHARE, UNSHARE];

/// The channel that holds an account.
pub struct Holder {
    pub channel: Uuid,
    pub tenant: Uuid,
    pub proved: bool,
    pub state: ChannelState,
}

impl FromRow for Holder {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            channel: columns.take()?,
            tenant: columns.take()?,
            proved: columns.take()?,
            state: columns.word()?,
        })
    }
}

pub async fn holder(tx: &mut Tx<'_>, provider: &str, claim: &str) -> Result<Option<Holder>, StoreError> {
    tx.one(HOLDER, args![provider, claim]).await
}

/// Claims a free account. On PostgreSQL two tenants may try at once: the later transaction is retried and sees the
/// holder.
pub async fn insert(tx: &mut Tx<'_>, channel: &Channel, claim: &str, proved: bool) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(INSERT, args![&channel.kind, claim, channel.tenant, channel.id, proved, now]).await?;
    Ok(())
}

/// Takes an account over from another channel; `false` when that channel does not hold it any more.
pub async fn take(
    tx: &mut Tx<'_>,
    channel: &Channel,
    claim: &str,
    from: Uuid,
    proved: bool,
) -> Result<bool, StoreError> {
    let now = tx.now();
    let taken =
        tx.exec(TAKE, args![&channel.kind, claim, channel.tenant, channel.id, proved, now, from]).await?;
    Ok(taken == 1)
}

/// Names of one account: the session and the phone, the page and the person.
const MAX_HELD: i64 = 64;

/// What the channel has.
pub async fn held(tx: &mut Tx<'_>, channel: &Channel) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = tx.all(HELD, args![channel.tenant, channel.id, MAX_HELD]).await?;
    Ok(rows.into_iter().map(|(claim,)| claim).collect())
}

/// Frees one of the accounts that the channel has.
pub async fn release(tx: &mut Tx<'_>, channel: &Channel, claim: &str) -> Result<(), StoreError> {
    tx.exec(RELEASE, args![&channel.kind, claim, channel.tenant, channel.id]).await?;
    Ok(())
}

/// Records that the provider confirmed the channel's account.
pub async fn prove(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    tx.exec(PROVE, args![channel.tenant, channel.id]).await?;
    Ok(())
}

/// Frees what the channel has, and what it has in common with others.
pub async fn free(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    tx.exec(FREE, args![channel.tenant, channel.id]).await?;
    tx.exec(UNSHARE, args![channel.tenant, channel.id]).await?;
    Ok(())
}

/// The channels, by tenant and id, that have this in common.
pub async fn sharing(
    tx: &mut Tx<'_>,
    provider: &str,
    claim: &str,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    tx.all(SHARING, args![provider, claim, limit]).await
}

/// Stands for the provider where channels of several providers have a subscription in common.
const SUBSCRIPTION: &str = "subscription";

/// Whether another channel has this subscription.
pub async fn is_subscribed_by_others(
    tx: &mut Tx<'_>,
    own: (Uuid, Uuid),
    subscription: &str,
) -> Result<bool, StoreError> {
    Ok(sharing(tx, SUBSCRIPTION, subscription, 2).await?.iter().any(|other| *other != own))
}

/// Stores what the channel has in common with others, in place of what it had.
pub async fn share(
    tx: &mut Tx<'_>,
    channel: &Channel,
    claims: &[String],
    subscription: Option<&str>,
) -> Result<(), StoreError> {
    tx.exec(UNSHARE, args![channel.tenant, channel.id]).await?;
    for claim in claims {
        tx.exec(SHARE, args![&channel.kind, claim, channel.tenant, channel.id]).await?;
    }
    if let Some(subscription) = subscription {
        tx.exec(SHARE, args![SUBSCRIPTION, subscription, channel.tenant, channel.id]).await?;
    }
    Ok(())
}
