//! Whether a customer wants messages: their own word, or what a person notes for them.

use uuid::Uuid;

use super::outgoing::road;
use super::own;
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Channel, ChannelSettings, Conversation, Message, Owner};
use crate::search::fold;
use crate::store::{Tx, Verb, contacts, conversations};

/// Longer texts are sentences, whatever words they begin with.
const LONGEST: usize = 64;

/// What a text says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    OptOut,
    OptIn,
}

/// A text that is one of the words and nothing else; case, marks and punctuation are not compared.
fn wish(text: Option<&str>, settings: &ChannelSettings) -> Option<Wish> {
    let text = text.filter(|text| text.len() <= LONGEST)?;
    let said = plain(text);
    let among = |words: &[String]| !said.is_empty() && words.iter().any(|word| plain(word) == said);
    if among(&settings.opt_out_words) {
        Some(Wish::OptOut)
    } else if among(&settings.opt_in_words) {
        Some(Wish::OptIn)
    } else {
        None
    }
}

fn plain(text: &str) -> Vec<String> {
    fold::words(text).into_iter().map(|word| word.folded).collect()
}

/// Keeps what a blocked customer says of it, for when they are not any more. Nobody gets the conversation.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    message: &Message,
    at: i64,
) -> Result<Option<Wish>, Error> {
    let contact = &mut conversation.contact;
    let said = wish(message.text.as_deref(), &channel.settings).filter(|_| !conversation.is_group);
    let since = match said {
        Some(Wish::OptOut) => contact.opted_out_at.max(Some(at)),
        // A word that was overtaken by a later one changes nothing.
        Some(Wish::OptIn) if contact.opted_out_at.is_some_and(|since| since < at) => None,
        _ => return Ok(None),
    };
    contacts::set_opt_out(tx, (conversation.tenant, contact.id), since, "customer").await?;
    contact.opted_out_at = since;
    Ok(said)
}

/// Applies a customer's message. `true`: it was such a word, or the customer has said one before, and no machine answers.
pub(super) async fn hear(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    message: &Message,
    at: i64,
) -> Result<bool, Error> {
    if conversation.is_group {
        return Ok(false);
    }
    match note(tx, channel, conversation, message, at).await? {
        Some(Wish::OptOut) => {
            withdraw(tx, conversation).await?;
            Ok(true)
        }
        Some(Wish::OptIn) => {
            if channel.settings.ai && own::is_left(conversation, road::OPTED_OUT) {
                own::change(tx, conversation, Owner::Ai, None, "handed_back").await?;
            }
            Ok(false)
        }
        _ if conversation.contact.opted_out_at.is_some() => {
            withdraw(tx, conversation).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// No machine answers any more: a conversation of the AI goes to people.
async fn withdraw(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), Error> {
    if conversation.owner == Owner::Ai {
        own::change(tx, conversation, Owner::Nobody, Some(road::OPTED_OUT), "opted_out").await?;
    }
    Ok(())
}

/// A person notes that the customer wants no messages, or agreed to them.
pub struct SetOptOut {
    pub scope: Scope,
    pub conversation: Uuid,
    pub opted_out: bool,
}

impl Verb for SetOptOut {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let mut conversation = conversations::locked(tx, self.scope.tenant(), self.conversation).await?;
        if conversation.contact.opted_out_at.is_some() == self.opted_out {
            return Ok(conversation);
        }
        let since = self.opted_out.then(|| tx.now());
        let by = self.scope.actor().id.map(|id| id.to_string()).unwrap_or_default();
        contacts::set_opt_out(tx, (conversation.tenant, conversation.contact.id), since, &by).await?;
        conversation.contact.opted_out_at = since;
        if self.opted_out {
            withdraw(tx, &mut conversation).await?;
        }
        announce::conversation(tx, &mut conversation)?;
        Ok(conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_by_itself_is_a_wish() {
        let settings = ChannelSettings::default();
        for text in ["STOP", " stop. ", "/stop", "Стоп!", "Отписаться", "unsubscribe", "Stop all"]
        {
            assert_eq!(wish(Some(text), &settings), Some(Wish::OptOut), "{text}");
        }
        for text in ["start", "СТАРТ", "/start"] {
            assert_eq!(wish(Some(text), &settings), Some(Wish::OptIn), "{text}");
        }
        for text in ["please stop the delivery", "where is the bus stop?", "stop it", "", "…", "нестоп"]
        {
            assert_eq!(wish(Some(text), &settings), None, "{text}");
        }
        let own = ChannelSettings { opt_out_words: vec!["nein danke".into()], ..ChannelSettings::default() };
        assert_eq!(wish(Some("Nein, danke!"), &own), Some(Wish::OptOut));
        assert_eq!(wish(Some("stop"), &own), None);
        assert_eq!(wish(Some(&"stop ".repeat(100)), &settings), None);
    }
}
