//! Password hashing: argon2id with the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane).
//!
//! A hash costs tens of milliseconds and 19 MiB, so hashes are computed one at a time on the blocking threads, with a
//! bounded queue. It decides nothing about accounts.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;

use crate::error::Error;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes computed at the same time: bounds the memory to 19 MiB, and the processor time that strangers can use to one
/// core.
const AT_A_TIME: usize = 1;
/// Callers that may wait; further ones are refused and told to come later.
const WAITING: usize = 64;

pub const MIN_CHARS: usize = 10;
/// Bytes. Bounded, so that nobody makes the server hash megabytes.
pub const MAX_BYTES: usize = 512;

#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A queue of its own for known addresses, so that strangers cannot fill it.
    known_waiting: Arc<Semaphore>,
    /// A random hash that matches no password. It is checked when there is no such account, so that the time of a
    /// refusal does not disclose whether an account exists.
    dummy: Arc<str>,
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| anyhow::anyhow!("the parameters of the password hash are refused: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, Error> {
    let hash = argon2()?
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow::anyhow!("a password cannot be hashed: {error}"))?;
    Ok(hash.to_string())
}

/// Refuses a new password that is too short or too long.
pub fn check_new(password: &str) -> Result<(), Error> {
    if password.chars().count() < MIN_CHARS {
        return Err(Error::invalid("password", format!("must have at least {MIN_CHARS} characters")));
    }
    if password.len() > MAX_BYTES {
        return Err(Error::invalid("password", format!("must not be longer than {MAX_BYTES} bytes")));
    }
    Ok(())
}

impl Passwords {
    pub fn new() -> Result<Self, Error> {
        // Random bytes look like the hash of an unknown password, and cost no hashing.
        let (salt, hash) = (crate::vault::random::<16>()?, crate::vault::random::<32>()?);
        let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        let (salt, hash) = (text(&salt), text(&hash));
        let dummy = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}");
        Ok(Self {
            running: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            known_waiting: Arc::new(Semaphore::new(WAITING)),
            dummy: Arc::from(dummy),
        })
    }

    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.blocking(true, move || hash_now(&password)).await?
    }

    /// Whether the password matches the hash. Without a hash the result is `false` after the same work.
    ///
    /// `is_known`: the account was signed in to from this address before, so the call waits in the queue for known
    /// addresses.
    pub async fn verify(
        &self,
        password: String,
        hash: Option<String>,
        is_known: bool,
    ) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        let matches = self
            .blocking(is_known, move || {
                Ok::<_, Error>(argon2()?.verify_password(password.as_bytes(), hash.as_str()).is_ok())
            })
            .await??;
        Ok(matches && known)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        is_known: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let line = if is_known { &self.known_waiting } else { &self.waiting };
        let _waiting = line
            .try_acquire()
            .map_err(|_| Error::TooMany { why: "too many people sign in right now", seconds: 1 })?;
        let permit =
            Arc::clone(&self.running).acquire_owned().await.map_err(|error| anyhow::anyhow!(error))?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|error| anyhow::anyhow!("hashing a password failed: {error}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dummy_is_a_hash_like_any_other() {
        let passwords = Passwords::new().expect("passwords");
        let hash =
            argon2::password_hash::phc::PasswordHash::new(&passwords.dummy).expect("it is read as one");
        assert_eq!(hash.params.get_decimal("m"), Some(MEMORY_KIB));
        assert!(hash.salt.is_some() && hash.hash.is_some());
    }

    #[tokio::test]
    async fn the_right_password_passes_and_no_other() {
        let passwords = Passwords::new().expect("passwords");
        let hash = passwords.hash("correct horse".into()).await.expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone()), false).await.expect("verified"));
        assert!(!passwords.verify("correct hors".into(), Some(hash), true).await.expect("verified"));
        assert!(
            !passwords
                .verify("correct horse".into(), Some("not a hash".into()), false)
                .await
                .expect("verified")
        );
        assert!(!passwords.verify("correct horse".into(), None, false).await.expect("nobody"));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(check_new("short").is_err());
        assert!(check_new("ten chars!").is_ok());
        assert!(check_new(&"x".repeat(MAX_BYTES + 1)).is_err());
    }
}
