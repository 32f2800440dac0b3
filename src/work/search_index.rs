//! The consumer that keeps the search index: messages and notes by their text, conversations by their title. What was
//! deleted leaves the index. Contacts are found by `store/contact_terms.rs`.

use serde::Deserialize;
use uuid::Uuid;

use super::consumers::Consumer;
use crate::error::Error;
use crate::model::{Direction, EventKind};
use crate::search::{Kind, Tokens};
use crate::store::search::{self, Change, End, Older};
use crate::store::{Event, Tx};

/// Messages that one step fills in, and documents that one step clears.
const FILL: i64 = 256;
const CLEAR: i64 = 500;

pub struct SearchIndex;

/// What the index reads of an event.
#[derive(Deserialize)]
struct Seen {
    conversation: Option<SeenConversation>,
    message: Option<SeenMessage>,
}

#[derive(Deserialize)]
struct SeenConversation {
    id: Uuid,
    channel: Uuid,
    contact: SeenContact,
    opened_at: i64,
    thread_title: Option<String>,
}

#[derive(Deserialize)]
struct SeenContact {
    id: Uuid,
}

#[derive(Deserialize)]
struct SeenMessage {
    id: Uuid,
    seq: i64,
    direction: Direction,
    text: Option<String>,
    created_at: i64,
    deleted_at: Option<i64>,
}

/// A change, and whether it is of a message that may still have to be filled in.
type Effect = (Change, bool);

impl Consumer for SearchIndex {
    const NAME: &'static str = search::CONSUMER;
    const VERSION: i64 = 2;
    type Effects = Vec<Effect>;

    fn prepare(&self, events: &[Event]) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::with_capacity(events.len());
        for event in events {
            let is = |kind: EventKind| &*event.kind == kind.as_str();
            let of_message = is(EventKind::MessageCreated) || is(EventKind::MessageUpdated);
            if !of_message && !is(EventKind::ConversationUpdated) {
                continue;
            }
            let seen: Seen = serde_json::from_slice(&event.data).map_err(|error| {
                Error::invalid("data", format!("event {} cannot be read: {error}", event.cursor))
            })?;
            let Some(about) = seen.conversation else { continue };
            if let Some(message) = seen.message.as_ref().filter(|_| of_message) {
                let kind = kind_of(message.direction == Direction::Note);
                let text = message.text.as_deref().filter(|_| message.deleted_at.is_none());
                let tokens = text.and_then(|text| Tokens::of(text, kind, about.channel, about.contact.id));
                let change = Change { subject: message.id, at: message.created_at, tokens, adds: true };
                effects.push((change, is(EventKind::MessageUpdated)));
            }
            let may_be_new = seen.message.as_ref().is_none_or(|message| message.seq == 1);
            if let Some(title) = about.thread_title.as_deref().filter(|_| may_be_new) {
                effects.push((
                    title_change(about.id, title, about.opened_at, (about.channel, about.contact.id)),
                    false,
                ));
            }
        }
        Ok(effects)
    }

    async fn apply(
        &self,
        tx: &mut Tx<'_>,
        tenant: Uuid,
        effects: &Vec<Effect>,
        unfilled: Option<Uuid>,
    ) -> Result<(), Error> {
        // An older message that changes while the index is filled is read when its turn comes.
        let changes = effects.iter().map(|(change, may_come)| {
            let comes = *may_come && unfilled.is_some_and(|below| change.subject < below);
            Change { adds: change.adds && !comes, ..change.clone() }
        });
        let changes: Vec<Change> = changes.collect();
        Ok(search::apply(tx, tenant, End::Newest, &changes).await?)
    }

    async fn clear(&self, tx: &mut Tx<'_>, tenant: Uuid) -> Result<bool, Error> {
        Ok(search::clear(tx, tenant, CLEAR).await?)
    }

    async fn fill(&self, tx: &mut Tx<'_>, tenant: Uuid, before: Uuid) -> Result<Option<Uuid>, Error> {
        let older = search::older(tx, tenant, before, FILL).await?;
        let changes: Vec<Change> = older.iter().flat_map(changes_of).collect();
        search::apply(tx, tenant, End::Oldest, &changes).await?;
        Ok(older.last().map(|message| message.id).filter(|_| older.len() as i64 == FILL))
    }
}

const fn kind_of(is_note: bool) -> Kind {
    if is_note { Kind::Note } else { Kind::Message }
}

fn title_change(subject: Uuid, title: &str, at: i64, (channel, contact): (Uuid, Uuid)) -> Change {
    let tokens = Tokens::of(title, Kind::Conversation, channel, contact);
    Change { subject, at, tokens, adds: true }
}

/// What a stored message comes to, with its conversation's title if it is the first one.
fn changes_of(message: &Older) -> impl Iterator<Item = Change> {
    let place = (message.channel, message.contact);
    let kind = kind_of(message.direction == Direction::Note.as_str());
    let text = message.text.as_deref().filter(|_| message.deleted_at.is_none());
    let tokens = text.and_then(|text| Tokens::of(text, kind, place.0, place.1));
    let own = tokens.map(|tokens| Change {
        subject: message.id,
        at: message.created_at,
        tokens: Some(tokens),
        adds: true,
    });
    let title = message.title.as_deref().filter(|_| message.seq == 1);
    let title = title.map(|title| title_change(message.conversation, title, message.opened_at, place));
    own.into_iter().chain(title)
}
