//! Classifies a message of the business that was not sent through us: typed by a person now, sent by the business app
//! automatically, or typed before the AI got the conversation.

use adapters::event::NewMessage;
use serde_json::{Value, json};

use super::{arrive, echo_match, greeting, time};
use crate::error::Error;
use crate::inbox::own;
use crate::model::{Channel, ChannelSettings, Conversation, Direction, Owner};
use crate::store::ownership::{self, Ownership};
use crate::store::{Tx, turns};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A person typed it: the AI stops answering.
    ByPerson,
    /// An automatic greeting or absence notice: shown, and not an answer.
    ByItself,
    /// Typed before the AI got the conversation: shown, and the AI keeps it.
    Before,
}

/// Compares the events' own times, not their arrival. `conversation` is its state before the message.
pub(super) async fn judge(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &Conversation,
    ownership: &Ownership,
    event: &NewMessage,
) -> Result<Typed, Error> {
    let settings = &channel.settings;
    let now = tx.now();
    let at = time::or_now(&event.told, now);
    if is_known(settings, event.content.text.as_deref()) {
        return Ok(Typed::ByItself);
    }
    let first = ownership::first(tx, conversation.tenant, conversation.id)
        .await?
        .filter(|first| first.direction == Direction::In);
    // While the AI prepares an answer, a doubtful message counts as a person's: a wrong takeover can be handed back.
    if greeting::is_one(tx, channel, conversation, at).await?
        && turns::open_of(tx, conversation.tenant, conversation.id).await?.offered.is_none()
    {
        return Ok(Typed::ByItself);
    }
    let typed_until = time::end_of(at);
    let before = ownership.owner_at.is_some_and(|since| typed_until < since)
        || first.is_some_and(|first| typed_until < first.at)
        || time::is_backlog(&event.told, now, settings.backlog_ms);
    // A backlog that no person has taken: messages typed during it belong to it.
    let of_ai = conversation.owner == Owner::Ai || arrive::is_backlog(conversation);
    Ok(if before && of_ai { Typed::Before } else { Typed::ByPerson })
}

/// Whether it is one of the channel's configured automatic texts.
fn is_known(settings: &ChannelSettings, text: Option<&str>) -> bool {
    let said = echo_match::words(text);
    !said.is_empty() && settings.automatic_texts.iter().any(|known| echo_match::words(Some(known)) == said)
}

/// Marks a message as automatic.
pub(super) fn mark(data: Option<Value>) -> Value {
    let mut data = data.filter(Value::is_object).unwrap_or_else(|| json!({}));
    data["automatic"] = true.into();
    data
}

/// Gives the conversation to a person. The AI's silence ends after `silence_ms`, if the channel sets one and no person
/// has taken the conversation for good.
pub(super) async fn silence(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    ownership: &Ownership,
    event: &NewMessage,
) -> Result<(), Error> {
    let ends = conversation.owner != Owner::Human || ownership.silent_until.is_some();
    own::change(tx, conversation, Owner::Human, None, "taken_over").await?;
    if ends && channel.settings.silence_ms > 0 && channel.settings.ai && !conversation.is_group {
        let at = time::or_now(&event.told, tx.now());
        let until = (at + channel.settings.silence_ms).max(ownership.silent_until.unwrap_or(0));
        ownership::set_silent(tx, conversation.tenant, conversation.id, Some(until)).await?;
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
}
