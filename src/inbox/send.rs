//! A person sends a message and thereby takes the conversation over.

use adapters::Outward;
use aws_lc_rs::digest;
use uuid::Uuid;

use super::{notice, outgoing, own};
use crate::accounts::access::Scope;
use crate::channels::pause;
use crate::error::Error;
use crate::model::{Conversation, ConversationState, Message, MessageBody, Owner};
use crate::store::{Tx, Verb, channels, conversations, messages};

pub struct SendMessage {
    pub scope: Scope,
    /// Which addresses files may have.
    pub outward: Outward,
    /// Providers can fetch uploaded files from this server.
    pub has_address: bool,
    pub conversation: Uuid,
    pub client_id: String,
    pub body: MessageBody,
}

/// A sent message; `repeated` if an earlier call with the same client id created it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub message: Message,
    pub repeated: bool,
}

impl Verb for SendMessage {
    type Out = Sent;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Sent, Error> {
        outgoing::check_client_id(&self.client_id)?;
        outgoing::check(&self.body)?;
        outgoing::check_files(&self.body.attachments, &self.outward)?;
        let tenant = self.scope.tenant();
        let mut conversation = conversations::locked(tx, tenant, self.conversation).await?;
        let digest = digest_of(&self.body);
        if let Some(message) = repeated(tx, &conversation, &self.client_id, &digest).await? {
            return Ok(Sent { message, repeated: true });
        }
        must_be_open(&conversation)?;
        let channel = channels::by_id(tx, conversation.tenant, conversation.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        pause::must_run(&channel)?;
        conversation.assignee = conversation.assignee.or(self.scope.actor().user());
        own::change(tx, &mut conversation, Owner::Human, None, "taken_over").await?;
        let waits_since = conversation.waiting_since;
        notice::before_answer(tx, &mut conversation, waits_since).await?;
        let out = outgoing::Outgoing {
            author: self.scope.actor().author(),
            body: &self.body,
            client_id: &self.client_id,
            digest: &digest,
            turn: None,
            waits_since: None,
            has_address: self.has_address,
        };
        let message = outgoing::put(tx, &mut conversation, out).await?;
        Ok(Sent { message, repeated: false })
    }
}

pub(super) fn must_be_open(conversation: &Conversation) -> Result<(), Error> {
    if conversation.state == ConversationState::Closed {
        return Err(Error::conflict("conversation_closed", "the conversation is closed: reopen it first"));
    }
    Ok(())
}

/// A digest of the content, to detect a client id that is reused for another message.
pub(super) fn digest_of(body: &MessageBody) -> String {
    let text = serde_json::to_vec(body).unwrap_or_default();
    hex::encode(digest::digest(&digest::SHA256, &text))
}

/// The message that an earlier call with this client id created. The same id with other content is refused.
pub(super) async fn repeated(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    client_id: &str,
    digest: &str,
) -> Result<Option<Message>, Error> {
    let Some((id, first)) = messages::sent(tx, (conversation.tenant, conversation.id), client_id).await?
    else {
        return Ok(None);
    };
    if first.as_deref() != Some(digest) {
        return Err(Error::conflict(
            "client_id_reused",
            "this client_id was used for another message of the conversation: take a new one",
        ));
    }
    Ok(messages::load(tx, conversation.tenant, id).await?)
}
