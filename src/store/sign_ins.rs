//! Sign-ins at providers that are under way: who began them, for which company, and what may be chosen.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;

const INSERT: &str = "insert into sign_ins (digest, tenant, company, by_user, channel, provider, app, state, sealed, expires_at) \
    values ($1, $2, $3, $4, $5, $6, $7, 'open', null, $8)";
const GET: &str = "select digest, tenant, company, by_user, channel, provider, app, sealed from sign_ins \
    where digest = $1 and expires_at > $2";
/// A code is good for one exchange: a second caller finds it taken.
const TAKE: &str = "update sign_ins set state = 'taken' where digest = $1 and state = 'open'";
const GIVE_BACK: &str = "update sign_ins set state = 'open' where digest = $1 and state = 'taken'";
const CHOICES: &str = "update sign_ins set state = 'chosen', sealed = $2 where digest = $1";
const CHANNEL: &str = "update sign_ins set channel = $2 where digest = $1";
const REMOVE: &str = "delete from sign_ins where digest = $1";
const OLD: &str = "delete from sign_ins where digest in \
    (select digest from sign_ins where expires_at <= $1 order by expires_at limit $2)";

pub const ALL: &[&str] = &[INSERT, GET, TAKE, GIVE_BACK, CHOICES, CHANNEL, REMOVE, OLD];

/// A sign-in under way.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The digest of the state that the browser carries.
    pub digest: String,
    pub tenant: Uuid,
    pub company: Uuid,
    pub by_user: Uuid,
    /// The channel that is connected anew.
    pub channel: Option<Uuid>,
    pub provider: String,
    pub app: Uuid,
    /// The choices, encrypted.
    pub sealed: Option<String>,
}

impl FromRow for SignIn {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            digest: columns.take()?,
            tenant: columns.take()?,
            company: columns.take()?,
            by_user: columns.take()?,
            channel: columns.take()?,
            provider: columns.take()?,
            app: columns.take()?,
            sealed: columns.take()?,
        })
    }
}

/// Begins one.
pub async fn insert(tx: &mut Tx<'_>, one: &SignIn, expires_at: i64) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        args![
            &one.digest,
            one.tenant,
            one.company,
            one.by_user,
            one.channel,
            &one.provider,
            one.app,
            expires_at
        ],
    )
    .await?;
    Ok(())
}

pub async fn get(tx: &mut Tx<'_>, digest: &str) -> Result<Option<SignIn>, StoreError> {
    let now = tx.now();
    tx.one(GET, args![digest, now]).await
}

/// Removes those that are over, with the tokens that they hold.
pub async fn remove_old(tx: &mut Tx<'_>, limit: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.exec(OLD, args![now, limit]).await
}

/// `false`: its code was exchanged already.
pub async fn take(tx: &mut Tx<'_>, digest: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(TAKE, args![digest]).await? == 1)
}

/// Its code never left: it may be exchanged again.
pub async fn give_back(tx: &mut Tx<'_>, digest: &str) -> Result<(), StoreError> {
    tx.exec(GIVE_BACK, args![digest]).await?;
    Ok(())
}

pub async fn set_choices(tx: &mut Tx<'_>, digest: &str, sealed: &str) -> Result<(), StoreError> {
    tx.exec(CHOICES, args![digest, sealed]).await?;
    Ok(())
}

/// The channel that the chosen account is connected as.
pub async fn set_channel(tx: &mut Tx<'_>, digest: &str, channel: Uuid) -> Result<(), StoreError> {
    tx.exec(CHANNEL, args![digest, channel]).await?;
    Ok(())
}

pub async fn remove(tx: &mut Tx<'_>, digest: &str) -> Result<(), StoreError> {
    tx.exec(REMOVE, args![digest]).await?;
    Ok(())
}
