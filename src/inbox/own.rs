//! Changes a conversation's owner: taking over, handing back. The epoch is raised with it and every open turn is
//! cancelled, so that an answer begun before the change is refused.

use uuid::Uuid;

use super::{receipt, send, turn};
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{ChannelSettings, Conversation, Owner};
use crate::store::jobs::{self, Deliver};
use crate::store::{Tx, Verb, channels, conversations, deliveries};

/// Sets the owner of a locked conversation, raises its epoch and ends its open turns.
pub(super) async fn change(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    owner: Owner,
    reason: Option<&str>,
    why: &'static str,
) -> Result<(), Error> {
    turn::cancel(tx, conversation, why).await?;
    if owner == Owner::Human && conversation.owner != Owner::Human {
        silence(tx, conversation).await?;
    }
    conversation.owner = owner;
    conversation.handoff_reason = reason.map(str::to_owned);
    conversations::set_owner(tx, conversation).await?;
    Ok(())
}

/// Whether it was handed to people for that reason, and nobody has taken it.
pub(super) fn is_left(conversation: &Conversation, reason: &str) -> bool {
    conversation.owner == Owner::Nobody
        && conversation.assignee.is_none()
        && conversation.handoff_reason.as_deref() == Some(reason)
}

/// Fails the AI's unsent messages, because a person takes over.
async fn silence(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), Error> {
    for delivery in deliveries::queued_of_responders(tx, conversation.tenant, conversation.id).await? {
        // Its job runs and ends now, so that it does not block the person's messages.
        jobs::hurry::<Deliver>(tx, (delivery.tenant, delivery.channel), delivery.id).await?;
        receipt::silence(tx, delivery).await?;
    }
    Ok(())
}

/// A person takes the conversation over. After the commit the AI cannot answer.
pub struct TakeOver {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for TakeOver {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let mut conversation = conversations::locked(tx, self.scope.tenant(), self.conversation).await?;
        send::must_be_open(&conversation)?;
        conversation.assignee = self.scope.actor().user().or(conversation.assignee);
        change(tx, &mut conversation, Owner::Human, None, "taken_over").await?;
        announce::conversation(tx, &mut conversation)?;
        Ok(conversation)
    }
}

/// A person gives the conversation to the AI, which answers the unanswered messages.
pub struct HandBack {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for HandBack {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let tenant = self.scope.tenant();
        let mut conversation = conversations::locked(tx, tenant, self.conversation).await?;
        send::must_be_open(&conversation)?;
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        if !channel.settings.ai {
            return Err(Error::conflict(
                "ai_off",
                "the AI is switched off on this channel: switch it on in its settings",
            ));
        }
        if conversation.owner == Owner::Ai {
            return Ok(conversation);
        }
        if conversation.contact.opted_out_at.is_some() {
            return Err(Error::conflict(
                "opted_out",
                "the customer asked for no more messages: a person answers what they write",
            ));
        }
        give_back(tx, &mut conversation, &channel.settings, None).await?;
        Ok(conversation)
    }
}

/// Gives a locked conversation to the AI, which answers the unanswered messages.
pub(super) async fn give_back(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    settings: &ChannelSettings,
    reason: Option<&str>,
) -> Result<(), Error> {
    conversation.assignee = None;
    change(tx, conversation, Owner::Ai, reason, "handed_back").await?;
    turn::reopen_unanswered(tx, conversation, settings).await?;
    announce::conversation(tx, conversation)
}
