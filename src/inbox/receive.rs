//! A webhook's body becomes what it says: the raw envelope and all its effects, which the provider's 2xx waits for.
//! Most bodies are one transaction. One of many events is several, so that others write between them; after a crash
//! between two of them the provider was not answered and comes again. What was seen before changes nothing; what
//! cannot be read is kept, with its error, and can be replayed.

mod account;
mod arrive;
mod echo;
mod greeting;
mod inbound;
mod phone;
mod place;
mod same;
mod time;
mod title;

use std::sync::Arc;

use adapters::Event;
use adapters::bounds::TOO_MANY;
use adapters::event::{Author, Change, Receipt, Told, What};
use aws_lc_rs::digest;
use bytes::Bytes;
use uuid::Uuid;

use super::message_change::{self, Edit, MessageChange, TimedChange};
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{Channel, MessageError, MessageStatus};
use crate::store::envelopes::{self, NewEnvelope};
use crate::store::{Store, Tx, Verb, channels, connections};

/// Characters of the log's line about events that failed, and how many of them it names.
const REASONS: usize = 500;
const NAMED: usize = 10;

/// Events with something to do that one transaction applies: bounds how long others wait for the writer.
const SLICE: usize = 25;

/// The events of a body, or the reason why it cannot be parsed.
pub type Parsed = Result<Vec<Event>, String>;

/// Stores a verified body with all that follows from it.
pub async fn receive(
    store: &Store,
    channel: Arc<Channel>,
    body: Bytes,
    parsed: Parsed,
) -> Result<Received, Error> {
    let parsed = Arc::new(parsed);
    let first = Receive { channel: Arc::clone(&channel), body, parsed: Arc::clone(&parsed) };
    let (received, applied) = store.write(first).await?.value;
    let next = slice_end(events(&parsed), 0);
    if next == events(&parsed).len() {
        return Ok(received);
    }
    let body = Stored { channel, envelope: received.envelope, parsed, replayed: false };
    body.apply(store, next, applied).await
}

/// Reads a stored body again, after a fix: what was missed is made up for, what was seen stays as it is.
pub async fn replay(store: &Store, scope: Scope, envelope: Uuid) -> Result<Received, Error> {
    let (channel, context, body) = store.read(Load { scope, envelope }).await?;
    let provider = adapters::provider(&channel.kind).ok_or(Error::NotFound("provider"))?;
    let mut parsed = provider.parse(&body, &context).map_err(|error| error.to_string());
    // It is told again now: what it brings is as late as it is old.
    let told = store.clock().now_ms();
    for event in parsed.iter_mut().flatten() {
        event.tell_at(told);
    }
    let body = Stored { channel: Arc::new(channel), envelope, parsed: Arc::new(parsed), replayed: true };
    body.apply(store, 0, Applied::default()).await
}

fn events(parsed: &Parsed) -> &[Event] {
    parsed.as_deref().unwrap_or_default()
}

/// The first event of the slice after the one that begins there.
fn slice_end(events: &[Event], from: usize) -> usize {
    let mut busy = 0;
    let over = |event: &Event| {
        busy += usize::from(!event.is_idle());
        busy > SLICE
    };
    events[from..].iter().position(over).map_or(events.len(), |length| from + length)
}

/// The envelope of a verified body with what the adapter made of it, and its first events.
struct Receive {
    channel: Arc<Channel>,
    body: Bytes,
    parsed: Arc<Parsed>,
}

/// What became of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub envelope: Uuid,
    pub outcome: &'static str,
    /// Events that changed something.
    pub applied: i64,
}

impl Verb for Receive {
    type Out = (Received, Applied);

