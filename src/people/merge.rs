//! A person of the business says that two contacts are one person, or takes it back. What a provider proved is taken back in
//! the same way, and is then not proved again by the same ids.

use uuid::Uuid;

use super::cards::{self, Card};
use super::group::{MOST, derive, seen};
use super::tell::tell;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{EventKind, Merge as Reason, MergeKind, MergeState};
use crate::store::{Tx, Verb, merges};

/// Merges a contact into another. If they are one person already, nothing changes.
pub struct Merge {
    pub scope: Scope,
    pub contact: Uuid,
    pub into: Uuid,
}

impl Verb for Merge {
    type Out = Card;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        let tenant = self.scope.tenant();
        if self.contact == self.into {
            return Err(Error::invalid("into", "is the contact itself: name another one"));
        }
        let one = seen(tx, &self.scope, self.contact).await?;
        let other = seen(tx, &self.scope, self.into).await?;
        if one.contact.id == other.contact.id {
            return cards::of(tx, &self.scope, self.into).await;
        }
        if one.members.len() + other.members.len() > MOST {
            let detail = format!("a person has at most {MOST} contacts: take some out first");
            return Err(Error::conflict("too_many_contacts", detail));
        }
        let reason = Reason {
            id: tx.new_id(),
            contact: self.contact,
            into: self.into,
            kind: MergeKind::Person,
            state: MergeState::Active,
            author: self.scope.actor().name.clone(),
            channel: None,
            ids: Vec::new(),
            message: None,
            conversation: None,
            created_at: tx.now(),
            decided_at: None,
            decided_by: None,
        };
        merges::insert(tx, tenant, &reason, None).await?;
        derive(tx, tenant, &[self.contact, self.into]).await?;
        tell(tx, tenant, self.into, EventKind::ContactMerged, Some(&reason)).await?;
        cards::of(tx, &self.scope, self.into).await
    }
}

/// Decides about a reason: takes back one that holds, or answers one that waits for a person.
pub struct Split {
    pub scope: Scope,
    pub contact: Uuid,
    pub merge: Uuid,
    /// For one that waits: whether they are one person.
    pub same: bool,
}

impl Verb for Split {
    type Out = Card;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        let tenant = self.scope.tenant();
        let person = seen(tx, &self.scope, self.contact).await?;
        let reason = merges::load(tx, tenant, self.merge).await?.ok_or(Error::NotFound("merge"))?;
        let ids = person.ids();
        if !ids.contains(&reason.contact) && !ids.contains(&reason.into) {
            return Err(Error::NotFound("merge"));
        }
        let state = match (reason.state, self.same) {
            (MergeState::Active, false) => MergeState::Undone,
            (MergeState::Asked, true) => MergeState::Active,
            (MergeState::Asked, false) => MergeState::Refused,
            // Somebody was faster, or it is as asked for.
            _ => return cards::of(tx, &self.scope, self.contact).await,
        };
        let decided = Reason {
            state,
            decided_at: Some(tx.now()),
            decided_by: self.scope.actor().name.clone(),
            ..reason
        };
        merges::decide(tx, tenant, &decided).await?;
        derive(tx, tenant, &[decided.contact, decided.into]).await?;
        let kind = match state {
            MergeState::Active => EventKind::ContactMerged,
            MergeState::Undone => EventKind::ContactSplit,
            MergeState::Asked | MergeState::Refused => EventKind::ContactUpdated,
        };
        tell(tx, tenant, decided.into, kind, Some(&decided)).await?;
        if state != MergeState::Active {
            tell(tx, tenant, decided.contact, kind, Some(&decided)).await?;
        }
        cards::of(tx, &self.scope, self.contact).await
    }
}
