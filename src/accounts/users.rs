//! Users: creating and disabling them, their passwords and roles. Every change of rights is stamped on the user, so
//! that other nodes notice it, and wakes this node.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::Scope;
use super::roles::{self, Permission, Permissions, PlatformRole, Role};
use super::sign_in::normal_email;
use super::{Accounts, check_name, password};
use crate::error::Error;
use crate::store::accounts::{self, UserRow};
use crate::store::{Tx, Verb, Wake, sessions};

/// A user as the operator sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserView {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub platform_role: Option<PlatformRole>,
    pub active: bool,
    pub created_at: i64,
}

/// Somebody to whom a conversation of a tenant can be assigned.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
    /// What it may do there.
    pub permissions: Permissions,
}

pub struct NewUser {
    pub email: String,
    pub name: String,
    pub password: String,
    pub platform_role: Option<PlatformRole>,
    pub member_of: Option<(Uuid, Role)>,
}

impl Accounts {
    pub async fn create_user(&self, new: NewUser) -> Result<UserView, Error> {
        // Before the work of a hash.
        check_email(&new.email)?;
        check_name("name", &new.name)?;
        password::check_new(&new.password)?;
        let hash = self.passwords.hash(new.password.clone()).await?;
        self.create_user_with(new, hash).await
    }

    /// The same for somebody whose password was hashed elsewhere. `password_hash`: a PHC string of argon2id.
    pub async fn create_user_with(&self, new: NewUser, password_hash: String) -> Result<UserView, Error> {
        let NewUser { email, name, password: _, platform_role, member_of } = new;
        let (email, name) = (check_email(&email)?, check_name("name", &name)?);
        let verb = CreateUser { email, name, password_hash, platform_role, member_of };
        Ok(self.store.write(verb).await?.value)
    }

    /// Sets a password and ends all sessions of the user.
    pub async fn set_password(&self, user: Uuid, password: String) -> Result<(), Error> {
        password::check_new(&password)?;
        let hash = self.passwords.hash(password).await?;
        self.store.write(SetPassword { user, hash }).await?;
        self.forget(user);
        Ok(())
    }
}

fn check_email(email: &str) -> Result<String, Error> {
    let email = normal_email(email);
    let (name, host) = email.split_once('@').unwrap_or_default();
    let plain = !email.contains(char::is_whitespace) && !host.contains('@') && email.len() <= 320;
    if name.is_empty() || host.is_empty() || !plain {
        return Err(Error::invalid("email", "must be an address like name@example.com"));
    }
    Ok(email)
}

struct CreateUser {
    email: String,
    name: String,
    password_hash: String,
    platform_role: Option<PlatformRole>,
    member_of: Option<(Uuid, Role)>,
}

impl Verb for CreateUser {
    type Out = UserView;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<UserView, Error> {
        if accounts::user_by_email(tx, &self.email).await?.is_some() {
            return Err(Error::conflict(
                "email_taken",
                format!("there is a user with the email {}", self.email),
            ));
        }
        let row = UserRow {
            id: tx.new_id(),
            email: self.email.clone(),
            name: self.name.clone(),
            password_hash: self.password_hash.clone(),
            platform_role: self.platform_role.map(|role| role.as_str().to_owned()),
            active: true,
            created_at: tx.now(),
        };
        accounts::insert_user(tx, &row).await?;
        if let Some((tenant, role)) = self.member_of {
            put(tx, tenant, row.id, role, None).await?;
        }
        // The new user has no connections yet; the wake keeps the watch from reporting the account as changed.
        tx.wake(Wake::Rights { user: row.id, at: row.created_at });
        view(row)
    }
}

struct SetPassword {
    user: Uuid,
    hash: String,
}

impl Verb for SetPassword {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        existing(tx, self.user).await?;
        accounts::set_password(tx, self.user, &self.hash).await?;
        sessions::end_of_user(tx, self.user).await?;
        changed(tx, self.user).await
    }
}

/// Disables a user, which ends the sessions, or enables it again.
pub struct SetActive {
    pub user: Uuid,
    pub active: bool,
}

impl Verb for SetActive {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        existing(tx, self.user).await?;
        accounts::set_active(tx, self.user, self.active).await?;
        if !self.active {
            sessions::end_of_user(tx, self.user).await?;
        }
        changed(tx, self.user).await
    }
}

/// Sets or removes a user's platform role.
pub struct SetPlatformRole {
    pub user: Uuid,
    pub role: Option<PlatformRole>,
}

impl Verb for SetPlatformRole {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        existing(tx, self.user).await?;
        accounts::set_platform_role(tx, self.user, self.role.map(PlatformRole::as_str)).await?;
        changed(tx, self.user).await
    }
}

/// Sets a user's role in a tenant.
pub struct GrantRole {
    pub scope: Scope,
    pub user: Uuid,
    pub role: Role,
    /// Only these companies of the tenant.
    pub companies: Option<Arc<[Uuid]>>,
}

