//! Exchanges a refresh token for a new access token and a new refresh token. `line.rs` decides which tokens may be
//! used, and which use ends the session.

use uuid::Uuid;

use super::line::{Line, Step};
use super::sign_in::{Begun, REFRESH_PREFIX, SignedIn};
use super::{Accounts, users};
use crate::error::Error;
use crate::store::{Tx, Verb, accounts, sessions};
use crate::vault;

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Unknown to this installation; it may belong to another one.
    #[error("the session is not known here: sign in")]
    Unknown,
    /// Expired or ended.
    #[error("the session is over: sign in again")]
    Over,
    #[error("this session was used from two places and has been ended: sign in again")]
    Reused,
    #[error(transparent)]
    Other(#[from] Error),
}

impl Accounts {
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, RefreshError> {
        if !self.store.read(IsToken(vault::token_digest(token))).await? {
            return Err(RefreshError::Unknown);
        }
        let successor = vault::random_token(REFRESH_PREFIX).map_err(Error::from)?;
        let rotate = Rotate {
            digest: vault::token_digest(token),
            successor: vault::token_digest(&successor),
            ttl_ms: self.refresh_ttl_ms,
            max_ms: self.session_max_ms,
        };
        match self.store.write(rotate).await?.value {
            Rotated::To(begun) => Ok(self.signed_in(begun, successor).await?),
            Rotated::Unknown => Err(RefreshError::Unknown),
            Rotated::Over => Err(RefreshError::Over),
            Rotated::Ended { user, session, step } => {
                self.forget(user);
                if step == Step::TooOften {
                    tracing::warn!(%user, %session, "a refresh token was used too often; its session is ended");
                    return Err(RefreshError::Over);
                }
                metrics::counter!("hubbub_sessions_forked_total").increment(1);
                tracing::warn!(%user, %session, "a refresh token was used by two clients; its session is ended");
                Err(RefreshError::Reused)
            }
        }
    }
}

/// Whether such a refresh token exists. A read, before anything is written: made-up tokens must not queue for the
/// writer beside the jobs and sessions of others.
pub(super) struct IsToken(pub String);

impl Verb for IsToken {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(sessions::token(tx, &self.0).await?.is_some())
    }
}

struct Rotate {
    digest: String,
    successor: String,
    ttl_ms: i64,
    max_ms: i64,
}

enum Rotated {
    To(Begun),
    Unknown,
    Over,
    Ended { user: Uuid, session: Uuid, step: Step },
}

impl Verb for Rotate {
    type Out = Rotated;

    /// A fork is a result, not an error: an error would roll back the end of the session.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Rotated, Error> {
        let now = tx.now();
        let Some(token) = sessions::token(tx, &self.digest).await? else { return Ok(Rotated::Unknown) };
        let Some(session) = sessions::hold(tx, token.session).await? else { return Ok(Rotated::Unknown) };
        let (user, ends_at) = (session.user, session.started_at + self.max_ms);
        let active = accounts::user(tx, user).await?.is_some_and(|user| user.active);
        if session.ended_at.is_some() || token.expires_at <= now || ends_at <= now || !active {
            return Ok(Rotated::Over);
        }
        let line = Line { generation: session.generation, head: session.head, renewals: session.renewals };
        let step = line.step(token.id, token.generation);
        let renewals = match step {
            Step::First => 1,
            Step::Again => session.renewals,
            Step::Forked | Step::TooOften => {
                sessions::end(tx, token.session).await?;
                users::changed(tx, user).await?;
                return Ok(Rotated::Ended { user, session: token.session, step });
            }
        };
        let expires_at = (now + self.ttl_ms).min(ends_at);
        sessions::advance(tx, &token, renewals, expires_at).await?;
        let next = token.generation + 1;
        sessions::add_token(tx, token.session, user, &self.successor, next, expires_at).await?;
        Ok(Rotated::To(Begun { user, session: token.session, expires_at, ends_at }))
    }
}
