//! Sets or clears a conversation's assignee. The owner stays the same.

use uuid::Uuid;

use crate::accounts::{Permission, Scope, users};
use crate::announce;
use crate::error::Error;
use crate::model::Conversation;
use crate::store::{Tx, Verb, conversations, ownership};

pub struct Assign {
    pub scope: Scope,
    pub conversation: Uuid,
    pub assignee: Option<Uuid>,
}

impl Verb for Assign {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let tenant = self.scope.tenant();
        let mut conversation = conversations::locked(tx, tenant, self.conversation).await?;
        if let Some(user) = self.assignee
            && !users::may(tx, tenant, user, Permission::Answer).await?
        {
            return Err(Error::invalid("assignee", "choose somebody who may answer in this tenant"));
        }
        if conversation.assignee != self.assignee {
            conversation.assignee = self.assignee;
            conversations::set_assignee(tx, &mut conversation).await?;
            // An assigned person has the conversation for good: the AI's silence no longer expires.
            if self.assignee.is_some() {
                ownership::set_silent(tx, tenant, conversation.id, None).await?;
            }
            announce::conversation(tx, &mut conversation)?;
        }
        Ok(conversation)
    }
}
