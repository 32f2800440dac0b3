//! The lists of the inbox and the search for contacts, over the socket.

use hub::SessionInfo;
use uuid::Uuid;

use super::rules::{SocketRules, who};
use crate::accounts::{Permission, Scope};
use crate::error::Error;
use crate::inbox::listing::{
    ContactsAnswer, ContactsQuery, CountsAnswer, CountsQuery, InboxAnswer, InboxQuery,
};

/// The tenant that was asked for, or all that the caller sees.
fn scopes(session: &SessionInfo, only: Option<Uuid>) -> Result<Vec<Scope>, Error> {
    let access = &who(session)?.access;
    match only {
        Some(tenant) => Ok(vec![access.tenant(tenant, Permission::Read)?]),
        None => Ok(access.tenants(Permission::Read)),
    }
}

pub(super) async fn list(
    rules: &SocketRules,
    session: &SessionInfo,
    query: InboxQuery,
) -> Result<InboxAnswer, Error> {
    let scopes = scopes(session, query.tenant)?;
    Ok(rules.store.read(query.verb(scopes)?).await?.into())
}

pub(super) async fn counts(
    rules: &SocketRules,
    session: &SessionInfo,
    query: CountsQuery,
) -> Result<CountsAnswer, Error> {
    let scopes = scopes(session, query.tenant)?;
    Ok(rules.store.read(query.verb(scopes)).await?.into())
}

pub(super) async fn find_contacts(
    rules: &SocketRules,
    session: &SessionInfo,
    query: ContactsQuery,
) -> Result<ContactsAnswer, Error> {
    let scopes = scopes(session, query.tenant)?;
    Ok(rules.store.read(query.verb(scopes)).await?.into())
}
