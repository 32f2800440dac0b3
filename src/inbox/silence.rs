//! Ends the AI's silence after a phone message, when the channel's `silence_ms` has passed: the conversation goes back to
//! the AI, which answers the unanswered messages.

use uuid::Uuid;

use super::own;
use crate::error::Error;
use crate::model::{ConversationState, Owner};
use crate::store::{Tx, Verb, channels, conversations, ownership};

/// Reason of a conversation that went back to the AI without a person.
const REASON: &str = "silence_over";

pub struct EndSilence {
    pub tenant: Uuid,
    pub conversation: Uuid,
}

impl Verb for EndSilence {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let conversation = conversations::load_locked(tx, self.tenant, self.conversation).await?;
        let Some(mut conversation) = conversation else { return Ok(()) };
        // A person may have written, or taken the conversation for good, since it was read.
        let silent_until = ownership::load(tx, self.tenant, self.conversation).await?.silent_until;
        if silent_until.is_none_or(|until| until > tx.now()) {
            return Ok(());
        }
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        let open = conversation.state == ConversationState::Open;
        if !open || conversation.owner != Owner::Human || !channel.settings.ai {
            return Ok(ownership::set_silent(tx, self.tenant, self.conversation, None).await?);
        }
        own::give_back(tx, &mut conversation, &channel.settings, Some(REASON)).await
    }
}
