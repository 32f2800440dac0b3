//! A lease is kept (`Extend`), given up (`Fail`), shortened when its responder is gone (`Orphan`), or ends
//! (`Expire`). A turn that lost its lease is offered again, until it was offered too often.

use uuid::Uuid;

use super::{handoff, leased, locked, wake_due, withdraw};
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Conversation, Turn, TurnState};
use crate::store::{Tx, Verb, channels, turns};

/// The responder is at work and needs longer. Gives the new end of the lease, Unix milliseconds.
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

/// The responder cannot answer: another attempt, or people.
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

/// The responder's connection is gone: its lease ends soon, so that it may come back and answer, and
/// nobody waits for long if it does not.
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

/// The lease ran out without an answer.
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
        withdraw(tx, &turn, "expired");
        turn.reason = Some("lease_expired".to_owned());
        again(tx, turn, conversation).await
    }
}

/// Puts a turn back, to be offered again at once, unless it was offered too often.
async fn again(tx: &mut Tx<'_>, mut turn: Turn, mut conversation: Conversation) -> Result<(), Error> {
    let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
        .await?
        .ok_or(Error::NotFound("channel"))?;
    if turn.failed_offers() >= channel.settings.max_attempts {
        return handoff::to_people(tx, turn, conversation, "responder_failed").await;
    }
    // A turn that queued behind this one is joined to it: one answer for both.
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