    fn tenant(&self) -> Option<Uuid> {
        Some(self.channel.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let events = events(&self.parsed);
        let is_last = slice_end(events, 0) == events.len();
        let (outcome, error) = match summary(&self.parsed) {
            // True until the last of them.
            _ if !is_last => ("failed", Some("not all events are applied".to_owned())),
            other => other,
        };
        let new = NewEnvelope {
            tenant: self.channel.tenant,
            channel: self.channel.id,
            body: &self.body,
            outcome,
            error: error.as_deref(),
            events: events.len() as i64,
        };
        let envelope = envelopes::insert(tx, &new).await?;
        let applied = apply_slice(tx, &self.channel, events, 0, Applied::default()).await?;
        let (outcome, error) = applied.summary(outcome, None);
        if error.is_some() && is_last {
            let count = events.len() as i64;
            envelopes::set_outcome(
                tx,
                (self.channel.tenant, envelope),
                outcome,
                error.as_deref(),
                count,
                None,
            )
            .await?;
        }
        Ok((Received { envelope, outcome, applied: applied.count }, applied))
    }
}

/// A body whose envelope is stored, to be applied slice by slice.
#[derive(Clone)]
struct Stored {
    channel: Arc<Channel>,
    envelope: Uuid,
    parsed: Arc<Parsed>,
    replayed: bool,
}

impl Stored {
    /// From that event on; `applied` is what became of those before it.
    async fn apply(self, store: &Store, from: usize, mut applied: Applied) -> Result<Received, Error> {
        let mut from = from;
        loop {
            let slice = Slice { body: self.clone(), from, before: applied };
            let (outcome, now) = store.write(slice).await?.value;
            applied = now;
            from = slice_end(events(&self.parsed), from);
            if from == events(&self.parsed).len() {
                return Ok(Received { envelope: self.envelope, outcome, applied: applied.count });
            }
        }
    }
}

/// The next events of a stored body; the last of them say what became of the whole.
struct Slice {
    body: Stored,
    from: usize,
    before: Applied,
}

impl Verb for Slice {
    type Out = (&'static str, Applied);

    fn tenant(&self) -> Option<Uuid> {
        Some(self.body.channel.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Stored { channel, envelope, parsed, replayed } = &self.body;
        let events = events(parsed);
        let applied = apply_slice(tx, channel, events, self.from, self.before.clone()).await?;
        let (outcome, error) = summary(parsed);
        let (outcome, error) = applied.summary(outcome, error);
        if slice_end(events, self.from) == events.len() {
            let (count, again) = (events.len() as i64, replayed.then(|| tx.now()));
            let entry = (channel.tenant, *envelope);
            envelopes::set_outcome(tx, entry, outcome, error.as_deref(), count, again).await?;
        }
        Ok((outcome, applied))
    }
}

/// Keeps a body whose effects could not be applied.
pub struct Keep {
    pub channel: Arc<Channel>,
    pub body: Bytes,
    pub error: String,
}

impl Verb for Keep {
    type Out = Received;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.channel.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Received, Error> {
        let outcome = "failed";
        let new = NewEnvelope {
            tenant: self.channel.tenant,
            channel: self.channel.id,
            body: &self.body,
            outcome,
            error: Some(&self.error),
            events: 0,
        };
        let envelope = envelopes::insert(tx, &new).await?;
        Ok(Received { envelope, outcome, applied: 0 })
    }
}

/// The channel of a stored body, what is known of it when it is read, and the body.
struct Load {
    scope: Scope,
    envelope: Uuid,
}

impl Verb for Load {
    type Out = (Channel, adapters::Context, Vec<u8>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.scope.tenant();
        let found = envelopes::body(tx, tenant, self.envelope).await?;
        let (channel, body) = found.ok_or(Error::NotFound("entry"))?;
        let channel = channels::by_id(tx, tenant, channel).await?.ok_or(Error::NotFound("channel"))?;
        let context = connections::context(tx, tenant, channel.id).await?;
        Ok((channel, context, body))
    }
}

/// The line of the integration log: what the body was, and why it was ignored if it was.
fn summary(parsed: &Result<Vec<Event>, String>) -> (&'static str, Option<String>) {
    match parsed {
        Err(error) => ("unparsable", Some(error.clone())),
        Ok(events) if events.iter().all(Event::is_ignored) => ("ignored", events.iter().find_map(reason_of)),
        // The last one says so, if there were more than a body may have.
        Ok(events) => ("events", events.last().and_then(reason_of).filter(|why| why == TOO_MANY)),
    }
}

fn reason_of(event: &Event) -> Option<String> {
    match event {
        Event::Ignored(reason) => Some(reason.clone()),
        _ => None,
    }
}

/// What became of a body's events.
#[derive(Clone, Default)]
struct Applied {
    /// Events that changed something.
    count: i64,
    /// Which could not be applied, and why: by its number in the body, from 1.
    failed: Vec<String>,
}

impl Applied {
    /// The line of the log: which events failed, if some did.
    fn summary(&self, outcome: &'static str, error: Option<String>) -> (&'static str, Option<String>) {
        if self.failed.is_empty() {
            return (outcome, error);
        }
        ("failed", Some(self.failed.join("; ").chars().take(REASONS).collect()))
    }
}

/// Applies the events of a slice, each by itself: one that cannot be applied does not take the others with it.
async fn apply_slice(
    tx: &mut Tx<'_>,
    channel: &Channel,
    events: &[Event],
    from: usize,
    mut applied: Applied,
) -> Result<Applied, Error> {
    if let [event] = events {
        // The body is the event: if it fails there is nothing to save.
        applied.count = i64::from(apply(tx, channel, event).await?);
        return Ok(applied);
    }
    let end = slice_end(events, from);
    for (index, event) in events.iter().enumerate().take(end).skip(from) {
        if event.is_idle() {
            continue;
        }
        let part = tx.savepoint().await?;
        let done = match apply(tx, channel, event).await {
            Ok(changed) => tx.keep(part).await.map(|()| changed).map_err(Error::from),
            Err(error) => Err(error),
        };
        match done {
            Ok(changed) => applied.count += i64::from(changed),
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => {
                tx.undo(part).await?;
                let number = index + 1;
                tracing::error!(%error, channel = %channel.id, tenant = %channel.tenant, number, "an event of a webhook could not be applied");
                if applied.failed.len() < NAMED {
                    applied.failed.push(format!("event {number}: {error}"));
                }
            }
        }
    }
    Ok(applied)
}

/// Applies one event; `false` when it changes nothing.
async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    match event {
        Event::Message(message) => {
            let message = &*place::known(tx, channel, message).await?;
            match message.author {
                Author::Customer => inbound::apply(tx, channel, message).await,
                _ => echo::apply(tx, channel, message).await,
            }
        }
        Event::Title(title) => title::apply(tx, channel, title).await,
        Event::Change(change) => {
            let what = message_change_of(change);
            apply_change(tx, channel, &change.target_key, (&change.told, what)).await
        }
        Event::Receipt(receipt) => match status_of(receipt) {
            Some(status) => apply_change(tx, channel, &receipt.target_key, (&receipt.told, status)).await,
            None => Ok(false),
        },
        Event::Health(health) => account::health(tx, channel, health).await,
        Event::Renamed(renamed) => account::renamed(tx, channel, renamed).await,
        Event::Permission(permission) => account::permission(tx, channel, permission).await,
        Event::Connection(connection) => account::connection(tx, channel, connection).await,
        Event::Noted | Event::Ignored(_) => Ok(false),
    }
}

async fn apply_change(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    (told, change): (&Told, MessageChange),
) -> Result<bool, Error> {
    let timed =
        TimedChange { at: time::of(told, tx.now()), place: place_of(told), key: delivery_of(told), change };
    message_change::apply_or_wait(tx, channel, key, timed).await?;
    Ok(true)
}

/// Names the delivery of an event in a few bytes, whatever the provider's id of it is; nothing if it has none.
fn delivery_of(told: &Told) -> String {
    let Some(key) = &told.delivery else { return String::new() };
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    hex::encode(&digest.as_ref()[..8])
}

/// The place of an event's delivery among the others: its number where the provider counts (what happens in one second is
/// put in order by it), or when it was told first.
fn place_of(told: &Told) -> Option<i64> {
    told.delivery.as_ref().and_then(|key| key.parse().ok()).or(told.told_ms)
}

/// Who reacted. In a group each person for himself.
fn person_of(change: &Change) -> String {
    let is_group = change.chat.as_ref().is_some_and(|chat| chat.is_group);
    match &change.by.id {
        _ if change.by_us => message_change::US.to_owned(),
        Some(person) if is_group => person.clone(),
        _ => "customer".to_owned(),
    }
}

/// What a change does to its message.
fn message_change_of(change: &Change) -> MessageChange {
    match &change.what {
        What::Edited { kind, text, media, data } => MessageChange::Edited(Edit {
            content: kind.map(inbound::kind_of),
            text: text.clone(),
            data: data.clone(),
            files: media.clone(),
        }),
        What::Deleted => MessageChange::Deleted,
        What::Reacted(reaction) => MessageChange::Reacted {
            by: person_of(change),
            also: (change.chat.as_ref().is_some_and(|chat| chat.is_group) && !change.by_us)
                .then(|| change.by.other_id.iter().cloned().collect()),
            emoji: reaction.as_ref().map(|reaction| reaction.emoji.clone()),
            custom: reaction.as_ref().and_then(|reaction| reaction.custom.clone()),
        },
    }
}

fn status_of(receipt: &Receipt) -> Option<MessageChange> {
    let status = match receipt.status {
        adapters::Status::Pending => return None,
        adapters::Status::Sent => MessageStatus::Sent,
        adapters::Status::Delivered => MessageStatus::Delivered,
        adapters::Status::Read => MessageStatus::Read,
        adapters::Status::Played => MessageStatus::Played,
        adapters::Status::Failed => MessageStatus::Failed,
    };
    // One participant of a group is not the group.
    if receipt.partial && status != MessageStatus::Sent {
        return None;
    }
    let error = (status == MessageStatus::Failed).then(|| MessageError {
        code: "provider_failed".to_owned(),
        reason: receipt.reason.clone().unwrap_or_else(|| "the provider could not deliver it".to_owned()),
    });
    Some(MessageChange::Status { status, error })
}
