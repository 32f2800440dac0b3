//! The people of a tenant, to assign conversations to. Accounts are managed on the command line only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use crate::accounts::users::{ListPeople, Person};
use crate::error::Error;

#[derive(Deserialize, ToSchema)]
pub struct PeopleQuery {
    tenant: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct People {
    users: Vec<Person>,
}

pub async fn list(caller: Caller, query: PeopleQuery) -> Result<People, Error> {
    let verb = ListPeople(caller.tenant(query.tenant)?);
    Ok(People { users: caller.app.store.read(verb).await? })
}
