//! The lists of conversations and how many they hold, read together with the feeds' positions; contacts by what they
//! are called. Twins of the socket's `inbox.*` and `contact.find`.

use axum::Json;
use axum::extract::State;

use super::extract::{Caller, Params, Read};
use super::problem::{Problem, Result};
use crate::app::AppState;
use crate::inbox::listing::{
    ContactsAnswer, ContactsQuery, CountsAnswer, CountsQuery, InboxAnswer, InboxQuery,
};

/// The conversations of a view, with the feeds' positions as of the same moment.
#[utoipa::path(get, path = "/api/v1/inbox", tag = "inbox", params(InboxQuery),
    responses((status = 200, body = InboxAnswer), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(query): Params<InboxQuery>,
) -> Result<Json<InboxAnswer>> {
    let scopes = caller.tenants(query.tenant)?;
    Ok(Json(app.store.read(query.verb(scopes)?).await?.into()))
}

/// How many conversations each view holds.
#[utoipa::path(get, path = "/api/v1/inbox/counts", tag = "inbox", params(CountsQuery),
    responses((status = 200, body = CountsAnswer), (status = 401, body = Problem)))]
pub async fn counts(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(query): Params<CountsQuery>,
) -> Result<Json<CountsAnswer>> {
    let scopes = caller.tenants(query.tenant)?;
    Ok(Json(app.store.read(query.verb(scopes)).await?.into()))
}

/// Contacts by the beginning of a name or handle, or by either end of a phone number, each with its newest
/// conversation.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "inbox", params(ContactsQuery),
    responses((status = 200, body = ContactsAnswer), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn find_contacts(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(query): Params<ContactsQuery>,
) -> Result<Json<ContactsAnswer>> {
    let scopes = caller.tenants(query.tenant)?;
    Ok(Json(app.store.read(query.verb(scopes)).await?.into()))
}
