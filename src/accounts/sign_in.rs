//! Signs in with email and password: starts a session, which is a family of refresh tokens.

use std::net::IpAddr;

use uuid::Uuid;

use super::access::Access;
use super::{Accounts, LoadAccess, password};
use crate::error::Error;
use crate::store::{Tx, Verb, accounts, sessions};
use crate::vault;

pub(super) const REFRESH_PREFIX: &str = "hbr_";

/// A session that was started or renewed, as it is stored. Times in Unix milliseconds.
pub(super) struct Begun {
    pub user: Uuid,
    pub session: Uuid,
    /// Of the newest refresh token.
    pub expires_at: i64,
    /// The end of the session, which no renewal extends.
    pub ends_at: i64,
}

/// A session as it is returned to its owner, the only place where the refresh token is shown.
pub struct SignedIn {
    pub access: Access,
    pub access_token: String,
    /// Of the access token, Unix milliseconds.
    pub expires_at: i64,
    pub refresh_token: String,
    /// How long the refresh token can be used, in milliseconds.
    pub refresh_ttl_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("the email or the password is wrong")]
    BadCredentials,
    #[error("too many attempts: try again in {seconds} seconds")]
    TooMany { seconds: i64 },
    #[error(transparent)]
    Other(#[from] Error),
}

/// Emails are compared without case and surrounding blanks.
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

impl Accounts {
    /// The refusal discloses neither by its text nor by its time whether the account exists.
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
        address: Option<IpAddr>,
    ) -> Result<SignedIn, SignInError> {
        let email = normal_email(email);
        if email.len() > 320 || password.len() > password::MAX_BYTES {
            return Err(SignInError::BadCredentials);
        }
        let is_known = self
            .attempts
            .admit(&email, address, self.clock.now_ms())
            .map_err(|wait| SignInError::TooMany { seconds: wait.seconds })?;
        let user = self.store.read(FindUser(email.clone())).await?;
        let hash = user.as_ref().map(|(_, hash)| hash.clone());
        let right = self.passwords.verify(password, hash, is_known).await?;
        let Some((user, _)) = user.filter(|_| right) else {
            metrics::counter!("hubbub_sign_in_refused_total").increment(1);
            return Err(SignInError::BadCredentials);
        };
        let refresh_token = vault::random_token(REFRESH_PREFIX).map_err(Error::from)?;
        let digest = vault::token_digest(&refresh_token);
        let (ttl_ms, max_ms) = (self.refresh_ttl_ms, self.session_max_ms);
        let begun = self.store.write(StartSession { user, digest, ttl_ms, max_ms }).await?.value;
        self.attempts.succeeded(&email, address, self.clock.now_ms());
        tracing::info!(%user, session = %begun.session, "a user signed in");
        Ok(self.signed_in(begun, refresh_token).await?)
    }

    pub(super) async fn signed_in(&self, begun: Begun, refresh_token: String) -> Result<SignedIn, Error> {
        let Begun { user, session, expires_at, ends_at } = begun;
        let access = self
            .store
            .read(LoadAccess::Session { user, session, max_ms: self.session_max_ms })
            .await?
            .ok_or(Error::Unauthenticated("the account is disabled"))?;
        let now = self.clock.now_ms();
        let refresh_ttl_ms = expires_at - now;
        let (access_token, expires_at) = self.tokens.issue(user, session, now, ends_at)?;
        Ok(SignedIn { access, access_token, expires_at, refresh_token, refresh_ttl_ms })
    }
}

/// The id and the hash of the active user with this email.
struct FindUser(String);

impl Verb for FindUser {
    type Out = Option<(Uuid, String)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let user = accounts::user_by_email(tx, &self.0).await?;
        Ok(user.filter(|user| user.active).map(|user| (user.id, user.password_hash)))
    }
}

struct StartSession {
    user: Uuid,
    digest: String,
    ttl_ms: i64,
    max_ms: i64,
}

impl Verb for StartSession {
    type Out = Begun;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Begun, Error> {
        let (user, ends_at) = (self.user, tx.now() + self.max_ms);
        let expires_at = (tx.now() + self.ttl_ms).min(ends_at);
        let session = sessions::start(tx, user, expires_at).await?;
        sessions::add_token(tx, session, user, &self.digest, 1, expires_at).await?;
        Ok(Begun { user, session, expires_at, ends_at })
    }
}
