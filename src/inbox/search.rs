//! Searching a tenant's messages, notes and titles of conversations by the search index, the newest first. What the index says
//! is compared with what is stored, so nothing that was changed or deleted is shown. Contacts are found in `look.rs`.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::Contact;
use crate::people::person;
use crate::search::{Kind, Query, Segment, excerpt};
use crate::store::consumers::{self, ConsumerState};
use crate::store::search::{self, BLOCK, Found, Times};
use crate::store::{Tx, Verb, channels};

pub const MAX_PAGE: usize = 50;
/// Blocks that one search looks at, and those of its first steps: a frequent word is found in the first.
const BLOCKS: i64 = 640;
const STEPS: [usize; 3] = [1, 4, 16];
/// How long one search looks for more. Words that are frequent and never meet cost every block the most.
const BUDGET: Duration = Duration::from_millis(20);
/// Documents whose text one search reads.
const READ: usize = 400;

/// Where a page ended: the place of a block, and a document of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    pub place: i64,
    pub before: i64,
}

impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.place, self.before)
    }
}

impl std::str::FromStr for After {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (place, before) = text.split_once('.').ok_or(())?;
        Ok(Self { place: place.parse().map_err(drop)?, before: before.parse().map_err(drop)? })
    }
}

/// Something that was found by its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hit {
    pub tenant: Uuid,
    pub kind: Kind,
    /// Of the message or the note; of the conversation if it was found by its title.
    pub id: Uuid,
    pub conversation: Uuid,
    /// The message's `seq`; of a conversation the `seq` of its newest message.
    pub seq: i64,
    pub company: Uuid,
    pub channel: Uuid,
    pub contact: Contact,
    /// The title of the conversation's thread, if it has one.
    pub thread_title: Option<String>,
    /// Who wrote it, if that is known by name.
    pub author: Option<String>,
    pub at: i64,
    /// The text around the first hit.
    pub excerpt: Vec<Segment>,
}

#[derive(Clone, Debug)]
pub struct Page {
    pub hits: Vec<Hit>,
    /// Where the search goes on; `None` when all was looked at.
    pub next: Option<After>,
    /// The index has everything that is stored.
    pub is_complete: bool,
}

/// One page of a search in one tenant.
pub struct Search {
    pub scope: Scope,
    pub typed: String,
    pub kind: Option<Kind>,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
    pub contact: Option<Uuid>,
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub after: Option<After>,
    pub limit: usize,
}

impl Search {
    /// The query with its filters; `None`: the caller can see nothing of it.
    async fn query(&self, tx: &mut Tx<'_>, contacts: &[Uuid]) -> Result<Option<Query>, Error> {
        let mut query = Query::parse(&self.typed);
        let companies: Option<Vec<Uuid>> = match (self.company, self.scope.companies()) {
            (Some(company), _) if self.scope.sees_company(company) => Some(vec![company]),
            (None, Some(own)) if !own.is_empty() => Some(own.to_vec()),
            (None, None) => None,
            _ => return Ok(None),
        };
        if let Some(companies) = companies {
            // The index knows channels only: which company they are of may change.
            let all = channels::companies(tx, self.scope.tenant()).await?;
            let channels: Vec<Uuid> =
                all.iter().filter(|(_, company)| companies.contains(company)).map(|(id, _)| *id).collect();
            if channels.is_empty() {
                return Ok(None);
            }
            query.of_channels(&channels);
        }
        if let Some(kind) = self.kind {
            query.of_kind(kind);
        }
        if let Some(channel) = self.channel {
            query.of_channels(&[channel]);
        }
        if !contacts.is_empty() {
            query.of_contacts(contacts);
        }
        Ok(Some(query).filter(|query| !query.is_empty()))
    }

