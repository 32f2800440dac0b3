//! Reading: the list, a conversation, its messages, from one snapshot with the feed's position, so that
//! nothing can happen between a list and the events that follow it.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{ConversationState, InboxItem, Message, Owner};
use crate::store::{Tx, Verb, conversations, events, messages, reads};

pub const MAX_PAGE: i64 = 200;

/// The list of one user over the tenants that it may see.
pub struct Inbox {
    pub scopes: Vec<Scope>,
    pub state: ConversationState,
    pub owner: Option<Owner>,
    pub channel: Option<Uuid>,
    pub before: Option<(i64, Uuid)>,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct InboxPage {
    pub items: Vec<InboxItem>,
    /// Where the next page begins.
    pub next: Option<(i64, Uuid)>,
    /// The feed of each tenant stood here when the list was read.
    pub cursors: BTreeMap<Uuid, i64>,
    /// Of all of these cursors.
    pub epoch: String,
}

impl Verb for Inbox {
    type Out = InboxPage;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<InboxPage, Error> {
        let limit = self.limit.clamp(1, MAX_PAGE);
        let mut found = Vec::new();
        let mut cursors = BTreeMap::new();
        // Where the newest part of a tenant that is filtered by company ends, the rest is not known yet.
        let mut horizon: Option<(i64, Uuid)> = None;
        for scope in &self.scopes {
            cursors.insert(scope.tenant(), events::top(tx, scope.tenant()).await?);
            let filter = conversations::Filter {
                tenant: scope.tenant(),
                state: self.state,
                owner: self.owner,
                channel: self.channel,
                before: self.before,
                limit: limit + 1,
            };
            let page = conversations::page(tx, &filter).await?;
            if page.len() as i64 > limit {
                let last = page.last().map(|last| (last.updated_at, last.id));
                horizon = horizon.max(last);
            }
            found.extend(page.into_iter().filter(|one| scope.sees_company(one.company)));
        }
        found.sort_by_key(|one| std::cmp::Reverse((one.updated_at, one.id)));
        let fits =
            |one: &crate::model::Conversation| horizon.is_none_or(|edge| (one.updated_at, one.id) >= edge);
        let more = found.len() as i64 > limit || horizon.is_some();
        let mut items = Vec::new();
        for conversation in found.into_iter().filter(fits).take(usize::try_from(limit).unwrap_or(0)) {
            let user = self
                .scopes
                .iter()
                .find(|scope| scope.tenant() == conversation.tenant)
                .and_then(|scope| scope.actor().user());
            let my_read = match user {
                Some(user) => reads::get(tx, conversation.id, user).await?,
                None => crate::model::ReadMark::default(),
            };
            items.push(InboxItem { conversation, my_read });
        }
        let last = items.last().map(|last| (last.conversation.updated_at, last.conversation.id));
        let epoch = events::epoch(tx).await?;
        Ok(InboxPage { next: last.or(horizon).filter(|_| more), items, cursors, epoch })
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
            Some(user) => reads::get(tx, conversation.id, user).await?,
            None => crate::model::ReadMark::default(),
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
}

#[derive(Clone, Debug)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// There are more in the direction that was asked for.
    pub more: bool,
}

impl Verb for Messages {
    type Out = MessagePage;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<MessagePage, Error> {
        let limit = self.limit.clamp(1, MAX_PAGE);
        let tenant = self.scope.tenant();
        let mut page = if let Some(after) = self.after_seq {
            messages::after(tx, tenant, self.conversation, after, limit + 1).await?
        } else {
            let before = self.before_seq.unwrap_or(i64::MAX);
            messages::before(tx, tenant, self.conversation, before, limit + 1).await?
        };
        let more = page.len() as i64 > limit;
        if more {
            // The one too many is at the far end.
            if self.after_seq.is_some() {
                page.pop();
            } else {
                page.remove(0);
            }
        }
        Ok(MessagePage { messages: page, more })
    }
}
