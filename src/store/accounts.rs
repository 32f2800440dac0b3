//! Tenants, companies, users, memberships and API keys.
//!
//! This module checks no permissions: `accounts/access.rs` does. `places.rs` finds the tenant and company of a row of
//! which only the id is known.

use uuid::Uuid;

use super::value::from_row;
use super::{StoreError, Tx};
use crate::args;

pub const ALL: &[&str] = &[
    USER_BY_EMAIL,
    USER_BY_ID,
    USERS,
    INSERT_USER,
    SET_PASSWORD,
    SET_ACTIVE,
    SET_PLATFORM_ROLE,
    TOUCH_RIGHTS,
    CHANGED_USERS,
    CHANGED_KEYS,
    MEMBERSHIPS,
    PUT_MEMBERSHIP,
    DROP_MEMBERSHIP,
    SCOPES,
    MEMBERS,
    PLATFORM_PEOPLE,
    ROLES,
    TENANTS,
    TENANT,
    INSERT_TENANT,
    COMPANIES,
    COMPANY,
    COUNTRY,
    COUNTRIES,
    SET_COUNTRY,
    INSERT_COMPANY,
    INSERT_KEY,
    INSERT_DIGEST,
    KEY_BY_DIGEST,
    KEYS,
    REVOKE_KEY,
];

/// A user as stored; never leaves the server, because it holds the password's hash.
#[derive(Clone)]
pub struct UserRow {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub password_hash: String,
    pub platform_role: Option<String>,
    pub active: bool,
    pub created_at: i64,
}

from_row!(UserRow { id, email, name, password_hash, platform_role, active, created_at });

const USER_BY_EMAIL: &str =
    "select id, email, name, password_hash, platform_role, active, created_at from users where email = $1";
pub async fn user_by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<UserRow>, StoreError> {
    tx.one(USER_BY_EMAIL, args![email]).await
}

const USER_BY_ID: &str =
    "select id, email, name, password_hash, platform_role, active, created_at from users where id = $1";
