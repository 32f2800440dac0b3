//! Adds a customer's message to a turn, inside the transaction that stores it.

use uuid::Uuid;

use super::changed::supersede;
use super::{policy, wake_due};
use crate::error::Error;
use crate::model::{ChannelSettings, Conversation, Message, Owner, Turn, TurnState};
use crate::store::turns::{self, OpenTurns};
use crate::store::{Tx, messages};

/// Opens, extends or supersedes a turn of a locked conversation, and sets `conversation.turn`.
pub(crate) async fn arrive(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    message: &Message,
    settings: &ChannelSettings,
    open: OpenTurns,
) -> Result<(), Error> {
    if conversation.owner != Owner::Ai {
        return Ok(());
    }
    let now = tx.now();
    let flush = policy::is_flush(message.text.as_deref(), settings);
    let hold = |due_at: i64, window_at: i64| {
        if policy::may_be_album(message) {
            policy::after_album(due_at, now, window_at, settings)
        } else {
            due_at
        }
    };
    let turn = match policy::arrival(open.collecting.as_ref(), open.offered.as_ref(), settings) {
        policy::Arrival::Open => {
            let turn = fresh(
                tx,
                conversation,
                message.seq,
                message.seq,
                1,
                hold(policy::due_at(now, now, 1, flush, settings), now),
            );
            turns::insert(tx, conversation.tenant, conversation.company, conversation.channel, &turn).await?;
            turn
        }
        arrival => {
            // `Join` and `Supersede` imply an open turn.
            let Some(mut turn) = open.collecting.or(open.offered.clone()) else { return Ok(()) };
            turn.last_seq = message.seq;
            turn.count += 1;
            turn.epoch = conversation.epoch;
            if arrival == policy::Arrival::Supersede {
                supersede(tx, conversation, &mut turn, settings, flush);
                turn.due_at = hold(turn.due_at, turn.window_at);
            } else if turn.due_at > now {
                // A turn that is already due keeps its due time: its wait for a responder is counted from it.
                let due_at = policy::due_at(now, turn.window_at, turn.count, flush, settings);
                turn.due_at = hold(due_at, turn.window_at);
            }
            turns::update(tx, conversation.tenant, &turn).await?;
            turn
        }
    };
    wake_due(tx, conversation, &turn);
    let still_offered = open.offered.filter(|offered| offered.id != turn.id);
    conversation.turn = Some(still_offered.unwrap_or(turn));
    Ok(())
}

/// Opens a turn of the customer's unanswered messages, after the AI got the conversation back.
pub(crate) async fn reopen_unanswered(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    settings: &ChannelSettings,
) -> Result<(), Error> {
    let Some((first_seq, count)) = messages::unanswered(tx, conversation).await? else {
        return Ok(());
    };
    let due_at = tx.now() + settings.quiet_ms.min(settings.max_wait_ms);
    let turn = fresh(tx, conversation, first_seq, conversation.last_seq, count, due_at);
    turns::insert(tx, conversation.tenant, conversation.company, conversation.channel, &turn).await?;
    wake_due(tx, conversation, &turn);
    conversation.turn = Some(turn);
    Ok(())
}

fn fresh(
    tx: &Tx<'_>,
    conversation: &Conversation,
    first_seq: i64,
    last_seq: i64,
    count: i64,
    due_at: i64,
) -> Turn {
    let id: Uuid = tx.new_id();
    Turn {
        id,
        conversation: conversation.id,
        state: TurnState::Collecting,
        first_seq,
        last_seq,
        count,
        opened_at: tx.now(),
        due_at,
        attempt: 0,
        supersedes: 0,
        lease_until: None,
        reason: None,
        epoch: conversation.epoch,
        lease: None,
        window_at: tx.now(),
    }
}
