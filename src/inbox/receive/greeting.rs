//! The greeting of the business app: what it answers by itself when a contact writes for the first time, or for the first
//! time after 14 days without any message. Elsewhere a message of the phone is a person's.

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

/// Without a message for so long, WhatsApp Business greets a contact again.
const QUIET_MS: i64 = 14 * 24 * 3_600_000;
/// Messages among which the one that called for a greeting is looked for: more are not written within its grace.
const RECENT: i64 = 20;
/// In the data of a phone message that may be a greeting whose customer's message is still to come: it took the
/// conversation from the AI.
const TOOK_OVER: &str = "took_over";

/// Is a phone message of this time the greeting that a message of the customer has called for?
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

/// The customer's message that a message at this time may greet (the first one within the grace), and what was said
/// before it, newest first.
fn called_for<'a>(settings: &ChannelSettings, recent: &'a [Said], at: i64) -> Option<(&'a Said, &'a [Said])> {
    let is_asked = |said: &Said| said.direction == Direction::In && within(settings, said.at, at);
    let first = recent.iter().rposition(is_asked)?;
    Some((&recent[first], &recent[first + 1..]))
}

/// Did the business answer a message so soon that no person did?
fn within(settings: &ChannelSettings, asked: i64, answer: i64) -> bool {
    // Whole seconds may put the answer before the question.
    let after = time::end_of(answer) - asked;
    after >= 0 && answer - asked <= settings.greeting_grace_ms && settings.greeting_grace_ms > 0
}

/// Had nothing been said for so long that the contact is greeted (again)? `before` is what this conversation has before
/// that time, newest first.
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

/// Of a phone message that takes a known contact's conversation from the AI: marks it, if its customer's message may come
/// after it.
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

/// A customer's message came after the greeting that it called for: the AI gets the conversation that the greeting had
/// taken.
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
    // Who had it before the message that opened it is known: the AI, whose every new conversation is.
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
