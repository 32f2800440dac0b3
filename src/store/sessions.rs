//! Sessions, their refresh tokens, and the installation's identity, by which browsers store them. `accounts/line.rs`
//! decides what a token permits.

use uuid::Uuid;

use super::value::from_row;
use super::{StoreError, Tx, Verb, events};
use crate::args;
use crate::error::Error;

pub const ALL: &[&str] =
    &[START, ADD_TOKEN, TOKEN, HOLD, ADVANCE, ALIVE, END, END_OF_USER, IDENTITY, super::migrate::IDENTIFY];

const IDENTITY: &str = "select identity from installation where id = 1";

/// The installation's identity: twelve characters that never change.
pub struct Installation;

impl Verb for Installation {
    type Out = String;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String, Error> {
        let (identity,) = tx.one(IDENTITY, &[]).await?.ok_or(Error::NotFound("installation"))?;
        Ok(identity)
    }
}

/// Where the database is: the installation's identity, the cluster (where that may be asked for) and the name there. A
/// standby has the place of its primary, and a copy that was restored elsewhere another one.
pub struct Place;

impl Verb for Place {
    type Out = String;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String, Error> {
        let identity = Installation.run(tx).await?;
        let epoch = events::epoch(tx).await?;
        let cluster = epoch.split('.').nth(1).unwrap_or_default();
        let name = match tx.engine().name() {
            Some(query) => tx.one::<(String,)>(query, &[]).await?.map(|(name,)| name).unwrap_or_default(),
            None => String::new(),
        };
        Ok(format!("{identity}/{cluster}/{name}"))
    }
}

const START: &str = "insert into sessions (id, user_id, started_at, expires_at, generation, renewals) \
    values ($1, $2, $3, $4, 0, 0)";
/// Inserts a session of which no refresh token was used yet; returns its id.
pub async fn start(tx: &mut Tx<'_>, user: Uuid, expires_at: i64) -> Result<Uuid, StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(START, args![id, user, now, expires_at]).await?;
    Ok(id)
}

/// A refresh token without its secret.
#[derive(Clone, Copy, Debug)]
pub struct TokenRow {
    pub id: Uuid,
    pub session: Uuid,
    /// The number of renewals up to this token; the first token has 1.
    pub generation: i64,
    pub expires_at: i64,
}

from_row!(TokenRow { id, session, generation, expires_at });

const ADD_TOKEN: &str = "insert into refresh_tokens (id, family, user_id, digest, generation, expires_at, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";
pub async fn add_token(
    tx: &mut Tx<'_>,
    session: Uuid,
    user: Uuid,
    digest: &str,
    generation: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(ADD_TOKEN, args![id, session, user, digest, generation, expires_at, now]).await.map(drop)
}

const TOKEN: &str = "select id, family, generation, expires_at from refresh_tokens where digest = $1";
pub async fn token(tx: &mut Tx<'_>, digest: &str) -> Result<Option<TokenRow>, StoreError> {
    tx.one(TOKEN, args![digest]).await
}

/// A session, locked by this transaction.
#[derive(Clone, Copy, Debug)]
pub struct SessionRow {
    pub user: Uuid,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    /// The newest generation of which a token was used; 0: none.
    pub generation: i64,
    /// The token of that generation that was used.
    pub head: Option<Uuid>,
    /// The number of renewals, including this one.
    pub renewals: i64,
}

from_row!(SessionRow { user, started_at, ended_at, generation, head, renewals });

const HOLD: &str = "update sessions set renewals = renewals + 1 where id = $1 \
    returning user_id, started_at, ended_at, generation, head, renewals";
/// Locks the session's row until the commit, which serialises concurrent renewals across nodes, and counts the
/// attempt.
pub async fn hold(tx: &mut Tx<'_>, session: Uuid) -> Result<Option<SessionRow>, StoreError> {
    tx.one(HOLD, args![session]).await
}

const ADVANCE: &str =
    "update sessions set generation = $2, head = $3, renewals = $4, expires_at = $5 where id = $1";
/// Stores the token that was used last, the number of its uses, and when the session ends unless renewed.
pub async fn advance(
    tx: &mut Tx<'_>,
    used: &TokenRow,
    renewals: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    let TokenRow { id, session, generation, .. } = *used;
    tx.exec(ADVANCE, args![session, generation, id, renewals, expires_at]).await.map(drop)
}

const ALIVE: &str =
    "select user_id from sessions where id = $1 and ended_at is null and expires_at > $2 and started_at > $3";
/// The user of a session that is still valid. Sessions older than `max_ms` are invalid even if they were renewed.
pub async fn owner(tx: &mut Tx<'_>, session: Uuid, max_ms: i64) -> Result<Option<Uuid>, StoreError> {
    let now = tx.now();
    Ok(tx.one::<(Uuid,)>(ALIVE, args![session, now, now - max_ms]).await?.map(|(user,)| user))
}

const END: &str = "update sessions set ended_at = $2 where id = $1 and ended_at is null returning user_id";
/// Ends a session with all of its tokens; returns its user, if it had not ended before.
pub async fn end(tx: &mut Tx<'_>, session: Uuid) -> Result<Option<Uuid>, StoreError> {
    let now = tx.now();
    Ok(tx.one::<(Uuid,)>(END, args![session, now]).await?.map(|(user,)| user))
}

const END_OF_USER: &str = "update sessions set ended_at = $2 where user_id = $1 and ended_at is null";
pub async fn end_of_user(tx: &mut Tx<'_>, user: Uuid) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(END_OF_USER, args![user, now]).await.map(drop)
}
