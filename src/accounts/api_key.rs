//! API keys of integrators and AI workers. A key is shown once, when it is made; the store has only its digest.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Accounts;
use super::access::Scope;
use super::roles::Role;
use crate::error::Error;
use crate::store::accounts::{self, KeyRow};
use crate::store::{Tx, Verb, Wake, places};
use crate::vault;

pub const PREFIX: &str = "hbk_";
/// Characters of a key that are stored and shown as its hint.
const HINT: usize = PREFIX.len() + 4;

/// An API key as people see it afterwards.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiKeyView {
    pub id: Uuid,
    pub tenant: Uuid,
    pub name: String,
    pub role: Role,
    /// The first characters of the key.
    pub hint: String,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKey {
    #[serde(flatten)]
    pub view: ApiKeyView,
    /// The key itself: never shown again.
    pub key: String,
}

/// Makes an API key in a tenant that the caller manages.
pub struct CreateKey {
    tenant: Uuid,
    name: String,
    role: Role,
    hint: String,
    digest: String,
}

impl CreateKey {
    /// The verb, and the key, which is shown once.
    pub fn new(scope: &Scope, name: &str, role: Role) -> Result<(Self, String), Error> {
        let name = super::check_name("name", name)?;
        if !role.is_for_keys() {
            return Err(Error::invalid("role", "must be responder, agent, viewer or owner"));
        }
        let key = vault::random_token(PREFIX)?;
        let (hint, digest) = (key[..HINT].to_owned(), vault::token_digest(&key));
        Ok((Self { tenant: scope.tenant(), name, role, hint, digest }, key))
    }
}

impl Verb for CreateKey {
    type Out = ApiKeyView;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ApiKeyView, Error> {
        let row = KeyRow {
            id: tx.new_id(),
            tenant: self.tenant,
            name: self.name.clone(),
            role: self.role.as_str().to_owned(),
            hint: self.hint.clone(),
            created_at: tx.now(),
            revoked_at: None,
        };
        if accounts::tenant_name(tx, self.tenant).await?.is_none() {
            return Err(Error::NotFound("tenant"));
        }
        accounts::insert_key(tx, &row, &self.digest).await?;
        Ok(view(row, self.role))
    }
}

pub struct ListKeys(pub Scope);

impl Verb for ListKeys {
    type Out = Vec<ApiKeyView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let rows = accounts::keys(tx, self.0.tenant()).await?;
        rows.into_iter()
            .map(|row| {
                let role =
                    row.role.parse().map_err(|why: String| anyhow::anyhow!("an API key's role: {why}"))?;
                Ok(view(row, role))
            })
            .collect()
    }
}

/// Revokes a key and closes its live sessions.
pub struct RevokeKey {
    pub scope: Scope,
    pub id: Uuid,
}

impl Verb for RevokeKey {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let tenant = self.scope.tenant();
        if places::API_KEY.within(tx, &[tenant], self.id).await?.is_none() {
            return Err(Error::NotFound("API key"));
        }
        if accounts::revoke_key(tx, tenant, self.id).await? {
            let at = tx.now();
            tx.wake(Wake::Rights { user: self.id, at });
        }
        Ok(())
    }
}

impl Accounts {
    pub async fn create_key(&self, scope: &Scope, name: &str, role: Role) -> Result<NewApiKey, Error> {
        let (verb, key) = CreateKey::new(scope, name, role)?;
        let view = self.store.write(verb).await?.value;
        tracing::info!(tenant = %view.tenant, key = %view.id, role = %view.role, "an API key was made");
        Ok(NewApiKey { view, key })
    }
}

fn view(row: KeyRow, role: Role) -> ApiKeyView {
    let KeyRow { id, tenant, name, hint, created_at, revoked_at, .. } = row;
    ApiKeyView { id, tenant, name, role, hint, created_at, revoked_at }
}
