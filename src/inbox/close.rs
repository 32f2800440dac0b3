//! Closes or reopens a conversation. A customer's message to a closed conversation opens a new one.

use uuid::Uuid;

use super::turn;
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Conversation, ConversationState, Direction};
use crate::store::{Tx, Verb, conversations, messages};

pub struct Close {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for Close {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let mut conversation = conversations::locked(tx, self.scope.tenant(), self.conversation).await?;
        if conversation.state == ConversationState::Open {
            turn::cancel(tx, &mut conversation, "closed").await?;
            conversations::answered(tx, &mut conversation).await?;
            conversation.state = ConversationState::Closed;
            conversations::set_state(tx, &mut conversation).await?;
            announce::conversation(tx, &mut conversation)?;
        }
        Ok(conversation)
    }
}

pub struct Reopen {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for Reopen {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let mut conversation = conversations::locked(tx, self.scope.tenant(), self.conversation).await?;
        if conversation.state == ConversationState::Open {
            return Ok(conversation);
        }
        let place = (conversation.tenant, conversation.channel);
        let thread = conversation.thread.as_deref();
        if conversations::open_of(tx, place, conversation.contact.id, thread).await?.is_some() {
            return Err(Error::conflict(
                "another_is_open",
                "the customer has a newer open conversation on this channel: go on there",
            ));
        }
        conversation.state = ConversationState::Open;
        let from_customer =
            conversation.last_message.as_ref().is_some_and(|last| last.direction == Direction::In);
        if from_customer && messages::unanswered(tx, &conversation).await?.is_some() {
            conversations::wait(tx, &mut conversation).await?;
        }
        conversations::set_state(tx, &mut conversation).await?;
        announce::conversation(tx, &mut conversation)?;
        Ok(conversation)
    }
}
