//! Reads the access of a verified caller. `None`: there is no such account or key, it is disabled or revoked, or the
//! session has ended.

use std::sync::Arc;

use uuid::Uuid;

use super::access::{Access, Grant, Identity};
use super::roles::{PlatformRole, Role};
use super::terms::Terms;
use crate::error::Error;
use crate::store::{StoreError, Tx, Verb, accounts, sessions};

/// The most tenants of a platform user.
const MAX_TENANTS: i64 = 10_000;

#[derive(Clone, Debug)]
pub enum LoadAccess {
    /// A user by the token of a session, which ends after `max_ms` milliseconds.
    Session { user: Uuid, session: Uuid, max_ms: i64 },
    /// A user without a session: for checks by the server itself.
    User(Uuid),
    /// The API key with this digest.
    Key { digest: String },
}

impl Verb for LoadAccess {
    type Out = Option<Access>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Access>, Error> {
        Ok(match self {
            Self::Session { user, session, max_ms } => {
                if sessions::owner(tx, *session, *max_ms).await? == Some(*user) {
                    of_user(tx, *user).await?
                } else {
                    None
                }
            }
            Self::User(user) => of_user(tx, *user).await?,
            Self::Key { digest } => of_key(tx, digest).await?,
        })
    }
}

async fn of_user(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Access>, Error> {
    let Some(user) = accounts::user(tx, id).await?.filter(|user| user.active) else { return Ok(None) };
    let platform_role = user.platform_role.as_deref().map(word::<PlatformRole>).transpose()?;
    let mut grants = Vec::new();
    for row in accounts::memberships(tx, id).await? {
        let companies = row.companies.as_deref().map(companies).transpose()?;
        let role = word(&row.role)?;
        let terms = Terms::unlimited();
        grants.push(Grant::new(row.tenant, row.tenant_name, role, platform_role, companies, terms));
    }
    if platform_role.is_some() {
        for (tenant, name, _) in accounts::tenants(tx, Uuid::nil(), MAX_TENANTS).await? {
            if !grants.iter().any(|grant| grant.tenant == tenant) {
                let terms = Terms::unlimited();
                grants.push(Grant::new(tenant, name, Role::Platform, platform_role, None, terms));
            }
        }
    }
    let (name, email) = (user.name, Some(user.email));
    Ok(Some(Access { identity: Identity::User(id), name, email, platform_role, grants }))
}

async fn of_key(tx: &mut Tx<'_>, digest: &str) -> Result<Option<Access>, Error> {
    let Some(key) = accounts::key_by_digest(tx, digest).await? else { return Ok(None) };
    let name = accounts::tenant_name(tx, key.tenant).await?.unwrap_or_default();
    let grant = Grant::new(key.tenant, name, word(&key.role)?, None, None, Terms::unlimited());
    Ok(Some(Access {
        identity: Identity::Key(key.id),
        name: key.name,
        email: None,
        platform_role: None,
        grants: vec![grant],
    }))
}

fn word<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|why: String| StoreError::Engine(format!("an account's role cannot be read: {why}")))
}

fn companies(text: &str) -> Result<Arc<[Uuid]>, StoreError> {
    serde_json::from_str::<Vec<Uuid>>(text)
        .map(Arc::from)
        .map_err(|error| StoreError::Engine(format!("a membership's companies cannot be read: {error}")))
}
