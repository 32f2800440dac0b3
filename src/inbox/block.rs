//! Blocks a person: nothing is answered by the AI or sent by people until it is unblocked. What the person writes is kept,
//! without a turn, unread mark or notice.

use uuid::Uuid;

use super::turn;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{ConversationState, EventKind};
use crate::people::{self, Card};
use crate::store::{Tx, Verb, contacts, conversations};

/// Open conversations of one contact whose turns end.
const OPEN: i64 = 100;

pub struct Block {
    pub scope: Scope,
    pub contact: Uuid,
    pub blocked: bool,
}

impl Verb for Block {
    type Out = Card;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        let tenant = self.scope.tenant();
        let person = people::seen(tx, &self.scope, self.contact).await?;
        if person.contact.blocked_at.is_some() == self.blocked {
            return people::card(tx, &self.scope, self.contact).await;
        }
        let blocked_at = self.blocked.then(|| tx.now());
        for member in &person.members {
            contacts::set_blocked(tx, tenant, member.id, blocked_at).await?;
            if !self.blocked {
                continue;
            }
            for (id, _) in conversations::of_contact(tx, tenant, member.id, OPEN).await? {
                let Some(mut found) = conversations::load_locked(tx, tenant, id).await? else { continue };
                if found.state == ConversationState::Open {
                    turn::cancel(tx, &mut found, turn::BLOCKED).await?;
                    conversations::answered(tx, &mut found).await?;
                }
            }
        }
        people::tell(tx, tenant, self.contact, EventKind::ContactUpdated, None).await?;
        people::card(tx, &self.scope, self.contact).await
    }
}
