//! Routes a customer's message: to a turn of the AI, or to people if it was delivered late. A late message joins an open
//! turn, because the responder needs it as context.

use adapters::event::NewMessage;

use super::time;
use crate::error::Error;
use crate::inbox::{own, turn};
use crate::model::{Channel, Conversation, Message, Owner};
use crate::store::turns::{self, OpenTurns};
use crate::store::{Tx, ownership};

/// Handoff reason of a conversation whose messages came too late for the AI.
const BACKLOG: &str = "backlog";

/// `turns`: the conversation's open turns, if already loaded.
pub(super) async fn arrive(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    (message, event): (&Message, &NewMessage),
    turns: Option<OpenTurns>,
) -> Result<(), Error> {
    let turns = match turns {
        Some(turns) => turns,
        None => turns::open_of(tx, conversation.tenant, conversation.id).await?,
    };
    let idle = turns.collecting.is_none() && turns.offered.is_none();
    if idle && time::is_backlog(&event.told, tx.now(), channel.settings.backlog_ms) {
        if conversation.owner == Owner::Ai {
            own::change(tx, conversation, Owner::Nobody, Some(BACKLOG), "handed_off").await?;
        }
        return Ok(());
    }
    // No person has taken the backlog, and the customer is writing now.
    if is_backlog(conversation) {
        to_ai(tx, conversation, event).await?;
    }
    if conversation.owner == Owner::Ai
        && turn::answer_limit::is_spent(tx, conversation, &channel.settings).await?
    {
        return own::change(tx, conversation, Owner::Nobody, Some(turn::answer_limit::REASON), "handed_off")
            .await;
    }
    turn::arrive(tx, conversation, message, &channel.settings, turns).await
}

/// Gives the conversation to the AI as of this message's time. Phone messages written after that time count as later
/// than the AI's ownership.
pub(super) async fn to_ai(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    event: &NewMessage,
) -> Result<(), Error> {
    own::change(tx, conversation, Owner::Ai, None, "handed_back").await?;
    let since = time::or_now(&event.told, tx.now());
    Ok(ownership::set_since(tx, conversation.tenant, conversation.id, Some(since)).await?)
}

/// Handed to people because its messages came late, and not taken by anyone.
pub(super) fn is_backlog(conversation: &Conversation) -> bool {
    own::is_left(conversation, BACKLOG)
}
