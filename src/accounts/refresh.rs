//! A refresh token is used once: it gives a new access token and its own successor.
//!
//! A token that comes a second time has been copied, and its whole family is revoked. The exception is the
//! first [`GRACE_MS`] after its use: two tabs that wake together both send the one they have, so the later one
//! gets a successor of its own in the same family. A thief who is that quick is found at the next rotation of
//! either branch that is repeated, and ends with the family.

use uuid::Uuid;

use super::sign_in::{REFRESH_PREFIX, SignedIn};
use super::{Accounts, vault};
use crate::error::Error;
use crate::store::{Tx, Verb, Wake, accounts};

pub const GRACE_MS: i64 = 10_000;

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Unknown, expired or revoked.
    #[error("the session is over: sign in again")]
    Over,
    #[error("this session was used from two places and has been ended: sign in again")]
    Reused,
    #[error(transparent)]
    Other(#[from] Error),
}

impl Accounts {
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, RefreshError> {
        let successor = vault::random_token(REFRESH_PREFIX).map_err(Error::from)?;
        let rotate = Rotate {
            digest: vault::token_digest(token),
            successor: vault::token_digest(&successor),
            ttl_ms: self.refresh_ttl_ms,
        };
        match self.store.write(rotate).await?.value {
            Rotated::To { user, family } => Ok(self.signed_in(user, family, successor).await?),
            Rotated::Over => Err(RefreshError::Over),
            Rotated::Reused { user, family } => {
                self.forget(user);
                tracing::warn!(%user, session = %family, "a refresh token was used twice; its session is revoked");
                Err(RefreshError::Reused)
            }
        }
    }
}

struct Rotate {
    digest: String,
    successor: String,
    ttl_ms: i64,
}

#[derive(Debug, PartialEq, Eq)]
enum Rotated {
    To { user: Uuid, family: Uuid },
    Over,
    Reused { user: Uuid, family: Uuid },
}

impl Verb for Rotate {
    type Out = Rotated;

    /// A reuse is a result and no error: an error would undo the revocation.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Rotated, Error> {
        let now = tx.now();
        let Some(token) = accounts::refresh_by_digest(tx, &self.digest).await? else {
            return Ok(Rotated::Over);
        };
        let (user, family) = (token.user, token.family);
        let active = accounts::user(tx, user).await?.is_some_and(|user| user.active);
        if token.revoked_at.is_some() || token.expires_at <= now || !active {
            return Ok(Rotated::Over);
        }
        let first = accounts::use_refresh(tx, token.id).await?;
        if !first && token.used_at.is_some_and(|used| now - used > GRACE_MS) {
            accounts::revoke_family(tx, family).await?;
            accounts::touch_rights(tx, user).await?;
            let at = tx.now();
            tx.wake(Wake::Rights { user, at });
            return Ok(Rotated::Reused { user, family });
        }
        accounts::insert_refresh(tx, family, user, &self.successor, now + self.ttl_ms).await?;
        Ok(Rotated::To { user, family })
    }
}
