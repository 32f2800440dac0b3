//! Ends a session: its refresh tokens are refused, and its access tokens from their next use on.

use uuid::Uuid;

use super::refresh::IsToken;
use super::{Accounts, users};
use crate::error::Error;
use crate::store::{Tx, Verb, sessions};
use crate::vault;

impl Accounts {
    /// By the refresh token. Returns `false` for an unknown token, which ends nothing and is not an error.
    pub async fn sign_out(&self, refresh_token: &str) -> Result<bool, Error> {
        let digest = vault::token_digest(refresh_token);
        if !self.store.read(IsToken(digest.clone())).await? {
            return Ok(false);
        }
        let ended = self.store.write(EndSession::ByToken(digest)).await?.value;
        self.ended(&ended);
        Ok(!matches!(ended, Ended::Unknown))
    }

    /// By the session that an access token names.
    pub async fn end_session(&self, session: Uuid) -> Result<(), Error> {
        let ended = self.store.write(EndSession::Session(session)).await?.value;
        self.ended(&ended);
        Ok(())
    }

    fn ended(&self, ended: &Ended) {
        if let Ended::Now(user) = ended {
            self.forget(*user);
        }
    }
}

enum EndSession {
    ByToken(String),
    Session(Uuid),
}

enum Ended {
    Unknown,
    Before,
    /// Ended now; the user whose session it was.
    Now(Uuid),
}

impl Verb for EndSession {
    type Out = Ended;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Ended, Error> {
        let session = match self {
            Self::ByToken(digest) => sessions::token(tx, digest).await?.map(|token| token.session),
            Self::Session(session) => Some(*session),
        };
        let Some(session) = session else { return Ok(Ended::Unknown) };
        let Some(user) = sessions::end(tx, session).await? else { return Ok(Ended::Before) };
        users::changed(tx, user).await?;
        Ok(Ended::Now(user))
    }
}
