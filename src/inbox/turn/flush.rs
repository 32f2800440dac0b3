//! "Answer now": a person makes a collecting turn due at once.

use uuid::Uuid;

use super::wake_due;
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::Turn;
use crate::store::{Tx, Verb, conversations, turns};

pub struct Flush {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for Flush {
    type Out = Option<Turn>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Turn>, Error> {
        let mut conversation = conversations::locked(tx, self.scope.tenant(), self.conversation).await?;
        let open = turns::open_of(tx, conversation.tenant, conversation.id).await?;
        let Some(mut turn) = open.collecting else { return Ok(open.offered) };
        if turn.due_at > tx.now() {
            turn.due_at = tx.now();
            turns::update(tx, conversation.tenant, &turn).await?;
            wake_due(tx, &conversation, &turn);
            conversation.turn = Some(open.offered.unwrap_or_else(|| turn.clone()));
            announce::turn(tx, &mut conversation, &turn)?;
        }
        Ok(Some(turn))
    }
}
