//! The search over contacts, conversations, messages and notes of a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use crate::accounts::Scope;
use crate::error::Error;
use crate::inbox::look::{FindContacts, FoundContact, MIN_TYPED};
use crate::inbox::search::{After, Hit, MAX_PAGE, Search};
use crate::search::Kind;

/// Contacts of an answer.
const CONTACTS: i64 = 8;

#[derive(Debug, Deserialize, ToSchema)]
pub struct SearchQuery {
    /// What is looked for: words, of which the last may be unfinished, "phrases" in quotes, or a number. Case and marks do not
    /// matter. There is no other syntax, and no wrong query.
    q: String,
    /// Only this tenant. Pages go on in one tenant only.
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
    /// The caller sees more tenants than are searched at once: only contacts were looked for. Name a tenant.
    too_wide: bool,
}

/// Tenants that are searched at once.
const TENANTS: usize = 8;

pub async fn find(caller: Caller, query: SearchQuery) -> Result<SearchAnswer, Error> {
    let scopes = caller.tenants(query.tenant)?;
    let wrong = || Error::invalid("after", "give the `next` of the page before, as it is");
    let after = query.after.as_ref().map(|text| text.parse().map_err(|()| wrong())).transpose()?;
    if after.is_some() && scopes.len() > 1 {
        return Err(Error::invalid("tenant", "name the tenant in which the search goes on"));
    }
    let seen = scopes.len();
    // What is refused below as too wide looks for contacts only, in one statement.
    let cost = if seen > TENANTS { 1 } else { seen.max(1) };
    caller.app.admission.rates.search(caller.access.identity.id(), cost).map_err(|wait| {
        let why = "wait before the next search, or name one tenant";
        Error::TooMany { why, seconds: wait.seconds }
    })?;
    let limit = query.limit.unwrap_or(20).clamp(1, MAX_PAGE);
    let store = &caller.app.store;
    let mut answer =
        SearchAnswer { contacts: Vec::new(), hits: Vec::new(), next: None, complete: true, too_wide: false };
    if let Some(verb) = query.contacts(&scopes) {
        answer.contacts = store.read_anywhere(verb).await?;
    }
    answer.too_wide = seen > TENANTS;
    let is_one = seen == 1;
    for scope in scopes.into_iter().filter(|_| !answer.too_wide) {
        let page = store.read_anywhere(query.verb(scope, after, limit)).await?;
        answer.hits.extend(page.hits);
        answer.next = page.next.filter(|_| is_one).map(|after| after.to_string());
        answer.complete &= page.is_complete;
    }
    if !is_one {
        answer.hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
        answer.hits.truncate(limit);
    }
    Ok(answer)
}

impl SearchQuery {
    /// The search for contacts, on the first page if nothing but the tenant is chosen.
    fn contacts(&self, scopes: &[Scope]) -> Option<FindContacts> {
        let chosen = [self.company, self.channel, self.contact].iter().any(Option::is_some);
        let is_wide = !chosen
            && self.kind.is_none()
            && self.from.is_none()
            && self.to.is_none()
            && self.after.is_none();
        let is_enough = self.q.trim().chars().count() >= MIN_TYPED;
        let scopes = Some(scopes.to_vec()).filter(|_| is_wide && is_enough)?;
        Some(FindContacts { scopes, typed: self.q.clone(), limit: CONTACTS })
    }

    fn verb(&self, scope: Scope, after: Option<After>, limit: usize) -> Search {
        Search {
            scope,
            typed: self.q.clone(),
            kind: self.kind,
            company: self.company,
            channel: self.channel,
            contact: self.contact,
            from: self.from,
            to: self.to,
            after,
            limit,
        }
    }
}