pub async fn user(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<UserRow>, StoreError> {
    tx.one(USER_BY_ID, args![id]).await
}

const USERS: &str = "select id, email, name, password_hash, platform_role, active, created_at from users \
    where id > $1 order by id limit $2";
/// All users, a page at a time by ascending id.
pub async fn users(tx: &mut Tx<'_>, after: Uuid, limit: i64) -> Result<Vec<UserRow>, StoreError> {
    tx.all(USERS, args![after, limit]).await
}

const INSERT_USER: &str = "insert into users \
    (id, email, name, password_hash, platform_role, active, created_at, rights_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $7)";
pub async fn insert_user(tx: &mut Tx<'_>, row: &UserRow) -> Result<(), StoreError> {
    let UserRow { id, email, name, password_hash, platform_role, active, created_at } = row;
    tx.exec(INSERT_USER, args![*id, email, name, password_hash, platform_role, *active, *created_at]).await?;
    Ok(())
}

const SET_PASSWORD: &str = "update users set password_hash = $2 where id = $1";
pub async fn set_password(tx: &mut Tx<'_>, id: Uuid, hash: &str) -> Result<(), StoreError> {
    tx.exec(SET_PASSWORD, args![id, hash]).await.map(drop)
}

const SET_ACTIVE: &str = "update users set active = $2 where id = $1";
pub async fn set_active(tx: &mut Tx<'_>, id: Uuid, active: bool) -> Result<(), StoreError> {
    tx.exec(SET_ACTIVE, args![id, active]).await.map(drop)
}

const SET_PLATFORM_ROLE: &str = "update users set platform_role = $2 where id = $1";
pub async fn set_platform_role(tx: &mut Tx<'_>, id: Uuid, role: Option<&str>) -> Result<(), StoreError> {
    tx.exec(SET_PLATFORM_ROLE, args![id, role]).await.map(drop)
}

const TOUCH_RIGHTS: &str = "update users set rights_at = $2 where id = $1";
/// Records that a user's rights changed now, for the nodes that poll.
pub async fn touch_rights(tx: &mut Tx<'_>, id: Uuid) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(TOUCH_RIGHTS, args![id, now]).await.map(drop)
}

/// Not of those that were made since: nobody can be signed in with the rights from before.
const CHANGED_USERS: &str = "select id, rights_at from users where rights_at > $1 and rights_at <> created_at \
    order by rights_at limit 1000";
const CHANGED_KEYS: &str =
    "select id, revoked_at from api_keys where revoked_at > $1 order by revoked_at limit 1000";
/// Users and API keys whose rights changed after a time, with the time of the change.
pub async fn changed_rights(tx: &mut Tx<'_>, after: i64) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let mut changed: Vec<(Uuid, i64)> = tx.all(CHANGED_USERS, args![after]).await?;
    changed.extend(tx.all::<(Uuid, i64)>(CHANGED_KEYS, args![after]).await?);
    Ok(changed)
}

/// A user's membership in one tenant.
pub struct MembershipRow {
    pub tenant: Uuid,
    pub tenant_name: String,
    pub role: String,
    /// JSON list of company ids; `None` means the whole tenant.
    pub companies: Option<String>,
}

from_row!(MembershipRow { tenant, tenant_name, role, companies });

const MEMBERSHIPS: &str = "select m.tenant, t.name, m.role, m.companies from memberships m \
    join tenants t on t.id = m.tenant where m.user_id = $1 order by m.tenant limit 1000";
pub async fn memberships(tx: &mut Tx<'_>, user: Uuid) -> Result<Vec<MembershipRow>, StoreError> {
    tx.all(MEMBERSHIPS, args![user]).await
}

const PUT_MEMBERSHIP: &str = "insert into memberships (tenant, user_id, role, companies, created_at) \
    values ($1, $2, $3, $4, $5) on conflict (tenant, user_id) do update set role = $3, companies = $4";
pub async fn put_membership(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    user: Uuid,
    role: &str,
    companies: Option<&str>,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(PUT_MEMBERSHIP, args![tenant, user, role, companies, now]).await.map(drop)
}

const SCOPES: &str = "select user_id, companies from memberships where tenant = $1 and user_id > $2 \
    order by user_id limit $3";
/// The members of a tenant, each with whether it sees some companies only: a page after a user.
pub async fn member_scopes(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, bool)>, StoreError> {
    let found: Vec<(Uuid, Option<String>)> = tx.all(SCOPES, args![tenant, after, limit]).await?;
    Ok(found.into_iter().map(|(user, companies)| (user, companies.is_some())).collect())
}

const DROP_MEMBERSHIP: &str = "delete from memberships where tenant = $1 and user_id = $2";
pub async fn drop_membership(tx: &mut Tx<'_>, tenant: Uuid, user: Uuid) -> Result<bool, StoreError> {
    Ok(tx.exec(DROP_MEMBERSHIP, args![tenant, user]).await? > 0)
}

/// A user's roles in text form. `accounts/roles.rs` defines their permissions.
pub struct Roles {
    pub role: Option<String>,
    pub platform_role: Option<String>,
}

const MEMBERS: &str = "select u.id, u.name, m.role, u.platform_role from memberships m \
    join users u on u.id = m.user_id where m.tenant = $1 and u.active order by u.name, u.id limit 1000";
const PLATFORM_PEOPLE: &str = "select u.id, u.name, cast(null as text), u.platform_role from users u \
    where u.active and u.platform_role is not null \
    and not exists (select 1 from memberships m where m.tenant = $1 and m.user_id = u.id) \
    order by u.name, u.id limit 1000";
/// The members of a tenant, and the platform users that are not members: id, name, roles. Deactivated users are left
/// out.
pub async fn people(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<(Uuid, String, Roles)>, StoreError> {
    type Found = (Uuid, String, Option<String>, Option<String>);
    let mut found = tx.all::<Found>(MEMBERS, args![tenant]).await?;
    found.extend(tx.all::<Found>(PLATFORM_PEOPLE, args![tenant]).await?);
    let person = |(id, name, role, platform_role)| (id, name, Roles { role, platform_role });
    Ok(found.into_iter().map(person).collect())
}

const ROLES: &str = "select m.role, u.platform_role from users u \
    left join memberships m on m.user_id = u.id and m.tenant = $1 where u.id = $2 and u.active";
/// The current roles of a user in a tenant; `None` for a deactivated user.
pub async fn roles_of(tx: &mut Tx<'_>, tenant: Uuid, user: Uuid) -> Result<Option<Roles>, StoreError> {
    let found = tx.one::<(Option<String>, Option<String>)>(ROLES, args![tenant, user]).await?;
    Ok(found.map(|(role, platform_role)| Roles { role, platform_role }))
}

const TENANTS: &str = "select id, name, created_at from tenants where id > $1 order by id limit $2";
/// All tenants, a page at a time by ascending id: id, name, time of creation.
pub async fn tenants(
    tx: &mut Tx<'_>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, String, i64)>, StoreError> {
    tx.all(TENANTS, args![after, limit]).await
}

const TENANT: &str = "select name from tenants where id = $1";
pub async fn tenant_name(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<String>, StoreError> {
    Ok(tx.one::<(String,)>(TENANT, args![id]).await?.map(|(name,)| name))
}

const INSERT_TENANT: &str = "insert into tenants (id, name, next_cursor, created_at) values ($1, $2, 0, $3)";
pub async fn insert_tenant(tx: &mut Tx<'_>, id: Uuid, name: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(INSERT_TENANT, args![id, name, now]).await.map(drop)
}

const COMPANIES: &str =
    "select id, name, kind, country from companies where tenant = $1 order by id limit 1000";
/// The companies of a tenant: id, name, kind, country.
pub async fn companies(
    tx: &mut Tx<'_>,
    tenant: Uuid,
) -> Result<Vec<(Uuid, String, String, Option<String>)>, StoreError> {
    tx.all(COMPANIES, args![tenant]).await
}

const COMPANY: &str = "select id, name, kind, country from companies where tenant = $1 and id = $2";
/// As [`companies`], of one.
pub async fn company(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<(Uuid, String, String, Option<String>)>, StoreError> {
    tx.one(COMPANY, args![tenant, id]).await
}

const COUNTRY: &str = "select country from companies where tenant = $1 and id = $2";
const COUNTRIES: &str =
    "select distinct country from companies where tenant = $1 and country is not null limit 10";
const SET_COUNTRY: &str = "update companies set country = $3 where tenant = $1 and id = $2";

/// The countries of a tenant's companies.
pub async fn countries(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<String>, StoreError> {
    Ok(tx.all::<(String,)>(COUNTRIES, args![tenant]).await?.into_iter().map(|(one,)| one).collect())
}

/// The country of a company; without one that of all companies which say one, if it is the same.
pub async fn country(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    company: Option<Uuid>,
) -> Result<Option<String>, StoreError> {
    let own = match company {
        Some(id) => tx.one::<(Option<String>,)>(COUNTRY, args![tenant, id]).await?.and_then(|(one,)| one),
        None => None,
    };
    if own.is_some() {
        return Ok(own);
    }
    let mut all = countries(tx, tenant).await?;
    Ok(all.pop().filter(|_| all.is_empty()))
}

pub async fn set_country(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    company: Uuid,
    country: Option<&str>,
) -> Result<(), StoreError> {
    tx.put(SET_COUNTRY, args![tenant, company, country]).await
}

const INSERT_COMPANY: &str =
    "insert into companies (tenant, id, name, kind, created_at) values ($1, $2, $3, $4, $5)";
pub async fn insert_company(
    tx: &mut Tx<'_>,
    id: Uuid,
    tenant: Uuid,
    name: &str,
    kind: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(INSERT_COMPANY, args![tenant, id, name, kind, now]).await.map(drop)
}

/// An API key without its secret; `hint` is the secret's beginning, so that people can tell keys apart.
pub struct KeyRow {
    pub id: Uuid,
    pub tenant: Uuid,
    pub name: String,
    pub role: String,
    pub hint: String,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

from_row!(KeyRow { id, tenant, name, role, hint, created_at, revoked_at });

const INSERT_KEY: &str =
    "insert into api_keys (tenant, id, name, role, hint, created_at) values ($1, $2, $3, $4, $5, $6)";
const INSERT_DIGEST: &str = "insert into key_digests (digest, tenant, api_key) values ($1, $2, $3)";
pub async fn insert_key(tx: &mut Tx<'_>, row: &KeyRow, digest: &str) -> Result<(), StoreError> {
    let KeyRow { id, tenant, name, role, hint, created_at, .. } = row;
    tx.exec(INSERT_KEY, args![*tenant, *id, name, role, hint, *created_at]).await?;
    tx.exec(INSERT_DIGEST, args![digest, *tenant, *id]).await.map(drop)
}

const KEY_BY_DIGEST: &str = "select k.id, k.tenant, k.name, k.role, k.hint, k.created_at, k.revoked_at \
    from key_digests d join api_keys k on k.tenant = d.tenant and k.id = d.api_key \
    where d.digest = $1 and k.revoked_at is null";
/// The unrevoked key with this digest.
pub async fn key_by_digest(tx: &mut Tx<'_>, digest: &str) -> Result<Option<KeyRow>, StoreError> {
    tx.one(KEY_BY_DIGEST, args![digest]).await
}

const KEYS: &str = "select id, tenant, name, role, hint, created_at, revoked_at from api_keys \
    where tenant = $1 order by id limit 1000";
pub async fn keys(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<KeyRow>, StoreError> {
    tx.all(KEYS, args![tenant]).await
}

const REVOKE_KEY: &str =
    "update api_keys set revoked_at = $3 where tenant = $1 and id = $2 and revoked_at is null";
/// `false`: the tenant has no such unrevoked key.
pub async fn revoke_key(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(REVOKE_KEY, args![tenant, id, now]).await? > 0)
}
