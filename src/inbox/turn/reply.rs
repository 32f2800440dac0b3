//! A responder's answer: one transaction checks the lease and the epoch, queues the messages and ends the turn. A
//! repeated or late answer changes nothing.

use adapters::Outward;
use uuid::Uuid;

use super::{answer_limit, handoff, leased, locked, wake_due};
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::inbox::outgoing::road::{self, Refusal, Sending};
use crate::inbox::{notice, outgoing, send};
use crate::model::{Message, MessageBody, TurnState};
use crate::store::{Tx, Verb, channels, messages, turns};

/// Messages in one answer; for their texts and files see [`outgoing::check_all`].
const MAX_PARTS: usize = 10;

pub struct Reply {
    pub scope: Scope,
    /// Which addresses files may have.
    pub outward: Outward,
    /// Providers can fetch uploaded files from this server.
    pub has_address: bool,
    pub turn: Uuid,
    pub lease: Uuid,
    pub parts: Vec<MessageBody>,
}

#[derive(Clone, Debug)]
pub struct Replied {
    pub messages: Vec<Message>,
    /// Why nothing was sent, where the turn went to nobody.
    pub(crate) refused: Option<Refusal>,
}

impl Verb for Reply {
    type Out = Replied;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Replied, Error> {
        if self.parts.is_empty() || self.parts.len() > MAX_PARTS {
            return Err(Error::invalid("parts", format!("answer with 1 to {MAX_PARTS} messages")));
        }
        outgoing::check_all(&self.parts)?;
        for part in &self.parts {
            outgoing::check_files(&part.attachments, &self.outward)?;
        }
        let tenant = self.scope.tenant();
        let (turn, conversation) = locked(tx, tenant, self.turn).await?;
        if turn.state == TurnState::Answered && turn.lease == Some(self.lease) {
            // A repetition of the answer, after its response was lost.
            return self.first(tx, conversation.id).await;
        }
        let (mut turn, mut conversation) = leased(tx, tenant, self.turn, self.lease).await?;
        let channel = channels::by_id(tx, tenant, conversation.channel).await?;
        let settings = channel.ok_or(Error::NotFound("channel"))?.settings;
        if answer_limit::is_spent(tx, &conversation, &settings).await? {
            // Answers in other threads of the address were given meanwhile. People see the turn, and nothing is sent.
            handoff::to_people(tx, turn, conversation, answer_limit::REASON).await?;
            return Ok(Replied { messages: Vec::new(), refused: None });
        }
        for part in &self.parts {
            let sending = Sending { is_template: part.template.is_some(), ..Sending::MACHINE };
            if let Some(refusal) = road::refusal(&conversation, sending, tx.now()) {
                handoff::to_people(tx, turn, conversation, refusal.code).await?;
                let refused = Some(refusal).filter(|refusal| refusal.code == road::BLOCKED);
                return Ok(Replied { messages: Vec::new(), refused });
            }
        }
        answer_limit::count(tx, &conversation, &settings).await?;
        turn.state = TurnState::Answered;
        turns::update(tx, conversation.tenant, &turn).await?;
        let next = turns::open_of(tx, conversation.tenant, conversation.id).await?.collecting;
        if let Some(next) = &next {
            wake_due(tx, &conversation, next);
        }
        // Messages that came too late for this answer are in the next turn.
        let waits_since = next.as_ref().map(|next| next.opened_at);
        conversation.turn = next;
        notice::before_answer(tx, &mut conversation, waits_since).await?;
        let mut messages = Vec::with_capacity(self.parts.len());
        for (number, body) in self.parts.iter().enumerate() {
            let out = outgoing::Outgoing {
                author: self.scope.actor().author(),
                body,
                client_id: &self.client_id(number),
                digest: &send::digest_of(body),
                turn: Some(turn.id),
                waits_since,
                has_address: self.has_address,
            };
            messages.push(outgoing::put(tx, &mut conversation, out).await?);
        }
        announce::turn(tx, &mut conversation, &turn)?;
        Ok(Replied { messages, refused: None })
    }
}

impl Reply {
    fn client_id(&self, number: usize) -> String {
        format!("turn:{}:{number}", self.turn)
    }

    async fn first(&self, tx: &mut Tx<'_>, conversation: Uuid) -> Result<Replied, Error> {
        let mut found = Vec::new();
        for number in 0..MAX_PARTS {
            let Some((id, _)) =
                messages::sent(tx, (self.scope.tenant(), conversation), &self.client_id(number)).await?
            else {
                break;
            };
            found.extend(messages::load(tx, self.scope.tenant(), id).await?);
        }
        Ok(Replied { messages: found, refused: None })
    }
}
