//! Updates an open turn after an edit or a deletion of one of its messages. A turn without messages is cancelled; an
//! offered one is taken back from its responder and offered again.

use super::{end, policy, wake_due, withdraw};
use crate::announce;
use crate::error::Error;
use crate::model::{ChannelSettings, Conversation, Direction, Message, Turn, TurnState};
use crate::store::{Tx, channels, conversations, messages, turns};

/// Reason of a turn whose messages were all deleted by the customer.
const TAKEN_BACK: &str = "taken_back";

/// Called in the transaction that changed the message, after the change is stored, with the conversation locked. Updates
/// `conversation.turn` and `waiting_since`.
pub(crate) async fn changed(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    message: &Message,
) -> Result<(), Error> {
    if message.direction != Direction::In {
        return Ok(());
    }
    let open = turns::open_of(tx, conversation.tenant, conversation.id).await?;
    let holds = |turn: &Turn| (turn.first_seq..=turn.last_seq).contains(&message.seq);
    let offered = open.offered.as_ref().is_some_and(holds);
    let turn = if offered { open.offered.clone() } else { open.collecting.clone().filter(holds) };
    let Some(mut turn) = turn else { return no_more_waiting(tx, conversation, message).await };
    let next = open.collecting.filter(|_| offered);
    if message.deleted_at.is_some() {
        let bounds = (turn.first_seq, turn.last_seq);
        let Some(left) =
            messages::left_of_turn(tx, (conversation.tenant, conversation.id), bounds, turn.count).await?
        else {
            let shown = if offered { next } else { open.offered };
            return over(tx, conversation, turn, shown).await;
        };
        (turn.first_seq, turn.last_seq, turn.count) = left;
    }
    if offered {
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        if policy::arrival(next.as_ref(), Some(&turn), &channel.settings) == policy::Arrival::Supersede {
            supersede(tx, conversation, &mut turn, &channel.settings, false);
        }
    }
    turns::update(tx, conversation.tenant, &turn).await?;
    if turn.state == TurnState::Collecting {
        wake_due(tx, conversation, &turn);
    }
    conversation.turn = Some(open.offered.filter(|_| !offered).unwrap_or(turn));
    Ok(())
}

/// Takes a turn back from its responder. It is collected again, and offered after a pause with the new messages.
pub(super) fn supersede(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    turn: &mut Turn,
    settings: &ChannelSettings,
    flush: bool,
) {
    let now = tx.now();
    withdraw(tx, conversation.tenant, turn, "superseded");
    turn.state = TurnState::Collecting;
    turn.supersedes += 1;
    turn.window_at = now;
    turn.lease = None;
    turn.lease_until = None;
    turn.epoch = conversation.epoch;
    turn.due_at = policy::due_at(now, now, turn.count, flush, settings);
}

/// Cancels a turn without messages. `next` is the turn shown from now on.
pub(super) async fn over(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    mut turn: Turn,
    next: Option<Turn>,
) -> Result<(), Error> {
    end(tx, conversation.tenant, &mut turn, TAKEN_BACK).await?;
    // The next turn was queued behind this one.
    if let Some(next) = next.as_ref().filter(|next| next.state == TurnState::Collecting) {
        wake_due(tx, conversation, next);
    }
    conversation.turn = next;
    if messages::unanswered(tx, conversation).await?.is_none() {
        conversations::answered(tx, conversation).await?;
    }
    announce::turn(tx, conversation, &turn)
}

/// Ends the conversation's wait if no unanswered message is left.
async fn no_more_waiting(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    message: &Message,
) -> Result<(), Error> {
    if message.deleted_at.is_some()
        && conversation.waiting_since.is_some()
        && messages::unanswered(tx, conversation).await?.is_none()
    {
        conversations::answered(tx, conversation).await?;
    }
    Ok(())
}
