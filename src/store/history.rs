//! What the store knows of the history that is kept beside it: what to fill in, and which messages have left. A message
//! leaves when it is older than what the store keeps, MongoDB has it, and nothing here needs it any more.

use uuid::Uuid;

use super::consumers::{self, ConsumerState, Progress};
use super::search::{self, Change, End};
use super::value::from_row;
use super::{StoreError, Tx, Verb, attachments, deliveries, events, messages};
use crate::args;
use crate::error::Error;
use crate::model::{Message, MessageStatus};

/// The consumer that brings messages to MongoDB: its place says what MongoDB has acknowledged.
pub const CONSUMER: &str = "history";
pub const VERSION: i64 = 1;

/// Messages before the last answer that stay with it: as many as a responder gets with a turn.
const STAY: i64 = 30;
/// Events that MongoDB may be behind while messages leave: those that they are of are known then.
const BEHIND: i64 = 1_000;

const PLACE: &str = "select history_days from tenants where id = $1";
const CONTACT: &str = "select contact from conversations where tenant = $1 and id = $2";
const LAST_SEQ: &str = "select last_seq from conversations where tenant = $1 and id = $2";
const OLD: &str = "select id, conversation, channel, seq, direction, external_key, inbound_count, created_at from messages \
    where tenant = $1 and id > $2 and id < $3 order by id limit $4";
/// As `LAST_ANSWER` of the messages, but the first one after a number.
const LATER_ANSWER: &str = "select coalesce((select t.last_seq from turns t where t.tenant = m.tenant and t.id = m.turn), m.seq), \
    m.created_at from messages m where m.tenant = $1 and m.conversation = $2 and m.seq > $3 and m.direction = 'out' \
    and m.status <> 'failed' and (m.data is null or m.data not like '%\"automatic\":true%') order by m.seq limit 1";
/// Noted of a message that no provider has a key for. None of theirs is so.
const NO_KEY: &str = "(no key)";
const NOTE: &str = "insert into left_messages (tenant, channel, external_key, message) values ($1, $2, $3, $4) \
    on conflict (tenant, channel, external_key) do nothing";
const REMOVE_ATTEMPTS: &str = "delete from attempts where tenant = $1 and delivery = $2";
const REMOVE_DELIVERY: &str = "delete from deliveries where tenant = $1 and id = $2";
const REMOVE: &str = "delete from messages where tenant = $1 and id = $2";
/// What left has its keys there. Each message leaves at least one.
pub(super) const ANY_LEFT: &str =
    "select tenant from left_messages where tenant > $1 order by tenant limit 1";
const LOOK: &str = "select position, begun_at from history_looks where tenant = $1";
const SET_LOOK: &str = "insert into history_looks (tenant, position, begun_at) values ($1, $2, $3) \
    on conflict (tenant) do update set position = excluded.position, begun_at = excluded.begun_at";

pub const ALL: &[&str] = &[
    PLACE,
    CONTACT,
    LAST_SEQ,
    OLD,
    NOTE,
    REMOVE_ATTEMPTS,
    REMOVE_DELIVERY,
    REMOVE,
    ANY_LEFT,
    LOOK,
    SET_LOOK,
];

/// A place of a tenant's feed, and what the tenant says of how long its messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub epoch: String,
    pub top: i64,
    pub own_days: Option<i64>,
}

async fn place(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Place, Error> {
    let (epoch, top) = (events::epoch(tx).await?, events::top(tx, tenant).await?);
    let own = tx.one::<(Option<i64>,)>(PLACE, args![tenant]).await?;
    Ok(Place { epoch, top, own_days: own.and_then(|(days,)| days) })
}

/// Where the feed of a tenant is.
pub struct Where {
    pub tenant: Uuid,
}

impl Verb for Where {
    type Out = Place;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Place, Error> {
        place(tx, self.tenant).await
    }
}

/// Whether messages have left for MongoDB.
pub struct HasLeft;

impl Verb for HasLeft {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(tx.one::<(Uuid,)>(ANY_LEFT, args![Uuid::nil()]).await?.is_some())
    }
}

/// A page of all tenants, by rising id.
pub struct Tenants {
    pub after: Uuid,
    pub limit: i64,
}

