//! Reads: the list, a conversation, its messages. Each list is read in one snapshot with the feed's position, so that no
//! event is lost between a list and the events after it.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{Contact, InboxItem, Message, ReadMark};
use crate::store::views::{self, Position, Sort, Source, View};
use crate::store::{
    Tx, Verb, channels, contact_terms, conversations, events, history, messages, reads, tallies,
};

pub const MAX_PAGE: i64 = 200;

/// Limits of a page: messages read at a time, and total bytes of text, so that listing long messages cannot exhaust the
/// server's memory.
const STEP: i64 = 51;
const PAGE_BYTES: usize = 1024 * 1024;
/// Characters from which on contacts are looked for.
pub const MIN_TYPED: usize = 2;

/// A user's list over the tenants that they may see.
pub struct Inbox {
    pub scopes: Vec<Scope>,
    pub view: View,
    pub sort: Sort,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
    /// Only conversations that show this label, their own or their contact's.
    pub label: Option<Uuid>,
    /// The end of the previous page.
    pub from: Option<Position>,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct InboxPage {
    pub items: Vec<InboxItem>,
    /// The cursor of the next page.
    pub next: Option<Position>,
    /// On the first page: the number of conversations of each view, whatever their labels.
    pub counts: Option<Counts>,
    /// Each tenant's feed position when the list was read.
    pub cursors: BTreeMap<Uuid, i64>,
    /// The epoch of these cursors.
    pub epoch: String,
}

/// How many conversations each view holds, as far as the caller sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub all: i64,
    pub mine: i64,
    pub unassigned: i64,
    pub ai: i64,
    pub waiting: i64,
    pub closed: i64,
}

impl Counts {
    fn of(&mut self, view: View) -> &mut i64 {
        match view {
            View::All => &mut self.all,
            View::Mine => &mut self.mine,
            View::Unassigned => &mut self.unassigned,
            View::Ai => &mut self.ai,
            View::Waiting => &mut self.waiting,
            View::Closed => &mut self.closed,
        }
    }
}

/// The channels that a filter selects in a scope; `None` for the whole tenant.
async fn narrowed(
    tx: &mut Tx<'_>,
    scope: &Scope,
    company: Option<Uuid>,
    channel: Option<Uuid>,
) -> Result<Option<Vec<Uuid>>, Error> {
    if company.is_none() && channel.is_none() && scope.companies().is_none() {
        return Ok(None);
    }
    let all = channels::companies(tx, scope.tenant()).await?;
    let fits = |one: &Uuid, of: &Uuid| {
        company.is_none_or(|company| company == *of)
            && channel.is_none_or(|channel| channel == *one)
            && scope.sees_company(*of)
    };
    Ok(Some(all.into_iter().filter(|(one, of)| fits(one, of)).map(|(one, _)| one).collect()))
}

impl Verb for Inbox {
    type Out = InboxPage;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<InboxPage, Error> {
        let limit = usize::try_from(self.limit.clamp(1, MAX_PAGE)).unwrap_or(1);
        let mut sources = Vec::new();
        let mut hidden: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for scope in &self.scopes {
            let (tenant, user) = (scope.tenant(), scope.actor().user());
            let channels = narrowed(tx, scope, self.company, self.channel).await?;
            if self.view == View::Mine {
                sources.extend(user.map(|user| Source::Assignee(tenant, user)));
                hidden.extend(channels.map(|channels| (tenant, channels)));
                continue;
            }
            for bucket in self.view.buckets() {
                match &channels {
                    None => sources.push(Source::Tenant(tenant, *bucket)),
                    Some(channels) => {
                        sources.extend(
                            channels.iter().map(|channel| Source::Channel(tenant, *channel, *bucket)),
                        );
                    }
                }
            }
        }
        let from = self.from.unwrap_or_else(|| Position::first(self.sort));
        let sees = |key: &views::ListKey| {
            hidden.get(&key.tenant).is_none_or(|channels| channels.contains(&key.channel))
        };
        let page = views::page(tx, &sources, self.label, (self.sort, from, limit), sees).await?;
        let ids: Vec<_> = page.keys.iter().map(|key| (key.tenant, key.id)).collect();
        let found = conversations::load_many(tx, &ids).await?;
        let user = self.scopes.first().and_then(|scope| scope.actor().user());
        let marks = reads::of_user(tx, user, &found).await?;
        let items = found.into_iter().zip(marks);
        let items = items.map(|(conversation, my_read)| InboxItem { conversation, my_read }).collect();
        let counts = match self.from {
            None => Some(counts(tx, &self.scopes, self.company, self.channel).await?),
            Some(_) => None,
        };
        let (cursors, epoch) = positions(tx, &self.scopes).await?;
        Ok(InboxPage { items, next: page.next, counts, cursors, epoch })
    }
}

/// The feed positions of the scopes' tenants.
async fn positions(tx: &mut Tx<'_>, scopes: &[Scope]) -> Result<(BTreeMap<Uuid, i64>, String), Error> {
    let tenants: Vec<Uuid> = scopes.iter().map(Scope::tenant).collect();
    let tops = events::tops(tx, &tenants).await?;
    Ok((tenants.into_iter().zip(tops).collect(), events::epoch(tx).await?))
}

