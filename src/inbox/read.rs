//! Moves a user's read mark of a conversation. It only moves forward.

use uuid::Uuid;

use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{ReadEvent, ReadMark};
use crate::store::{Tx, Verb, conversations, messages, reads};

pub struct Read {
    pub scope: Scope,
    pub conversation: Uuid,
    pub seq: i64,
}

impl Verb for Read {
    type Out = ReadMark;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ReadMark, Error> {
        let tenant = self.scope.tenant();
        let user = self.scope.actor().user().ok_or(Error::Forbidden("only people have read marks"))?;
        let conversation = conversations::load(tx, tenant, self.conversation).await?;
        let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
        if self.seq < 0 {
            return Err(Error::invalid("seq", "give the seq of the last message that was shown"));
        }
        let seq = self.seq.min(conversation.last_seq);
        let inbound_count = messages::inbound_until(tx, tenant, conversation.id, seq).await?;
        let mark = ReadMark { seq, inbound_count };
        if reads::mark(tx, (tenant, conversation.id), user, mark).await? {
            announce::read(
                tx,
                &conversation,
                ReadEvent { user, conversation: conversation.id, seq, inbound_count },
            )?;
            return Ok(mark);
        }
        Ok(reads::get(tx, tenant, conversation.id, user).await?)
    }
}
