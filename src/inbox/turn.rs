//! Turns: a customer's consecutive messages, collected, offered to one responder under a lease, and answered once.
//! `policy` decides when a turn is due, `arrive` adds messages, `offer` leases the turn, `reply` answers it, `lease`
//! extends or ends the lease, `handoff` hands the turn to people.
//!
//! Each call of a responder is checked inside the transaction against lease and epoch; a stale one changes nothing.

pub(crate) mod answer_limit;
mod arrive;
mod changed;
mod flush;
mod handoff;
mod lease;
mod offer;
pub mod policy;
mod reply;
mod typing;

pub use flush::Flush;
pub use handoff::{HandUnclaimed, Handoff};
pub use lease::{Expire, Extend, Fail, Orphan};
pub use offer::{Offer, Offered, OfferedTurn};
pub use reply::{Replied, Reply};

pub(crate) use arrive::{arrive, reopen_unanswered};
pub(crate) use changed::changed;
pub(crate) use typing::typing;

use uuid::Uuid;

use crate::error::Error;
use crate::model::{Conversation, Owner, Turn, TurnState};
use crate::store::{Tx, Wake, conversations, turns};

/// Why a turn was cancelled: its person was blocked.
pub(super) const BLOCKED: &str = "blocked";

/// Cancels every open turn of a locked conversation, when its owner changes or it is closed.
pub(super) async fn cancel(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    why: &'static str,
) -> Result<(), Error> {
    let open = turns::open_of(tx, conversation.tenant, conversation.id).await?;
    for mut turn in open.offered.into_iter().chain(open.collecting) {
        end(tx, conversation.tenant, &mut turn, why).await?;
    }
    conversation.turn = None;
    Ok(())
}

/// Cancels an open turn.
async fn end(tx: &mut Tx<'_>, tenant: Uuid, turn: &mut Turn, why: &'static str) -> Result<(), Error> {
    withdraw(tx, tenant, turn, why);
    turn.state = TurnState::Cancelled;
    turn.reason = Some(why.to_owned());
    turn.lease = None;
    turn.lease_until = None;
    Ok(turns::update(tx, tenant, turn).await?)
}

/// Tells the responder that holds the lease to stop, after the commit.
fn withdraw(tx: &mut Tx<'_>, tenant: Uuid, turn: &Turn, reason: &'static str) {
    if let (TurnState::Offered, Some(lease)) = (turn.state, turn.lease) {
        tx.wake(Wake::Withdrawn { tenant, turn: turn.id, lease, reason });
    }
}

/// Loads a turn with its locked conversation. Fails if the lease is no longer valid.
async fn leased(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid, lease: Uuid) -> Result<(Turn, Conversation), Error> {
    let (turn, conversation) = locked(tx, tenant, id).await?;
    let stands = turn.state == TurnState::Offered
        && turn.lease == Some(lease)
        && conversation.owner == Owner::Ai
        && conversation.epoch == turn.epoch;
    if !stands {
        return Err(over(&turn));
    }
    Ok((turn, conversation))
}

async fn locked(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<(Turn, Conversation), Error> {
    let turn = turns::load(tx, tenant, id).await?.ok_or(Error::NotFound("turn"))?;
    let conversation = conversations::locked(tx, tenant, turn.conversation).await?;
    Ok((turn, conversation))
}

fn over(turn: &Turn) -> Error {
    let why = match turn.state {
        TurnState::Answered => "it was answered",
        TurnState::HandedOff => "it was handed to people",
        TurnState::Cancelled if turn.reason.as_deref() == Some(BLOCKED) => "the customer is blocked",
        TurnState::Cancelled => {
            "a person took over, the conversation was closed, or the customer took back what was asked"
        }
        TurnState::Collecting => "the customer wrote more, or the lease ran out",
        TurnState::Offered => "another lease holds it",
    };
    Error::gone("turn_over", format!("this lease of the turn is over: {why}"))
}

/// Wakes the dispatcher for the turn's due time, after the commit.
fn wake_due(tx: &mut Tx<'_>, conversation: &Conversation, turn: &Turn) {
    let (tenant, channel) = (conversation.tenant, conversation.channel);
    tx.wake(Wake::Turn { tenant, channel, turn: turn.id, due_at: turn.due_at });
    let hears = adapters::provider(&conversation.channel_kind)
        .is_some_and(adapters::Provider::tells_typing_when_asked);
    if hears && turn.state == TurnState::Collecting {
        tx.wake(Wake::Hear { tenant, conversation: conversation.id });
    }
}