async fn counts(
    tx: &mut Tx<'_>,
    scopes: &[Scope],
    company: Option<Uuid>,
    channel: Option<Uuid>,
) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    let user = scopes.first().and_then(|scope| scope.actor().user());
    let tenants: Vec<Uuid> = scopes.iter().map(Scope::tenant).collect();
    let tallied = tallies::of_tenants(tx, &tenants, user).await?;
    for (scope, tallied) in scopes.iter().zip(tallied) {
        let channels = narrowed(tx, scope, company, channel).await?;
        for (of, bucket, amount, mine) in tallied {
            if channels.as_ref().is_some_and(|channels| !channels.contains(&of)) {
                continue;
            }
            for view in View::ALL {
                if view.buckets().contains(&bucket) {
                    *counts.of(*view) += if *view == View::Mine { mine } else { amount };
                }
            }
        }
    }
    Ok(counts)
}

/// Only the counts.
pub struct CountViews {
    pub scopes: Vec<Scope>,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
}

#[derive(Clone, Debug)]
pub struct Counted {
    pub counts: Counts,
    pub cursors: BTreeMap<Uuid, i64>,
    pub epoch: String,
}

impl Verb for CountViews {
    type Out = Counted;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Counted, Error> {
        let counts = counts(tx, &self.scopes, self.company, self.channel).await?;
        let (cursors, epoch) = positions(tx, &self.scopes).await?;
        Ok(Counted { counts, cursors, epoch })
    }
}

/// Finds contacts by name, handle or phone number.
pub struct FindContacts {
    pub scopes: Vec<Scope>,
    pub typed: String,
    pub limit: i64,
}

/// A contact, and where one would write to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundContact {
    pub tenant: Uuid,
    pub contact: Contact,
    /// The newest conversation with it.
    pub conversation: InboxItem,
}

impl Verb for FindContacts {
    type Out = Vec<FoundContact>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<FoundContact>, Error> {
        if self.typed.trim().chars().count() < MIN_TYPED {
            return Err(Error::invalid("q", format!("type at least {MIN_TYPED} characters")));
        }
        let limit = usize::try_from(self.limit.clamp(1, MAX_PAGE)).unwrap_or(1);
        let mut found = Vec::new();
        for scope in &self.scopes {
            if found.len() >= limit {
                break;
            }
            let newest =
                contact_terms::find(tx, scope.tenant(), &self.typed, limit, scope.companies()).await?;
            let conversations = conversations::load_many(tx, &newest).await?;
            let marks = reads::of_user(tx, scope.actor().user(), &conversations).await?;
            for (conversation, my_read) in conversations.into_iter().zip(marks) {
                let (tenant, contact) = (conversation.tenant, conversation.contact.clone());
                // A person is found once, however many of its contacts fit.
                if found.iter().any(|one: &FoundContact| one.contact.root() == contact.root()) {
                    continue;
                }
                let conversation = InboxItem { conversation, my_read };
                found.push(FoundContact { tenant, contact, conversation });
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// One conversation.
pub struct One {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for One {
    type Out = InboxItem;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<InboxItem, Error> {
        let conversation = conversations::load(tx, self.scope.tenant(), self.conversation).await?;
        let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
        let my_read = match self.scope.actor().user() {
            Some(user) => reads::get(tx, conversation.tenant, conversation.id, user).await?,
            None => ReadMark::default(),
        };
        Ok(InboxItem { conversation, my_read })
    }
}

/// A page of messages before or after a `seq`, rising.
pub struct Messages {
    pub scope: Scope,
    pub conversation: Uuid,
    pub before_seq: Option<i64>,
    pub after_seq: Option<i64>,
    pub limit: i64,
    /// Whether `last_seq` is wanted.
    pub tells_last: bool,
}

#[derive(Clone, Debug)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// Whether there are more in the requested direction.
    pub more: bool,
    /// Of the conversation's newest message, if it is wanted.
    pub last_seq: i64,
}

impl Verb for Messages {
    type Out = MessagePage;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<MessagePage, Error> {
        let limit = self.limit.clamp(1, MAX_PAGE);
        let tenant = self.scope.tenant();
        let mut page = Vec::new();
        let mut bytes = 0;
        // Reads one extra row to know whether there are more.
        let more = loop {
            let want = (limit + 1 - page.len() as i64).min(STEP);
            let found = if let Some(after) = self.after_seq {
                let after = page.last().map_or(after, |last: &Message| last.seq);
                messages::after(tx, tenant, self.conversation, after, want).await?
            } else {
                let before = page.first().map(|first| first.seq).or(self.before_seq).unwrap_or(i64::MAX);
                messages::before(tx, tenant, self.conversation, before, want).await?
            };
            let is_full = found.len() as i64 == want;
            bytes += found.iter().map(|message| message.text.as_ref().map_or(0, String::len)).sum::<usize>();
            let at = if self.after_seq.is_some() { page.len() } else { 0 };
            drop(page.splice(at..at, found));
            if !is_full || page.len() as i64 > limit || bytes > PAGE_BYTES {
                break is_full;
            }
        };
        if more {
            // The extra row is at the far end.
            if self.after_seq.is_some() {
                page.pop();
            } else {
                page.remove(0);
            }
        }
        let last_seq =
            if self.tells_last { history::last_seq(tx, tenant, self.conversation).await? } else { 0 };
        Ok(MessagePage { messages: page, more, last_seq })
    }
}
