//! A message of the business that did not leave through us: did a person type it just now, did the business app send it
//! by itself, or was it typed before the AI got the conversation?

use adapters::event::NewMessage;
use serde_json::{Value, json};

use super::{arrive, greeting, same, time};
use crate::error::Error;
use crate::inbox::own;
use crate::model::{Channel, ChannelSettings, Conversation, Direction, Owner};
use crate::store::ownership::{self, Ownership};
use crate::store::{Tx, turns};

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
    // When the AI is at work on an answer already, the doubt is a person's: what is wrongly taken for one can be given back.
    if greeting::is_one(tx, channel, conversation, at).await?
        && turns::open_of(tx, conversation.tenant, conversation.id).await?.offered.is_none()
    {
        return Ok(Typed::ByItself);
    }
    let typed_until = time::end_of(at);
    let before = ownership.owner_at.is_some_and(|since| typed_until < since)
        || first.is_some_and(|first| typed_until < first.at)
        || time::is_backlog(&event.told, now, settings.backlog_ms);
    // Nobody has taken a backlog: what was typed then is a part of it.
    let of_ai = conversation.owner == Owner::Ai || arrive::is_backlog(conversation);
    Ok(if before && of_ai { Typed::Before } else { Typed::ByPerson })
}

/// Is it one of the texts that the business app sends by itself?
fn is_known(settings: &ChannelSettings, text: Option<&str>) -> bool {
    let said = same::words(text);
    !said.is_empty() && settings.automatic_texts.iter().any(|known| same::words(Some(known)) == said)
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