impl Verb for Tenants {
    type Out = Vec<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Uuid>, Error> {
        let page = consumers::places(tx, CONSUMER, self.after, self.limit).await?;
        Ok(page.into_iter().map(|place| place.tenant).collect())
    }
}

/// Has a tenant's messages brought to MongoDB again. None leaves the store before all are there.
pub struct FillAgain {
    pub tenant: Uuid,
}

impl Verb for FillAgain {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let progress = Progress {
            version: VERSION,
            state: ConsumerState::Filling,
            cursor: consumers::top(tx, self.tenant).await?,
            position: Some(Uuid::max()),
            failures: 0,
            retry_at: None,
        };
        Ok(consumers::put(tx, self.tenant, CONSUMER, &progress).await?)
    }
}

/// A message with the contact of its conversation.
#[derive(Clone, Debug)]
pub struct Older {
    pub message: Message,
    pub contact: Uuid,
}

/// A tenant's messages below an id, the newest first, in one snapshot with the feed's place.
pub struct LoadOlder {
    pub tenant: Uuid,
    pub before: Uuid,
    pub limit: i64,
}

impl Verb for LoadOlder {
    type Out = (Place, Vec<Older>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let place = place(tx, self.tenant).await?;
        let mut found = messages::older(tx, self.tenant, self.before, self.limit).await?;
        let ids: Vec<Uuid> = found.iter().map(|message| message.id).collect();
        let files = attachments::of_messages(tx, self.tenant, &ids).await?;
        for (message, files) in found.iter_mut().zip(files) {
            message.attachments = files;
        }
        let asked: Vec<_> =
            found.iter().map(|message| vec![self.tenant.into(), message.conversation.into()]).collect();
        let contacts: Vec<Vec<(Uuid,)>> = tx.each(CONTACT, &asked).await?;
        let contacts = contacts.iter().map(|rows| rows.first().map_or(Uuid::nil(), |(contact,)| *contact));
        let older = found.into_iter().zip(contacts);
        Ok((place, older.map(|(message, contact)| Older { message, contact }).collect()))
    }
}

/// The number of a conversation's newest message, whether it is here or not.
pub async fn last_seq(tx: &mut Tx<'_>, tenant: Uuid, conversation: Uuid) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(LAST_SEQ, args![tenant, conversation]).await?.map_or(0, |(seq,)| seq))
}

/// An old message, as far as it is judged.
#[derive(Clone, Debug)]
struct Old {
    id: Uuid,
    conversation: Uuid,
    channel: Uuid,
    seq: i64,
    direction: String,
    external_key: Option<String>,
    inbound_count: i64,
    created_at: i64,
}

from_row!(Old { id, conversation, channel, seq, direction, external_key, inbound_count, created_at });

impl Old {
    /// Whether its conversation goes on without it, by the first answer that is so much later than it: up to which `seq` that
    /// goes, and when it was written. What the customer wrote first says who began (`messages::heard`); by the last answer it is
    /// known what is unanswered, and what is before it is what a responder gets. An answer that is young may yet fail.
    fn is_free(&self, answer: Option<(i64, i64)>, before: i64) -> bool {
        let is_first = self.direction == "in" && self.inbound_count <= 1;
        !is_first && answer.is_some_and(|(covered, at)| self.seq < covered - STAY && at < before)
    }
}

/// Lets the oldest messages leave, some at a time.
pub struct LetLeave {
    pub tenant: Uuid,
    /// Only messages from before this time (Unix milliseconds).
    pub before: i64,
    /// How long after it began a look at all messages begins anew.
    pub again_ms: i64,
    pub batch: i64,
}

/// What one of them came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    pub removed: u64,
    /// There is more to look at.
    pub more: bool,
}

