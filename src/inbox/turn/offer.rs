//! Leases a due turn to one responder.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{changed, handoff, locked, wake_due};
use crate::announce;
use crate::channels::pause;
use crate::error::Error;
use crate::inbox::outgoing::road::{self, Sending};
use crate::model::{
    ChannelState, Contact, Conversation, ConversationState, Direction, Message, Owner, TurnState,
};
use crate::store::{Tx, Verb, channels, messages, turns};

/// History messages given to a responder: the newest.
const HISTORY: i64 = 30;
/// Messages of a turn given to a responder: the newest. Only a conversation handed back after a long silence has more.
const MAX_MESSAGES: i64 = 200;

pub struct Offer {
    pub tenant: Uuid,
    pub turn: Uuid,
}

/// What a responder gets: everything that it needs to answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfferedTurn {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Uuid,
    pub channel: Uuid,
    pub channel_kind: String,
    pub conversation: Uuid,
    pub contact: Contact,
    /// Goes back with every call about this turn.
    pub lease: Uuid,
    pub lease_ms: i64,
    pub attempt: i64,
    pub epoch: i64,
    pub first_seq: i64,
    pub last_seq: i64,
    /// The customer's messages of the turn.
    pub messages: Vec<Message>,
    /// What else people see of the conversation: what was said before the turn, and what was sent while it gathered (by
    /// other programs, by the business app itself, as the answer to the turn before). No private notes.
    pub history: Vec<Message>,
}

#[derive(Clone, Debug)]
pub enum Offered {
    /// Leased, to be pushed to the responder.
    Leased(Box<OfferedTurn>),
    /// The turn cannot be offered now.
    NotNow,
}

impl Verb for Offer {
    type Out = Offered;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Offered, Error> {
        let (mut turn, mut conversation) = locked(tx, self.tenant, self.turn).await?;
        let busy = turns::open_of(tx, conversation.tenant, conversation.id).await?.offered.is_some();
        if turn.state != TurnState::Collecting || turn.due_at > tx.now() || busy {
            return Ok(Offered::NotNow);
        }
        if !answerable(&conversation, turn.epoch) {
            super::cancel(tx, &mut conversation, "taken_over").await?;
            return Ok(Offered::NotNow);
        }
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        if channel.state != ChannelState::Active {
            turn.due_at = tx.now() + pause::LOOK_AGAIN_MS;
            let told = turn.reason.replace(pause::REASON.to_owned());
            turns::update(tx, conversation.tenant, &turn).await?;
            wake_due(tx, &conversation, &turn);
            // Announced once, not at every retry.
            if told.as_deref() != Some(pause::REASON) {
                conversation.turn = Some(turn.clone());
                announce::turn(tx, &mut conversation, &turn)?;
            }
            return Ok(Offered::NotNow);
        }
        if let Some(refusal) = road::refusal(&conversation, Sending::MACHINE, tx.now()) {
            handoff::to_people(tx, turn, conversation, refusal.code).await?;
            return Ok(Offered::NotNow);
        }
        if turn.failed_offers() >= channel.settings.max_attempts {
            handoff::to_people(tx, turn, conversation, "responder_failed").await?;
            return Ok(Offered::NotNow);
        }
        let bounds = (turn.first_seq, turn.last_seq);
        let of_turn = messages::of_turn(tx, self.tenant, conversation.id, bounds, MAX_MESSAGES).await?;
        if of_turn.is_empty() {
            changed::over(tx, &mut conversation, turn, None).await?;
            return Ok(Offered::NotNow);
        }
        if !of_turn.iter().any(Message::is_readable) {
            handoff::to_people(tx, turn, conversation, "unreadable").await?;
            return Ok(Offered::NotNow);
        }
        let lease = tx.new_id();
        turn.state = TurnState::Offered;
        turn.reason = turn.reason.filter(|reason| reason != pause::REASON);
        turn.attempt += 1;
        turn.lease = Some(lease);
        turn.lease_until = Some(tx.now() + channel.settings.lease_ms);
        turns::update(tx, conversation.tenant, &turn).await?;
        conversation.turn = Some(turn.clone());
        announce::turn(tx, &mut conversation, &turn)?;

        let history = history(tx, &conversation, bounds).await?;
        Ok(Offered::Leased(Box::new(OfferedTurn {
            id: turn.id,
            tenant: self.tenant,
            company: conversation.company,
            channel: conversation.channel,
            channel_kind: conversation.channel_kind,
            conversation: conversation.id,
            contact: conversation.contact,
            lease,
            lease_ms: channel.settings.lease_ms,
            attempt: turn.attempt,
            epoch: turn.epoch,
            first_seq: turn.first_seq,
            last_seq: turn.last_seq,
            messages: of_turn,
            history,
        })))
    }
}

/// The messages around the turn, in order. None of them belongs to a later turn: a turn is queued behind this one only
/// after this one is offered.
async fn history(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    bounds: (i64, i64),
) -> Result<Vec<Message>, Error> {
    let (tenant, id) = (conversation.tenant, conversation.id);
    let beside = messages::beside_turn(tx, tenant, id, bounds, HISTORY).await?;
    let room = HISTORY - beside.len() as i64;
    let mut history = messages::before(tx, tenant, id, bounds.0, room).await?;
    history.extend(beside);
    // What a stranger wrote into the thread must not pass for the customer's words.
    let is_of_talk = |message: &Message| {
        let of_stranger = message.data.as_ref().is_some_and(|data| data[messages::STRANGER] == true);
        message.direction != Direction::Note && message.deleted_at.is_none() && !of_stranger
    };
    history.retain(is_of_talk);
    Ok(history)
}

fn answerable(conversation: &Conversation, epoch: i64) -> bool {
    conversation.owner == Owner::Ai
        && conversation.state == ConversationState::Open
        && conversation.epoch == epoch
}
