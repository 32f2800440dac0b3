//! What lists of the inbox are asked by, and how they answer: the same over HTTP and over the socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::look::{self, Counts, FoundContact};
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::InboxItem;
use crate::store::views::{self, Sort, View};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxQuery {
    /// Only this tenant.
    pub tenant: Option<Uuid>,
    /// Only this company.
    company: Option<Uuid>,
    channel: Option<Uuid>,
    /// Only conversations that show this label: their own, or their customer's. The counts are of all.
    label: Option<Uuid>,
    /// `all` (default), `mine`, `unassigned`, `ai`, `waiting` (a person should answer) or `closed`.
    view: Option<View>,
    /// `recent` (default): newest activity first; `wait`: the longest wait first.
    sort: Option<Sort>,
    /// `next` of the page before.
    before: Option<String>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountsQuery {
    /// Only this tenant.
    pub tenant: Option<Uuid>,
    /// Only this company.
    company: Option<Uuid>,
    channel: Option<Uuid>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactsQuery {
    /// Only this tenant.
    pub tenant: Option<Uuid>,
    /// Two or more characters: the beginning of any word of a name, of a handle, or either end of a phone number.
    q: String,
    /// 1 to 200, default 20.
    limit: Option<i64>,
}

/// Where a tenant's feed stood when the list was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position {
    offset: i64,
    epoch: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InboxAnswer {
    conversations: Vec<InboxItem>,
    next: Option<String>,
    /// Of the first page: how many conversations each view holds under the same filter. Events move them by `moved`.
    counts: Option<Counts>,
    /// By tenant: a socket that goes on from here misses nothing.
    positions: BTreeMap<Uuid, Position>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CountsAnswer {
    counts: Counts,
    positions: BTreeMap<Uuid, Position>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ContactsAnswer {
    contacts: Vec<FoundContact>,
}

fn positions(cursors: BTreeMap<Uuid, i64>, epoch: &str) -> BTreeMap<Uuid, Position> {
    let position = |offset| Position { offset, epoch: epoch.to_owned() };
    cursors.into_iter().map(|(tenant, cursor)| (tenant, position(cursor))).collect()
}

impl InboxQuery {
    pub fn verb(self, scopes: Vec<Scope>) -> Result<look::Inbox, Error> {
        let parse = |text: String| {
            text.parse()
                .map_err(|()| Error::invalid("before", "give the `next` of the page before, as it is"))
        };
        let from: Option<views::Position> = self.before.map(parse).transpose()?;
        let sort = self.sort.unwrap_or(Sort::Recent);
        if sort == Sort::Recent && from.is_some_and(|from| from.waits) {
            return Err(Error::invalid("before", "is of a list by wait: begin this one without it"));
        }
        Ok(look::Inbox {
            scopes,
            view: self.view.unwrap_or(View::All),
            sort,
            company: self.company,
            channel: self.channel,
            label: self.label,
            from,
            limit: self.limit.unwrap_or(50),
        })
    }
}

impl CountsQuery {
    pub fn verb(self, scopes: Vec<Scope>) -> look::CountViews {
        look::CountViews { scopes, company: self.company, channel: self.channel }
    }
}

impl ContactsQuery {
    pub fn verb(self, scopes: Vec<Scope>) -> look::FindContacts {
        look::FindContacts { scopes, typed: self.q, limit: self.limit.unwrap_or(20) }
    }
}

impl From<look::InboxPage> for InboxAnswer {
    fn from(page: look::InboxPage) -> Self {
        Self {
            conversations: page.items,
            next: page.next.map(|place| place.to_string()),
            counts: page.counts,
            positions: positions(page.cursors, &page.epoch),
        }
    }
}

impl From<look::Counted> for CountsAnswer {
    fn from(counted: look::Counted) -> Self {
        Self { counts: counted.counts, positions: positions(counted.cursors, &counted.epoch) }
    }
}

impl From<Vec<FoundContact>> for ContactsAnswer {
    fn from(contacts: Vec<FoundContact>) -> Self {
        Self { contacts }
    }
}
