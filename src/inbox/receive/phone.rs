//! A message of the business that did not leave through us: did a person type it just now, did the business app send it
//! by itself, or was it typed before the AI got the conversation?

use adapters::Event;
use serde_json::{Value, json};

use super::{arrive, same, time};
use crate::error::Error;
use crate::inbox::{announce, own};
use crate::model::{AuthorKind, Channel, ChannelSettings, Conversation, Direction, EventKind, Owner};
use crate::store::ownership::{self, Ownership};
use crate::store::{Tx, messages, turns};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A person speaks: the AI is silent from now on.
    ByPerson,
    /// A greeting or a notice of absence of the business app: shown, and nobody's answer.
    ByItself,
    /// Before the AI got the conversation: shown, and nothing is taken back.
    Before,
}

/// By the times of the events, not by those of their arrival. The conversation is as it was before the message.
pub(super) async fn judge(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &Conversation,
    ownership: &Ownership,
    event: &Event,
) -> Result<Typed, Error> {
    let settings = &channel.settings;
    let now = tx.now();
    let at = time::or_now(event, now);
    if is_known(settings, event.text.as_deref()) {
        return Ok(Typed::ByItself);
    }
    let first = ownership::first(tx, conversation.tenant, conversation.id)
        .await?
        .filter(|first| first.direction == Direction::In);
    // Nobody is at the phone so soon after a customer who has never written. When the AI is at work on an answer already,
    // the doubt is a person's: what is wrongly taken for one can be given back.
    if first.as_ref().is_some_and(|first| within(settings, first.at, at))
        && turns::open_of(tx, conversation.tenant, conversation.id).await?.offered.is_none()
    {
        return Ok(Typed::ByItself);
    }
    let typed_until = time::end_of(at);
    let before = ownership.owner_at.is_some_and(|since| typed_until < since)
        || first.is_some_and(|first| typed_until < first.at)
        || time::is_backlog(event, now, settings.backlog_ms);
    // Nobody has taken a backlog: what was typed then is a part of it.
    let of_ai = conversation.owner == Owner::Ai || arrive::is_backlog(conversation);
    Ok(if before && of_ai { Typed::Before } else { Typed::ByPerson })
}

/// Is it one of the texts that the business app sends by itself?
fn is_known(settings: &ChannelSettings, text: Option<&str>) -> bool {
    let said = same::words(text);
    !said.is_empty() && settings.automatic_texts.iter().any(|known| same::words(Some(known)) == said)
}

/// Did the business answer a first message so soon that no person did?
fn within(settings: &ChannelSettings, first: i64, answer: i64) -> bool {
    // Whole seconds may put the answer before the question.
    let after = time::end_of(answer) - first;
    after >= 0 && answer - first <= settings.greeting_grace_ms && settings.greeting_grace_ms > 0
}

/// Marks a message that nobody typed.
pub(super) fn mark(data: Option<Value>) -> Value {
    let mut data = data.filter(Value::is_object).unwrap_or_else(|| json!({}));
    data["automatic"] = true.into();
    data
}

/// A person has typed: the AI is silent, until the end of its silence if the channel has one and nobody took the
/// conversation for good.
pub(super) async fn silence(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    ownership: &Ownership,
    event: &Event,
) -> Result<(), Error> {
    let ends = conversation.owner != Owner::Human || ownership.silent_until.is_some();
    own::change(tx, conversation, Owner::Human, None, "taken_over").await?;
    if ends && channel.settings.silence_ms > 0 && channel.settings.ai && !conversation.is_group {
        let at = time::or_now(event, tx.now());
        let until = (at + channel.settings.silence_ms).max(ownership.silent_until.unwrap_or(0));
        ownership::set_silent(tx, conversation.tenant, conversation.id, Some(until)).await?;
    }
    Ok(())
}

/// A customer's first message came after the greeting that it called for: the AI gets the conversation that the greeting
/// had taken.
pub(super) async fn forgive(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    event: &Event,
) -> Result<(), Error> {
    let settings = &channel.settings;
    let opened_by_us = conversation.inbound_count == 0 && conversation.last_seq == 1;
    let taken = conversation.owner == Owner::Human && conversation.assignee.is_none();
    if !opened_by_us || !taken || !settings.ai || conversation.is_group {
        return Ok(());
    }
    let Some(first) = ownership::first(tx, conversation.tenant, conversation.id).await? else {
        return Ok(());
    };
    let asked = time::or_now(event, tx.now());
    if first.author != AuthorKind::Phone || !within(settings, asked, first.at) {
        return Ok(());
    }
    arrive::to_ai(tx, conversation, event).await?;
    if let Some(mut greeting) = messages::load(tx, channel.tenant, first.id).await? {
        greeting.data = Some(mark(greeting.data.take()));
        messages::set_content(tx, channel.tenant, &greeting).await?;
        announce::message(tx, EventKind::MessageUpdated, conversation, &greeting)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_text_is_known_whole_and_in_any_form() {
        let automatic_texts = vec!["We are *closed* now.\nBack at nine!".to_owned()];
        let settings = ChannelSettings { automatic_texts, ..ChannelSettings::default() };
        assert!(is_known(&settings, Some("We are closed now. Back at nine!")));
        assert!(!is_known(&settings, Some("We are closed now. Back at nine! Write to Ana.")));
        assert!(!is_known(&settings, None) && !is_known(&settings, Some("")));
    }

    #[test]
    fn a_greeting_comes_within_its_grace_by_the_times_of_the_events() {
        let settings = ChannelSettings { greeting_grace_ms: 5_000, ..ChannelSettings::default() };
        assert!(within(&settings, 10_000, 11_000) && within(&settings, 10_000, 15_000));
        assert!(within(&settings, 10_400, 10_000), "the same second");
        assert!(!within(&settings, 10_000, 16_000) && !within(&settings, 10_000, 9_000));
        let off = ChannelSettings { greeting_grace_ms: 0, ..settings };
        assert!(!within(&off, 10_000, 10_000));
    }
}
