//! Hands a turn to people, with a reason that they see.

use uuid::Uuid;

use super::{leased, locked};
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::inbox::own;
use crate::model::{ChannelState, Conversation, Owner, Turn, TurnState};
use crate::store::{Tx, Verb, channels, turns};

/// A responder hands the conversation to people.
pub struct Handoff {
    pub scope: Scope,
    pub turn: Uuid,
    pub lease: Uuid,
    pub reason: String,
}

impl Verb for Handoff {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > 200 {
            return Err(Error::invalid(
                "reason",
                "say in 1 to 200 characters why, for the person who takes it",
            ));
        }
        let (turn, conversation) = leased(tx, self.scope.tenant(), self.turn, self.lease).await?;
        to_people(tx, turn, conversation, reason).await
    }
}

/// No responder took the turn in time: hands it to people.
pub struct HandUnclaimed {
    pub tenant: Uuid,
    pub turn: Uuid,
}

impl Verb for HandUnclaimed {
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let (turn, conversation) = locked(tx, self.tenant, self.turn).await?;
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        let waited = tx.now() - turn.due_at;
        let paused = channel.state != ChannelState::Active;
        if turn.state != TurnState::Collecting || waited < channel.settings.nobody_ms || paused {
            return Ok(false);
        }
        to_people(tx, turn, conversation, "no_responder").await?;
        Ok(true)
    }
}

/// The turn of a blocked person goes to nobody.
pub(super) async fn to_people(
    tx: &mut Tx<'_>,
    mut turn: Turn,
    mut conversation: Conversation,
    reason: &str,
) -> Result<(), Error> {
    if conversation.contact.blocked_at.is_some() {
        super::cancel(tx, &mut conversation, super::BLOCKED).await?;
        return announce::conversation(tx, &mut conversation);
    }
    turn.state = TurnState::HandedOff;
    turn.reason = Some(reason.to_owned());
    turn.lease = None;
    turn.lease_until = None;
    turns::update(tx, conversation.tenant, &turn).await?;
    own::change(tx, &mut conversation, Owner::Nobody, Some(reason), "handed_off").await?;
    announce::turn(tx, &mut conversation, &turn)
}