impl Verb for LetLeave {
    type Out = Leaving;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Leaving, Error> {
        let tenant = self.tenant;
        // What leaves is taken out of the search index, which nobody writes meanwhile.
        consumers::hold(tx, tenant, super::search::CONSUMER).await?;
        let Some(progress) = consumers::get(tx, tenant, CONSUMER).await? else {
            return Ok(Leaving::default());
        };
        let has_all = progress.state == ConsumerState::Following && progress.version == VERSION;
        let top = consumers::top(tx, tenant).await?;
        if !has_all || top - progress.cursor > BEHIND {
            return Ok(Leaving::default());
        }
        let now = tx.now();
        let look = tx.one::<(Uuid, i64)>(LOOK, args![tenant]).await?;
        let (mut position, mut begun_at) = look.unwrap_or((Uuid::nil(), now));
        if position == Uuid::max() {
            if now - begun_at < self.again_ms {
                return Ok(Leaving::default());
            }
            (position, begun_at) = (Uuid::nil(), now);
        }
        let end = super::retention::id_at(self.before);
        let old: Vec<Old> = tx.all(OLD, args![tenant, position, end, self.batch]).await?;
        let unseen = if old.is_empty() { Vec::new() } else { unseen(tx, tenant, progress.cursor).await? };
        let mut removed = 0;
        for one in &old {
            let later = args![tenant, one.conversation, one.seq + STAY];
            let answer = tx.one::<(i64, i64)>(LATER_ANSWER, later).await?;
            if one.is_free(answer, self.before)
                && !unseen.contains(&one.id)
                && remove(tx, tenant, one).await?
            {
                removed += 1;
            }
        }
        let more = old.len() as i64 == self.batch;
        // At the end of a look the place is beyond all ids.
        let position = old.last().map(|one| one.id).filter(|_| more).unwrap_or(Uuid::max());
        tx.put(SET_LOOK, args![tenant, position, begun_at]).await?;
        Ok(Leaving { removed, more })
    }
}

/// The messages of events that MongoDB has not acknowledged.
async fn unseen(tx: &mut Tx<'_>, tenant: Uuid, cursor: i64) -> Result<Vec<Uuid>, Error> {
    #[derive(serde::Deserialize)]
    struct Seen {
        message: Option<Id>,
    }
    #[derive(serde::Deserialize)]
    struct Id {
        id: Uuid,
    }
    let news = events::since(tx, tenant, cursor, BEHIND).await?;
    let seen = news.iter().filter_map(|event| serde_json::from_slice::<Seen>(&event.data).ok()?.message);
    Ok(seen.map(|message| message.id).collect())
}

/// `false`: something here needs it.
async fn remove(tx: &mut Tx<'_>, tenant: Uuid, one: &Old) -> Result<bool, Error> {
    if !attachments::of_message(tx, tenant, one.id).await?.is_empty() {
        return Ok(false);
    }
    let parts = deliveries::of_message(tx, tenant, one.id).await?;
    let is_open =
        |state| matches!(state, MessageStatus::Queued | MessageStatus::Sending | MessageStatus::Unknown);
    if parts.iter().any(|part| is_open(part.state)) {
        return Ok(false);
    }
    for part in &parts {
        if let Some(key) = &part.external_key {
            tx.put(NOTE, args![tenant, one.channel, key, one.id]).await?;
        }
        tx.put(REMOVE_ATTEMPTS, args![tenant, part.id]).await?;
        tx.put(REMOVE_DELIVERY, args![tenant, part.id]).await?;
    }
    let is_noted = parts.iter().any(|part| part.external_key.is_some());
    if let Some(key) = one.external_key.as_deref().or((!is_noted).then_some(NO_KEY)) {
        tx.put(NOTE, args![tenant, one.channel, key, one.id]).await?;
    }
    // What is not here cannot be shown among what was found.
    let gone = Change { subject: one.id, at: one.created_at, tokens: None, adds: false };
    search::apply(tx, tenant, End::Newest, &[gone]).await?;
    tx.put(REMOVE, args![tenant, one.id]).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_conversation_needs_stays() {
        let message = |seq, direction: &str, inbound_count| Old {
            id: Uuid::nil(),
            conversation: Uuid::nil(),
            channel: Uuid::nil(),
            seq,
            direction: direction.into(),
            external_key: None,
            inbound_count,
            created_at: 0,
        };
        let free = |message: Old, covered| message.is_free(Some((covered, 5)), 6);
        assert!(free(message(69, "in", 30), 100) && free(message(69, "out", 30), 100));
        assert!(!free(message(70, "in", 30), 100), "what a responder gets");
        assert!(!free(message(1, "in", 1), 100), "who began");
        assert!(!message(5, "in", 5).is_free(None, 6), "nobody has answered");
        assert!(!message(5, "in", 5).is_free(Some((100, 6)), 6), "the answer may yet fail");
    }
}
