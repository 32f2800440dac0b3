//! Recognises the business app's automatic greeting, sent when a contact writes for the first time, or for the first time
//! after 14 days without a message. Any other message of the phone counts as a person's.

use super::{arrive, phone, time};
use crate::announce;
use crate::error::Error;
use crate::model::{
    AuthorKind, Channel, ChannelSettings, Conversation, Direction, EventKind, Message, Owner,
};
use crate::store::ownership::{self, Said};
use crate::store::{Tx, messages};
use adapters::event::NewMessage;
use serde_json::{Value, json};

/// WhatsApp Business greets a contact again after this long without a message.
const QUIET_MS: i64 = 14 * 24 * 3_600_000;
/// How many recent messages are searched for the one that triggered the greeting: a grace holds fewer.
const RECENT: i64 = 20;
/// Data key of a phone message that took the conversation from the AI and may be a greeting whose customer message has
/// not arrived yet.
const TOOK_OVER: &str = "took_over";

/// Whether a phone message at this time is the greeting that a customer's message triggered.
pub(super) async fn is_one(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &Conversation,
    at: i64,
) -> Result<bool, Error> {
    if channel.settings.greeting_grace_ms == 0 || conversation.is_group {
        return Ok(false);
    }
    let recent = ownership::recent(tx, conversation.tenant, conversation.id, RECENT).await?;
    let Some((asked, before)) = called_for(&channel.settings, &recent, at) else { return Ok(false) };
    is_quiet(tx, conversation, before, asked.at).await
}

/// The customer's message that may have triggered a greeting at this time (the first one within the grace), and the
/// messages before it, newest first.
fn called_for<'a>(settings: &ChannelSettings, recent: &'a [Said], at: i64) -> Option<(&'a Said, &'a [Said])> {
    let is_asked = |said: &Said| said.direction == Direction::In && within(settings, said.at, at);
    let first = recent.iter().rposition(is_asked)?;
    Some((&recent[first], &recent[first + 1..]))
}

/// Whether the answer came within the grace, too soon for a person.
fn within(settings: &ChannelSettings, asked: i64, answer: i64) -> bool {
    // Times in whole seconds may put the answer before the question.
    let after = time::end_of(answer) - asked;
    after >= 0 && answer - asked <= settings.greeting_grace_ms && settings.greeting_grace_ms > 0
}

/// Whether there was no message for [`QUIET_MS`] before `at`. `before` are this conversation's earlier messages.
async fn is_quiet(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    before: &[Said],
    at: i64,
) -> Result<bool, Error> {
    let place = (conversation.tenant, conversation.contact.id, conversation.channel);
    let here = before.iter().map(|said| said.at).max();
    let last = here.max(ownership::last_elsewhere(tx, place, conversation.id).await?);
    Ok(last.is_none_or(|last| at - last >= QUIET_MS))
}

/// Marks a phone message that takes the conversation from the AI, if it may be a greeting that overtook its customer's
/// message.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &Conversation,
    message: &mut Message,
    at: i64,
) -> Result<(), Error> {
    let may_be = conversation.owner == Owner::Ai
        && conversation.last_seq > 0
        && !conversation.is_group
        && channel.settings.greeting_grace_ms > 0;
    if may_be {
        let recent = ownership::recent(tx, conversation.tenant, conversation.id, RECENT).await?;
        if is_quiet(tx, conversation, &recent, at).await? {
            let mut data = message.data.take().filter(Value::is_object).unwrap_or_else(|| json!({}));
            data[TOOK_OVER] = true.into();
            message.data = Some(data);
        }
    }
    Ok(())
}

/// If the greeting overtook the customer's message that triggered it, gives the conversation back to the AI.
pub(super) async fn forgive(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    event: &NewMessage,
) -> Result<(), Error> {
    let settings = &channel.settings;
    let taken = conversation.owner == Owner::Human && conversation.assignee.is_none();
    let by_phone =
        conversation.last_message.as_ref().is_some_and(|last| last.author.kind == AuthorKind::Phone);
    if !taken || !by_phone || !settings.ai || conversation.is_group {
        return Ok(());
    }
    let recent = ownership::recent(tx, conversation.tenant, conversation.id, RECENT).await?;
    let Some((last, before)) = recent.split_first() else { return Ok(()) };
    let asked = time::or_now(&event.told, tx.now());
    if last.author != AuthorKind::Phone || !within(settings, asked, last.at) {
        return Ok(());
    }
    let Some(mut greeting) = messages::load(tx, channel.tenant, last.id).await? else { return Ok(()) };
    // If the greeting opened the conversation, the AI would have owned it: it owns every new one.
    let opened_by_it = before.is_empty() && conversation.inbound_count == 0;
    let took_over = greeting.data.as_ref().is_some_and(|data| data[TOOK_OVER] == true);
    if !(opened_by_it || took_over) || !is_quiet(tx, conversation, before, asked).await? {
        return Ok(());
    }
    arrive::to_ai(tx, conversation, event).await?;
    greeting.data = Some(phone::mark(greeting.data.take()));
    messages::set_content(tx, channel.tenant, &greeting).await?;
    announce::message(tx, EventKind::MessageUpdated, conversation, &greeting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_comes_within_its_grace_by_the_times_of_the_events() {
        let settings = ChannelSettings { greeting_grace_ms: 5_000, ..ChannelSettings::default() };
        assert!(within(&settings, 10_000, 11_000) && within(&settings, 10_000, 15_000));
        assert!(within(&settings, 10_400, 10_000), "the same second");
        assert!(!within(&settings, 10_000, 16_000) && !within(&settings, 10_000, 9_000));
        let off = ChannelSettings { greeting_grace_ms: 0, ..settings };
        assert!(!within(&off, 10_000, 10_000));
    }

    #[test]
    fn the_first_of_a_burst_calls_for_the_greeting() {
        let settings = ChannelSettings { greeting_grace_ms: 2_000, ..ChannelSettings::default() };
        let said =
            |direction, at| Said { id: uuid::Uuid::nil(), direction, author: AuthorKind::Customer, at };
        let recent = [
            said(Direction::In, 101_000),
            said(Direction::In, 100_000),
            said(Direction::Out, 50_000),
            said(Direction::In, 49_000),
        ];
        let (asked, before) = called_for(&settings, &recent, 102_000).expect("one");
        assert_eq!((asked.at, before.len()), (100_000, 2));
        assert!(called_for(&settings, &recent, 104_000).is_none());
    }
}
