//! Stores a webhook's body and applies its events before the provider gets its 2xx.
//!
//! Most bodies are one transaction. A body of many events is several, so that other writes can run between them; after a
//! crash between two of them the provider has no answer and delivers the body again. Events that were applied before
//! change nothing. A body that cannot be parsed or applied is stored with its error and can be replayed.

mod account;
mod arrive;
mod echo;
mod echo_match;
mod greeting;
mod inbound;
mod phone;
mod referred;
mod reply_chat;
mod stranger;
mod time;
mod title;
mod typing;
mod watermark;

use std::sync::Arc;

use adapters::Event;
use adapters::bounds::TOO_MANY;
use adapters::event::{Author, Change, Receipt, Told, What};
use aws_lc_rs::digest;
use bytes::Bytes;
use uuid::Uuid;

use super::message_change::{self, Edit, MessageChange, TimedChange};
use crate::accounts::access::Scope;
use crate::channels::cache::context_of;
use crate::channels::{ChannelSecrets, news};
use crate::error::Error;
use crate::growth::touch;
use crate::model::{Channel, MessageError, MessageStatus};
use crate::store::envelopes::{self, NewEnvelope};
use crate::store::{Store, Tx, Verb, channels, connections};
use crate::vault::Vault;

/// Limits of the error in the integration log: characters, and number of failed events listed.
const REASONS: usize = 500;
const NAMED: usize = 10;

/// Non-idle events applied in one transaction: bounds how long other writes wait for the writer.
const SLICE: usize = 25;

/// The events of a body, or the reason why it cannot be parsed.
pub type Parsed = Result<Vec<Event>, String>;

/// Stores a verified body and applies its events.
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

