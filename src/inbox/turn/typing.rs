//! The customer types: the turn that is being gathered is due later, because more is to come.

use super::{policy, wake_due};
use crate::announce;
use crate::error::Error;
use crate::model::{ChannelSettings, Conversation, Owner, Turn};
use crate::store::{Tx, turns};

/// A due time that moves by less is not worth an event.
const TOLD_MS: i64 = 500;

/// `true`: the turn is due later than before.
pub(crate) async fn typing(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    settings: &ChannelSettings,
    (mut turn, offered): (Turn, Option<Turn>),
) -> Result<bool, Error> {
    let due_at = policy::after_typing(turn.due_at, tx.now(), turn.window_at, settings);
    if conversation.owner != Owner::Ai || due_at < turn.due_at + TOLD_MS {
        return Ok(false);
    }
    turn.due_at = due_at;
    turns::update(tx, conversation.tenant, &turn).await?;
    wake_due(tx, conversation, &turn);
    conversation.turn = Some(offered.unwrap_or_else(|| turn.clone()));
    announce::turn(tx, conversation, &turn)?;
    Ok(true)
}
