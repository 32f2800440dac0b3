//! Ends a session: its refresh tokens are revoked, and with them its access tokens at their next use.

use uuid::Uuid;

use super::{Accounts, vault};
use crate::error::Error;
use crate::store::{Tx, Verb, Wake, accounts};

impl Accounts {
    /// By the refresh token. One that nobody knows ends nothing, and that is no error.
    pub async fn sign_out(&self, refresh_token: &str) -> Result<(), Error> {
        let ended = self.store.write(EndSession::ByToken(vault::token_digest(refresh_token))).await?.value;
        if let Some(user) = ended {
            self.forget(user);
        }
        Ok(())
    }

    /// By the session that an access token names.
    pub async fn end_session(&self, session: Uuid) -> Result<(), Error> {
        let ended = self.store.write(EndSession::Family(session)).await?.value;
        if let Some(user) = ended {
            self.forget(user);
        }
        Ok(())
    }
}

enum EndSession {
    ByToken(String),
    Family(Uuid),
}

impl Verb for EndSession {
    type Out = Option<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Uuid>, Error> {
        let family = match self {
            Self::ByToken(digest) => accounts::refresh_by_digest(tx, digest).await?.map(|token| token.family),
            Self::Family(family) => Some(*family),
        };
        let Some(family) = family else { return Ok(None) };
        let Some(user) = accounts::family_owner(tx, family).await? else { return Ok(None) };
        accounts::revoke_family(tx, family).await?;
        accounts::touch_rights(tx, user).await?;
        let at = tx.now();
        tx.wake(Wake::Rights { user, at });
        Ok(Some(user))
    }
}
