//! A customer types: shown live in the open conversation, and the turn that is being gathered waits for what is typed, up to its
//! longest wait. Nothing but the due time is stored; a chat that never wrote is not made known by it.

use adapters::Event;
use adapters::event::Typing;
use uuid::Uuid;

use super::{Applied, Received, apply_slice};
use crate::error::Error;
use crate::inbox::turn;
use crate::model::Channel;
use crate::store::{Tx, Wake, conversations};

/// Whether a body tells nothing else.
pub(super) fn is_all(events: &[Event]) -> bool {
    !events.is_empty() && events.iter().all(|event| matches!(event, Event::Typing(_)))
}

/// Applies such a body without an envelope: that somebody types is over by the time that a log would be read.
pub(super) async fn pass_on(
    tx: &mut Tx<'_>,
    channel: &Channel,
    events: &[Event],
) -> Result<(Received, Applied), Error> {
    let applied = apply_slice(tx, channel, events, 0, Applied::default()).await?;
    Ok((Received { envelope: Uuid::nil(), outcome: "applied", applied: applied.count }, applied))
}

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, news: &Typing) -> Result<bool, Error> {
    // In a group somebody always types, and no machine answers.
    if news.chat.is_group {
        return Ok(false);
    }
    let place = (channel.tenant, channel.id);
    // A key that no message has: only the conversation is asked for.
    let Some(found) = conversations::arrival(tx, place, news.chat.address(), "").await? else {
        return Ok(false);
    };
    let Some(mut conversation) = found.conversation else { return Ok(false) };
    let at = tx.now();
    let tenant = channel.tenant;
    tx.wake(Wake::CustomerTyping { tenant, conversation: conversation.id, on: news.on, at });
    if news.on
        && let Some(gathering) = found.turns.collecting
    {
        let offered = found.turns.offered;
        return turn::typing(tx, &mut conversation, &channel.settings, (gathering, offered)).await;
    }
    Ok(false)
}
