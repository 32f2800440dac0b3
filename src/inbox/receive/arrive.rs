//! What a customer's message asks for beside being shown: a turn of the AI, or, when it comes late, people. One that comes
//! late while a turn is open joins it: whoever answers what the customer says now has to know what was said before.

use adapters::event::NewMessage;

use super::time;
use crate::error::Error;
use crate::inbox::{own, turn};
use crate::model::{Channel, Conversation, Message, Owner};
use crate::store::turns::{self, OpenTurns};
use crate::store::{Tx, ownership};

/// Why people have a conversation whose messages came too late to be answered by the AI.
const BACKLOG: &str = "backlog";

/// `turns` are the open ones of the conversation, if they are known.
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
    // Nobody has looked at the backlog yet, and the customer is there now.
    if is_backlog(conversation) {
        to_ai(tx, conversation, event).await?;
    }
    turn::arrive(tx, conversation, message, &channel.settings, turns).await
}

/// The AI gets the conversation with this message of the customer, and so as of its time: what was typed on the phone
/// after it came later than the AI.
pub(super) async fn to_ai(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    event: &NewMessage,
) -> Result<(), Error> {
    own::change(tx, conversation, Owner::Ai, None, "handed_back").await?;
    let since = time::or_now(&event.told, tx.now());
    Ok(ownership::set_since(tx, conversation.tenant, conversation.id, Some(since)).await?)
}

/// People have it because its messages came late, and nobody has taken it.
pub(super) fn is_backlog(conversation: &Conversation) -> bool {
    conversation.owner == Owner::Nobody
        && conversation.assignee.is_none()
        && conversation.handoff_reason.as_deref() == Some(BACKLOG)
}
