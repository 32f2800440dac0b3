//! A private note: a message of the conversation that is never sent, because it has no delivery. It does not change the
//! owner.

use uuid::Uuid;

use super::{outgoing, send};
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Direction, EventKind, Message, MessageBody};
use crate::store::{Tx, Verb, conversations, messages};

pub struct Note {
    pub scope: Scope,
    pub conversation: Uuid,
    pub client_id: String,
    pub text: String,
}

impl Verb for Note {
    type Out = send::Sent;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<send::Sent, Error> {
        outgoing::check_client_id(&self.client_id)?;
        let body = MessageBody { text: Some(self.text.clone()), ..MessageBody::default() };
        outgoing::check(&body)?;
        let tenant = self.scope.tenant();
        let mut conversation = conversations::locked(tx, tenant, self.conversation).await?;
        let digest = send::digest_of(&body);
        if let Some(message) = send::repeated(tx, &conversation, &self.client_id, &digest).await? {
            return Ok(send::Sent { message, repeated: true });
        }
        let message = Message {
            text: Some(self.text.trim().to_owned()),
            client_id: Some(self.client_id.clone()),
            ..Message::next(
                tx.new_id(),
                &conversation,
                Direction::Note,
                self.scope.actor().author(),
                tx.now(),
            )
        };
        let place = messages::MessageKeys {
            tenant,
            channel: conversation.channel,
            external_key: None,
            external_id: None,
            client_digest: Some(&digest),
            inbound_count: conversation.inbound_count,
        };
        messages::insert(tx, &message, &place).await?;
        conversation.last_seq = message.seq;
        conversation.updated_at = tx.now();
        conversations::advance(tx, &conversation).await?;
        announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
        Ok(send::Sent { message, repeated: false })
    }
}
