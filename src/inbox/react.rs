//! The business's reaction to a message: shown at once, told to the provider by a job, and taken back if the provider
//! refuses it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::message_change::{self, MessageChange, TimedChange, US};
use super::outgoing::road::{self, Sending};
use super::send;
use crate::accounts::access::Scope;
use crate::announce;
use crate::channels::pause;
use crate::error::Error;
use crate::model::{Direction, EventKind, Message, MessageError};
use crate::store::jobs::{self, Slot};
use crate::store::{Tx, Verb, channels, conversations, deliveries, messages};

const MAX_EMOJI_BYTES: usize = 40;
/// The member of a message's data that says why a reaction was refused.
const REFUSED: &str = "reaction_refused";

pub struct React {
    pub scope: Scope,
    pub conversation: Uuid,
    pub message: Uuid,
    /// `None` takes the reaction back.
    pub emoji: Option<String>,
}

impl Verb for React {
    type Out = Message;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Message, Error> {
        if let Some(emoji) = &self.emoji {
            check(emoji)?;
        }
        let tenant = self.scope.tenant();
        let conversation = conversations::locked(tx, tenant, self.conversation).await?;
        send::must_be_open(&conversation)?;
        let channel =
            channels::by_id(tx, tenant, conversation.channel).await?.ok_or(Error::NotFound("channel"))?;
        pause::must_run(&channel)?;
        if !adapters::provider(&channel.kind).is_some_and(|provider| provider.abilities().reactions) {
            let why = format!("{} has no reactions here: write a message instead", channel.kind);
            return Err(Error::conflict("not_supported", why));
        }
        road::must_allow(&conversation, Sending::PERSON, tx.now())?;
        let message = messages::load(tx, tenant, self.message).await?;
        let message = message.filter(|message| message.conversation == conversation.id);
        let mut message = message.ok_or(Error::NotFound("message"))?;
        if message.direction == Direction::Note || message.deleted_at.is_some() {
            let why = "only a message that the customer sees can have a reaction";
            return Err(Error::conflict("no_reaction", why));
        }
        if external_id(tx, &message, tenant).await?.is_none() {
            let why = "the message has not left yet: react when it is sent";
            return Err(Error::conflict("not_sent_yet", why));
        }
        if ours(&message) == self.emoji.as_deref() {
            return Ok(message);
        }
        if clear(&mut message) {
            messages::set_content(tx, tenant, &message).await?;
        }
        let (by, emoji) = (US.to_owned(), self.emoji.clone());
        let change = MessageChange::Reacted { by, also: None, emoji, custom: None };
        let timed = TimedChange { at: Some(tx.now()), place: None, key: String::new(), change };
        message_change::apply(tx, &channel, message.id, &timed).await?;
        let lane = format!("react:{}", message.id);
        let slot = Slot { tenant, queue: channel.id, lane: &lane, position: tx.now() };
        jobs::push(tx, &slot, &jobs::React { message: message.id }).await?;
        messages::load(tx, tenant, message.id).await?.ok_or(Error::NotFound("message"))
    }
}

fn check(emoji: &str) -> Result<(), Error> {
    let is_word = |c: char| c.is_alphabetic() || c.is_control() || c.is_whitespace();
    if emoji.is_empty() || emoji.len() > MAX_EMOJI_BYTES || emoji.chars().any(is_word) {
        return Err(Error::invalid("emoji", "give one emoji, or null to take the reaction back"));
    }
    Ok(())
}

/// The emoji that the business has put on the message.
pub(crate) fn ours(message: &Message) -> Option<&str> {
    message.reactions.iter().find(|reaction| reaction.by == US).map(|reaction| reaction.emoji.as_str())
}

/// The message's id at the provider.
pub(crate) async fn external_id(
    tx: &mut Tx<'_>,
    message: &Message,
    tenant: Uuid,
) -> Result<Option<String>, Error> {
    if let Some(id) = messages::external_id(tx, tenant, message.id).await? {
        return Ok(Some(id));
    }
    let parts = deliveries::of_message(tx, tenant, message.id).await?;
    Ok(parts.into_iter().find_map(|part| part.external_id))
}

/// What a provider refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused<'a> {
    /// To set this emoji, or to take the reaction back. A later one stays.
    This(Option<&'a str>),
    /// The one that stands.
    Whatever,
}

/// Takes a refused reaction back and says why.
pub(crate) async fn refused(
    tx: &mut Tx<'_>,
    (tenant, id): (Uuid, Uuid),
    what: Refused<'_>,
    error: MessageError,
) -> Result<(), Error> {
    let Some(mut message) = messages::load(tx, tenant, id).await? else { return Ok(()) };
    if matches!(what, Refused::This(asked) if asked != ours(&message)) {
        return Ok(());
    }
    let Some(mut conversation) = conversations::load_locked(tx, tenant, message.conversation).await? else {
        return Ok(());
    };
    let emoji = ours(&message).map(str::to_owned);
    message.reactions.retain(|reaction| reaction.by != US);
    messages::set_reactions(tx, tenant, &message).await?;
    clear(&mut message);
    let data = message.data.get_or_insert_with(|| json!({}));
    data[REFUSED] = json!({ "emoji": emoji, "code": error.code, "reason": error.reason });
    messages::set_content(tx, tenant, &message).await?;
    announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)
}

/// Removes the reason of an earlier refusal.
fn clear(message: &mut Message) -> bool {
    let Some(Value::Object(data)) = &mut message.data else { return false };
    let was_there = data.remove(REFUSED).is_some();
    if data.is_empty() {
        message.data = None;
    }
    was_there
}
