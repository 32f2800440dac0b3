//! The search over contacts, conversations, messages and notes of a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use crate::error::Error;
use crate::inbox::look::FoundContact;
use crate::inbox::search::{Hit, MAX_PAGE, Search};
use crate::search::Kind;

#[derive(Debug, Deserialize, ToSchema)]
pub struct SearchQuery {
    /// What is looked for: words, of which the last may be unfinished, "phrases" in quotes, or a number. Case and marks do not
    /// matter. There is no other syntax, and no wrong query.
    q: String,
    /// Needed if the caller sees several tenants.
    tenant: Option<Uuid>,
    kind: Option<Kind>,
    company: Option<Uuid>,
    channel: Option<Uuid>,
    contact: Option<Uuid>,
    /// Not before this time (Unix milliseconds).
    from: Option<i64>,
    /// Not after this time.
    to: Option<i64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// 1 to 50, default 20.
    limit: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SearchAnswer {
    /// On the first page, if nothing but the tenant is chosen.
    contacts: Vec<FoundContact>,
    /// The newest first. A page may have fewer than `limit`, and still a `next`: a search looks at a bounded part of a long
    /// history at a time.
    hits: Vec<Hit>,
    next: Option<String>,
    /// `false`: older messages are still being taken into the index.
    complete: bool,
}

pub async fn find(caller: Caller, query: SearchQuery) -> Result<SearchAnswer, Error> {
    let mut scopes = caller.tenants(query.tenant)?;
    let scope = match (scopes.pop(), scopes.is_empty()) {
        (Some(scope), true) => scope,
        _ => return Err(Error::invalid("tenant", "name the tenant to search in")),
    };
    let after = query
        .after
        .map(|text| {
            text.parse().map_err(|()| Error::invalid("after", "give the `next` of the page before, as it is"))
        })
        .transpose()?;
    let verb = Search {
        scope,
        typed: query.q,
        kind: query.kind,
        company: query.company,
        channel: query.channel,
        contact: query.contact,
        from: query.from,
        to: query.to,
        after,
        limit: query.limit.unwrap_or(20).clamp(1, MAX_PAGE),
    };
    let page = caller.app.store.read(verb).await?;
    Ok(SearchAnswer {
        contacts: page.contacts,
        hits: page.hits,
        next: page.next.map(|after| after.to_string()),
        complete: page.is_complete,
    })
}
