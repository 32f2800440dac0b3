//! The limit of the AI's answers to one address, for channels that have one: mails of machines do not always say that a
//! machine wrote them. Over it the conversation goes to people.

use crate::error::Error;
use crate::model::{ChannelSettings, Conversation};
use crate::store::{Tx, automatic_answers, messages};

/// The reason that people see.
pub(crate) const REASON: &str = "answer_limit";

/// Whether the AI has answered the conversation's address as often as it may.
pub(crate) async fn is_spent(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    settings: &ChannelSettings,
) -> Result<bool, Error> {
    if settings.answers_per_hour == 0 {
        return Ok(false);
    }
    let address = address(tx, conversation).await?;
    let place = (conversation.tenant, conversation.channel);
    Ok(automatic_answers::count(tx, place, &address).await? >= settings.answers_per_hour)
}

/// Counts an answer.
pub(super) async fn count(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    settings: &ChannelSettings,
) -> Result<(), Error> {
    if settings.answers_per_hour == 0 {
        return Ok(());
    }
    let address = address(tx, conversation).await?;
    Ok(automatic_answers::add(tx, (conversation.tenant, conversation.channel), &address).await?)
}

/// Who wrote last: each thread of a mailbox is a chat of its own, and the address is the same.
async fn address(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<String, Error> {
    let heard = messages::heard(tx, conversation, None).await?;
    let author = heard.and_then(|heard| heard.author).map(|author| author.to_lowercase());
    Ok(author.unwrap_or_else(|| conversation.contact.id.to_string()))
}
