//! The lists of conversations with their counts, read together with the feeds' positions; the search for contacts.

use super::Caller;
use crate::error::Error;
use crate::inbox::listing::{
    ContactsAnswer, ContactsQuery, CountsAnswer, CountsQuery, InboxAnswer, InboxQuery,
};

pub async fn list(caller: Caller, query: InboxQuery) -> Result<InboxAnswer, Error> {
    let scopes = caller.tenants(query.tenant)?;
    Ok(caller.app.store.read(query.verb(scopes)?).await?.into())
}

pub async fn counts(caller: Caller, query: CountsQuery) -> Result<CountsAnswer, Error> {
    let scopes = caller.tenants(query.tenant)?;
    Ok(caller.app.store.read(query.verb(scopes)).await?.into())
}

pub async fn find_contacts(caller: Caller, query: ContactsQuery) -> Result<ContactsAnswer, Error> {
    let scopes = caller.tenants(query.tenant)?;
    Ok(caller.app.store.read_anywhere(query.verb(scopes)).await?.into())
}
