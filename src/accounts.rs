//! Users, API keys and permissions: signing in, tokens, roles.
//!
//! Start with `roles.rs`, the table of permissions, and `access.rs`, the isolation of tenants. Sessions are in
//! `sign_in.rs`, `refresh.rs` (its rules: `line.rs`) and `sign_out.rs`, over `password.rs` and `token.rs`; `rights.rs`
//! caches the access that every call looks up.

pub mod access;
pub mod api_key;
pub mod attempts;
pub mod line;
pub mod load_access;
pub mod locate;
pub mod password;
pub mod profile;
pub mod refresh;
pub mod rights;
pub mod roles;
pub mod sign_in;
pub mod sign_out;
pub mod tenants;
pub mod terms;
pub mod token;
pub mod users;

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::store::Store;
use crate::vault::Vault;

pub use access::{Access, Actor, Grant, Identity, Scope};
pub use load_access::LoadAccess;
pub use locate::{Locate, Thing};
pub use refresh::RefreshError;
pub use roles::{Permission, Permissions, PlatformRole, Role};
pub use sign_in::{SignInError, SignedIn};
pub use token::Verified;

/// Authentication and authorisation of a running server.
pub struct Accounts {
    store: Store,
    clock: Clock,
    passwords: password::Passwords,
    tokens: token::Tokens,
    attempts: attempts::Attempts,
    rights: rights::Rights,
    refresh_ttl_ms: i64,
    session_max_ms: i64,
}

impl Accounts {
    pub fn new(store: Store, vault: &Vault, config: &Config) -> Result<Self, Error> {
        Ok(Self {
            clock: store.clock().clone(),
            store,
            passwords: password::Passwords::new()?,
            tokens: token::Tokens::new(vault, config.sessions.access_token_ttl_s)?,
            attempts: attempts::Attempts::default(),
            rights: rights::Rights::default(),
            refresh_ttl_ms: config.sessions.refresh_token_ttl_s * 1000,
            session_max_ms: config.sessions.session_max_s * 1000,
        })
    }
}

/// Validates a name that people see: 1 to 200 characters without control characters. Surrounding blanks are removed.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must be 1 to 200 characters on one line"));
    }
    Ok(name.to_owned())
}