    /// The hit of what was found; `None` if it is not there any more, says something else by now, or is not the caller's.
    fn hit(&self, query: &Query, contacts: &[Uuid], found: Found) -> Option<Hit> {
        let is_title = found.id == found.conversation;
        let kind = match (is_title, found.direction.as_str()) {
            (true, _) => Kind::Conversation,
            (_, "note") => Kind::Note,
            _ => Kind::Message,
        };
        let is_wanted = found.deleted_at.is_none()
            && self.scope.sees_company(found.company)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.company.is_none_or(|wanted| wanted == found.company)
            && self.channel.is_none_or(|wanted| wanted == found.channel)
            && (contacts.is_empty() || contacts.contains(&found.contact))
            && self.from.is_none_or(|from| found.at >= from)
            && self.to.is_none_or(|to| found.at <= to);
        let text = found.text.filter(|text| is_wanted && query.fits(text))?;
        Some(Hit {
            tenant: self.scope.tenant(),
            kind,
            id: found.id,
            conversation: found.conversation,
            seq: found.seq,
            company: found.company,
            channel: found.channel,
            contact: Contact {
                id: found.contact,
                name: found.contact_name,
                handle: found.contact_handle,
                ..Contact::default()
            },
            thread_title: found.title,
            author: found.author,
            at: found.at,
            excerpt: excerpt(&text, query),
        })
    }
}

impl Verb for Search {
    type Out = Page;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Page, Error> {
        let tenant = self.scope.tenant();
        let progress = consumers::get(tx, tenant, search::CONSUMER).await?;
        let is_complete = progress.is_some_and(|progress| progress.state == ConsumerState::Following);
        let mut page = Page { hits: Vec::new(), next: None, is_complete };
        // What the person wrote under any of its contacts.
        let contacts = match self.contact {
            Some(contact) => person(tx, tenant, contact).await?.map_or(vec![contact], |person| person.ids()),
            None => Vec::new(),
        };
        let Some(query) = self.query(tx, &contacts).await? else { return Ok(page) };
        let times = Times { from: self.from.unwrap_or(i64::MIN), to: self.to.unwrap_or(i64::MAX) };
        let place = self.after.map_or(i64::MAX, |after| after.place);
        // One more says whether there is more.
        let blocks = search::blocks(tx, tenant, place, BLOCKS + 1).await?;
        let (looked, rest) = blocks.split_at(blocks.len().min(usize::try_from(BLOCKS).unwrap_or(0)));
        page.next = rest.first().map(|block| After { place: block.place, before: i64::MAX });
        let (mut at, mut read, mut steps) = (0, 0, STEPS.iter().copied().chain(std::iter::repeat(STEPS[2])));
        let mut before = self.after.filter(|after| after.before != i64::MAX).map(|after| after.before);
        // The block in which a page ended is looked at alone: only there documents are left out.
        let begun = Instant::now();
        while at < looked.len() {
            if begun.elapsed() > BUDGET {
                let place = looked[at].place;
                page.next = Some(After { place, before: before.unwrap_or(i64::MAX) });
                return Ok(page);
            }
            let some = &looked[at..(at + steps.next().unwrap_or(1)).min(looked.len())];
            let most = (self.limit - page.hits.len() + 1).max(20) as i64;
            let numbers = search::find(tx, tenant, &query, some, before, times, most).await?;
            let found = search::load(tx, tenant, &numbers).await?;
            for (number, found) in numbers.iter().zip(found) {
                let block = some.iter().find(|block| block.block == number.div_euclid(BLOCK));
                let here = block.map(|block| After { place: block.place, before: *number });
                if page.hits.len() == self.limit || read >= READ {
                    // It goes on with this one.
                    page.next = here.map(|here| After { before: here.before + 1, ..here });
                    return Ok(page);
                }
                read += 1;
                page.hits.extend(found.and_then(|found| self.hit(&query, &contacts, found)));
            }
            // All of these blocks was read, or they have more behind the last document.
            if let (true, Some(last)) = (numbers.len() as i64 == most, numbers.last()) {
                let block = last.div_euclid(BLOCK);
                at += some.iter().position(|one| one.block == block).unwrap_or(0);
                before = Some(*last);
                steps = STEPS.iter().copied().chain(std::iter::repeat(STEPS[2]));
            } else {
                at += some.len();
                before = None;
            }
        }
        Ok(page)
    }
}