impl Verb for GrantRole {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        existing(tx, self.user).await?;
        put(tx, self.scope.tenant(), self.user, self.role, self.companies.as_deref()).await?;
        changed(tx, self.user).await
    }
}

/// Removes a user from a tenant.
pub struct RevokeRole {
    pub scope: Scope,
    pub user: Uuid,
}

impl Verb for RevokeRole {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if !accounts::drop_membership(tx, self.scope.tenant(), self.user).await? {
            return Err(Error::NotFound("member"));
        }
        changed(tx, self.user).await
    }
}

/// All users to whom a conversation of the tenant can be assigned.
pub struct ListPeople(pub Scope);

impl Verb for ListPeople {
    type Out = Vec<Person>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.0.tenant();
        let people = accounts::people(tx, tenant).await?.into_iter().map(|(id, name, roles)| {
            let (role, permissions) = read(&roles)?;
            Ok(Person { id, name, role: role.unwrap_or(Role::Platform), permissions })
        });
        people.collect()
    }
}

/// Whether a user has a permission in a tenant, read in this transaction.
pub async fn may(tx: &mut Tx<'_>, tenant: Uuid, user: Uuid, need: Permission) -> Result<bool, Error> {
    let Some(roles) = accounts::roles_of(tx, tenant, user).await? else { return Ok(false) };
    Ok(read(&roles)?.1.has(need))
}

fn read(roles: &accounts::Roles) -> Result<(Option<Role>, Permissions), Error> {
    let wrong = |why: String| anyhow::anyhow!("a user's role: {why}");
    let role = roles.role.as_deref().map(str::parse).transpose().map_err(wrong)?;
    let platform_role = roles.platform_role.as_deref().map(str::parse).transpose().map_err(wrong)?;
    Ok((role, roles::permissions(role, platform_role)))
}

/// A page of all users, by rising id. For the operator.
pub struct ListUsers {
    pub after: Option<Uuid>,
    pub limit: i64,
}

impl Verb for ListUsers {
    type Out = Vec<UserView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let rows = accounts::users(tx, self.after.unwrap_or_default(), self.limit).await?;
        rows.into_iter().map(view).collect()
    }
}

/// A user by email, disabled or not. For the operator.
pub struct UserByEmail(pub String);

impl Verb for UserByEmail {
    type Out = UserView;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<UserView, Error> {
        let row = accounts::user_by_email(tx, &normal_email(&self.0)).await?;
        view(row.ok_or(Error::NotFound("user"))?)
    }
}

async fn existing(tx: &mut Tx<'_>, user: Uuid) -> Result<UserRow, Error> {
    accounts::user(tx, user).await?.ok_or(Error::NotFound("user"))
}

async fn put(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    user: Uuid,
    role: Role,
    companies: Option<&[Uuid]>,
) -> Result<(), Error> {
    if !role.is_for_people() {
        return Err(Error::invalid("role", "a person is owner, agent or viewer"));
    }
    if accounts::tenant_name(tx, tenant).await?.is_none() {
        return Err(Error::NotFound("tenant"));
    }
    if let Some(companies) = companies {
        let known = accounts::companies(tx, tenant).await?;
        if companies.is_empty() || !companies.iter().all(|id| known.iter().any(|(company, ..)| company == id))
        {
            return Err(Error::invalid("companies", "must be companies of the tenant, at least one"));
        }
    }
    let text = companies.map(serde_json::to_string).transpose().map_err(|error| anyhow::anyhow!(error))?;
    Ok(accounts::put_membership(tx, tenant, user, role.as_str(), text.as_deref()).await?)
}

/// Stamps a change for the members of a tenant who see some of its companies only, a page after a user: what belongs to a
/// company has changed, so their sessions begin anew. Gives back the last of the page; `None`: there is no more.
pub struct RenewLimited {
    pub tenant: Uuid,
    pub after: Uuid,
    pub limit: i64,
}

impl Verb for RenewLimited {
    type Out = Option<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Uuid>, Error> {
        let members = accounts::member_scopes(tx, self.tenant, self.after, self.limit).await?;
        for (user, is_limited) in &members {
            if *is_limited {
                changed(tx, *user).await?;
            }
        }
        Ok(members.last().map(|(user, _)| *user).filter(|_| members.len() as i64 == self.limit))
    }
}

/// Stamps a change of a user's rights. It applies from this commit on, also to tokens that were already issued.
pub(super) async fn changed(tx: &mut Tx<'_>, user: Uuid) -> Result<(), Error> {
    accounts::touch_rights(tx, user).await?;
    let at = tx.now();
    tx.wake(Wake::Rights { user, at });
    Ok(())
}

fn view(row: UserRow) -> Result<UserView, Error> {
    let role = row.platform_role.as_deref().map(str::parse).transpose();
    let platform_role = role.map_err(|why: String| anyhow::anyhow!("a user's platform role: {why}"))?;
    let UserRow { id, email, name, active, created_at, .. } = row;
    Ok(UserView { id, email, name, platform_role, active, created_at })
}
