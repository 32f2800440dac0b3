//! A lease is extended (`Extend`), given up (`Fail`), shortened when its responder disconnects (`Orphan`), or expires
//! (`Expire`). A turn without a lease is offered again, up to the channel's `max_attempts`.

use uuid::Uuid;

use super::{handoff, leased, locked, wake_due, withdraw};
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Conversation, Turn, TurnState};
use crate::store::{Tx, Verb, channels, turns};

/// The responder needs more time. Returns the new end of the lease, Unix milliseconds.
pub struct Extend {
    pub scope: Scope,
    pub turn: Uuid,
    pub lease: Uuid,
}

impl Verb for Extend {
    type Out = i64;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let (mut turn, conversation) = leased(tx, self.scope.tenant(), self.turn, self.lease).await?;
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        let until = tx.now() + channel.settings.lease_ms;
        turn.lease_until = Some(until);
        turns::update(tx, conversation.tenant, &turn).await?;
        Ok(until)
    }
}

/// The responder cannot answer: the turn is offered again or handed to people.
pub struct Fail {
    pub scope: Scope,
    pub turn: Uuid,
    pub lease: Uuid,
    pub reason: String,
}

impl Verb for Fail {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (mut turn, conversation) = leased(tx, self.scope.tenant(), self.turn, self.lease).await?;
        turn.reason = Some(self.reason.chars().take(200).collect());
        again(tx, turn, conversation).await
    }
}

/// The responder disconnected: its lease is shortened. It can reconnect and answer until then; after that the turn is
/// offered to another.
pub struct Orphan {
    pub tenant: Uuid,
    pub turn: Uuid,
    pub lease: Uuid,
    pub until: i64,
}

impl Verb for Orphan {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (mut turn, _) = locked(tx, self.tenant, self.turn).await?;
        let held = turn.state == TurnState::Offered && turn.lease == Some(self.lease);
        if held && turn.lease_until.is_none_or(|until| until > self.until) {
            turn.lease_until = Some(self.until);
            turns::update(tx, self.tenant, &turn).await?;
        }
        Ok(())
    }
}

/// The lease expired without an answer.
pub struct Expire {
    pub tenant: Uuid,
    pub turn: Uuid,
}

impl Verb for Expire {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (mut turn, conversation) = locked(tx, self.tenant, self.turn).await?;
        if turn.state != TurnState::Offered || turn.lease_until.is_none_or(|until| until > tx.now()) {
            return Ok(());
        }
        withdraw(tx, self.tenant, &turn, "expired");
        turn.reason = Some("lease_expired".to_owned());
        again(tx, turn, conversation).await
    }
}

/// Makes a turn due at once, or hands it to people if it was offered too often.
async fn again(tx: &mut Tx<'_>, mut turn: Turn, mut conversation: Conversation) -> Result<(), Error> {
    let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
        .await?
        .ok_or(Error::NotFound("channel"))?;
    if turn.failed_offers() >= channel.settings.max_attempts {
        return handoff::to_people(tx, turn, conversation, "responder_failed").await;
    }
    // Merges the turn that was queued behind this one, so that one answer covers both.
    if let Some(mut queued) = turns::open_of(tx, conversation.tenant, conversation.id).await?.collecting {
        turn.last_seq = queued.last_seq;
        turn.count += queued.count;
        queued.state = TurnState::Cancelled;
        queued.reason = Some("joined".to_owned());
        turns::update(tx, conversation.tenant, &queued).await?;
    }
    turn.state = TurnState::Collecting;
    turn.lease = None;
    turn.lease_until = None;
    turn.due_at = tx.now();
    turns::update(tx, conversation.tenant, &turn).await?;
    wake_due(tx, &conversation, &turn);
    conversation.turn = Some(turn.clone());
    announce::turn(tx, &mut conversation, &turn)
}