/// Parses and applies a stored body again, after a fix. Events that were applied before change nothing.
pub async fn replay(
    store: &Store,
    vault: &Arc<Vault>,
    scope: Scope,
    envelope: Uuid,
) -> Result<Received, Error> {
    let load = Load { vault: Arc::clone(vault), scope, envelope };
    let (channel, context, body) = store.read(load).await?;
    let provider = adapters::provider(&channel.kind).ok_or(Error::NotFound("provider"))?;
    let mut parsed = provider.parse(&body, &context).map_err(|error| error.to_string());
    // The delivery time is now, so an old message counts as delivered late.
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

/// The end (exclusive) of the slice that begins at `from`.
fn slice_end(events: &[Event], from: usize) -> usize {
    let mut busy = 0;
    let over = |event: &Event| {
        busy += usize::from(!event.is_idle());
        busy > SLICE
    };
    events[from..].iter().position(over).map_or(events.len(), |length| from + length)
}

/// Stores the envelope of a verified body and applies the first slice of its events.
struct Receive {
    channel: Arc<Channel>,
    body: Bytes,
    parsed: Arc<Parsed>,
}

/// The outcome of a body.
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
        if typing::is_all(events) {
            return typing::pass_on(tx, &self.channel, events).await;
        }
        let is_last = slice_end(events, 0) == events.len();
        let (outcome, error) = match summary(&self.parsed) {
            // Overwritten by the last slice.
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

/// A stored body, applied slice by slice.
#[derive(Clone)]
struct Stored {
    channel: Arc<Channel>,
    envelope: Uuid,
    parsed: Arc<Parsed>,
    replayed: bool,
}

impl Stored {
    /// Applies the events from `from` on; `applied` is the outcome of the ones before it.
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

/// Applies the next slice of a stored body. The last slice records the outcome of the whole body.
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

/// Stores a body that could not be applied.
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

/// Loads a stored body with its channel and the parser's context.
struct Load {
    vault: Arc<Vault>,
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
        let owners = connections::context(tx, tenant, channel.id).await?;
        let secrets = ChannelSecrets::load(tx, &self.vault, &channel).await?;
        let business_connection_owner = owners.business_connection_owner;
        let context = adapters::Context { business_connection_owner, ..context_of(&channel, &secrets) };
        Ok((channel, context, body))
    }
}

/// The outcome and the error for the integration log: how the body was parsed, or why it was ignored.
fn summary(parsed: &Result<Vec<Event>, String>) -> (&'static str, Option<String>) {
    match parsed {
        Err(error) => ("unparsable", Some(error.clone())),
        Ok(events) if events.iter().all(Event::is_ignored) => ("ignored", events.iter().find_map(reason_of)),
        // If the body had too many events, the last one says so.
        Ok(events) => ("events", events.last().and_then(reason_of).filter(|why| why == TOO_MANY)),
    }
}

fn reason_of(event: &Event) -> Option<String> {
    match event {
        Event::Ignored(reason) => Some(reason.clone()),
        _ => None,
    }
}

/// The outcome of a body's events.
#[derive(Clone, Default)]
struct Applied {
    /// Events that changed something.
    count: i64,
    /// Failed events: their number in the body, from 1, and the error.
    failed: Vec<String>,
}

impl Applied {
    /// The outcome for the integration log, with the failed events if there are any.
    fn summary(&self, outcome: &'static str, error: Option<String>) -> (&'static str, Option<String>) {
        if self.failed.is_empty() {
            return (outcome, error);
        }
        ("failed", Some(self.failed.join("; ").chars().take(REASONS).collect()))
    }
}

/// Applies the events of a slice, each in a savepoint, so that a failed one does not undo the others.
async fn apply_slice(
    tx: &mut Tx<'_>,
    channel: &Channel,
    events: &[Event],
    from: usize,
    mut applied: Applied,
) -> Result<Applied, Error> {
    if let [event] = events {
        // A single event needs no savepoint: if it fails, the whole transaction does.
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
                tracing::error!(
                    %error, channel = %channel.id, tenant = %channel.tenant, number, "a webhook event cannot be applied"
                );
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
            let message = &*reply_chat::resolve(tx, channel, message).await?;
            match message.author {
                // Boxed: the largest of them by far, and held by nobody else.
                Author::Customer => Box::pin(inbound::apply(tx, channel, message)).await,
                _ => Box::pin(echo::apply(tx, channel, message)).await,
            }
        }
        Event::Title(title) => title::apply(tx, channel, title).await,
        Event::Change(change) => {
            let what = match message_change_of(change) {
                MessageChange::Edited(Edit { content, text, data, files }) => {
                    let text = Box::pin(touch::edited(tx, channel, &change.target_key, text)).await?;
                    MessageChange::Edited(Edit { content, text, data, files })
                }
                other => other,
            };
            Box::pin(apply_change(tx, channel, &change.target_key, (&change.told, what))).await
        }
        Event::Receipt(receipt) => match status_of(receipt) {
            Some((status, error)) => {
                let told = (status, error.clone());
                if let Some(changed) = referred::status(tx, channel, receipt, told).await? {
                    return Ok(changed);
                }
                let status = MessageChange::Status { status, error };
                Box::pin(apply_change(tx, channel, &receipt.target_key, (&receipt.told, status))).await
            }
            None => Ok(false),
        },
        Event::Watermark(watermark) => Box::pin(watermark::apply(tx, channel, watermark)).await,
        Event::Health(health) => Box::pin(account::health(tx, channel, health)).await,
        Event::Renamed(renamed) => Box::pin(account::renamed(tx, channel, renamed)).await,
        Event::Permission(permission) => account::permission(tx, channel, permission).await,
        Event::Connection(connection) => account::connection(tx, channel, connection).await,
        Event::HasNews => news::ask(tx, channel).await.map(|()| true),
        Event::Referred(referred) => {
            let at = time::or_now(&referred.told, tx.now());
            Box::pin(touch::referred(tx, channel, referred, at)).await
        }
        Event::Typing(typing) => typing::apply(tx, channel, typing).await,
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
        TimedChange { at: time::of(told, tx.now()), place: order_of(told), key: delivery_of(told), change };
    message_change::apply_or_wait(tx, channel, key, timed).await?;
    Ok(true)
}

/// A short digest of the provider's delivery id; empty if there is none.
fn delivery_of(told: &Told) -> String {
    let Some(key) = &told.delivery else { return String::new() };
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    hex::encode(&digest.as_ref()[..8])
}

/// The order of a delivery: its number where the provider counts (it orders events of the same second), otherwise the
/// time of the first delivery.
fn order_of(told: &Told) -> Option<i64> {
    told.delivery.as_ref().and_then(|key| key.parse().ok()).or(told.told_ms)
}

/// Who reacted: us, the participant of a group, or the customer.
fn person_of(change: &Change) -> String {
    let is_group = change.chat.as_ref().is_some_and(|chat| chat.is_group);
    match &change.by.id {
        _ if change.by_us => message_change::US.to_owned(),
        Some(person) if is_group => person.clone(),
        _ => "customer".to_owned(),
    }
}

/// Converts an adapter's change to the stored form.
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

/// As a refused send has it: what a provider refuses at once and what it refuses later has one name.
fn code_of(receipt: &Receipt) -> &str {
    match receipt.code.as_deref() {
        None => "provider_failed",
        Some("unreachable") => "person_unreachable",
        Some(code) => code,
    }
}

fn status_of(receipt: &Receipt) -> Option<(MessageStatus, Option<MessageError>)> {
    let status = match receipt.status {
        adapters::Status::Pending => return None,
        adapters::Status::Sent => MessageStatus::Sent,
        adapters::Status::Delivered => MessageStatus::Delivered,
        adapters::Status::Read => MessageStatus::Read,
        adapters::Status::Played => MessageStatus::Played,
        adapters::Status::Failed => MessageStatus::Failed,
    };
    // A receipt of one participant does not cover the group.
    if receipt.partial && status != MessageStatus::Sent {
        return None;
    }
    let error = (status == MessageStatus::Failed).then(|| MessageError {
        code: code_of(receipt).to_owned(),
        reason: receipt.reason.clone().unwrap_or_else(|| "the provider could not deliver it".to_owned()),
    });
    Some((status, error))
}
