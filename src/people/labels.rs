//! Labels: the tenant's list, and which a contact or a conversation has.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::cards::{self, Card};
use super::group::{person, seen};
use super::tell::tell;
use crate::accounts::access::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Contact, Conversation, EventKind, Label};
use crate::store::{Tx, Verb, contacts, conversations, labelled, labels};

/// Labels of a tenant, and of one contact or conversation.
const MOST: usize = 200;
const MOST_OF_ONE: usize = 20;
const MAX_NAME: usize = 40;
/// Contacts and conversations from which one call takes a label that is removed.
const TAKEN_OFF: i64 = 200;

pub struct ListLabels(pub Scope);

impl Verb for ListLabels {
    type Out = Vec<Label>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Label>, Error> {
        Ok(labels::list(tx, self.0.tenant()).await?)
    }
}

/// Makes a label, or changes one.
pub struct PutLabel {
    pub scope: Scope,
    pub id: Option<Uuid>,
    pub name: String,
    pub colour: String,
}

impl Verb for PutLabel {
    type Out = Label;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Label, Error> {
        let name = super::name(&self.name, MAX_NAME)?;
        let digits = self.colour.strip_prefix('#').filter(|digits| digits.len() == 6);
        if !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(Error::invalid("colour", "give it as #rrggbb"));
        }
        let known = labels::list(tx, self.scope.tenant()).await?;
        let folded = crate::search::fold::fold(&name);
        let is_same = |one: &Label| crate::search::fold::fold(&one.name) == folded;
        if known.iter().any(|one| Some(one.id) != self.id && is_same(one)) {
            return Err(Error::conflict("label_exists", "there is a label of this name"));
        }
        let id = match self.id {
            Some(id) if known.iter().any(|one| one.id == id) => id,
            Some(_) => return Err(Error::NotFound("label")),
            None if known.len() >= MOST => {
                let detail = format!("a tenant has at most {MOST} labels: remove one first");
                return Err(Error::conflict("too_many_labels", detail));
            }
            None => tx.new_id(),
        };
        let label = Label { id, name, colour: self.colour.to_ascii_lowercase() };
        labels::put(tx, self.scope.tenant(), &label).await?;
        Ok(label)
    }
}

/// Removes a label from some of its bearers; when none is left, the label itself. `true`: it is gone, otherwise call again.
pub struct RemoveLabel {
    pub scope: Scope,
    pub id: Uuid,
}

impl Verb for RemoveLabel {
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let tenant = self.scope.tenant();
        let (of_contacts, of_conversations) = labels::bearers(tx, tenant, self.id, TAKEN_OFF).await?;
        for id in &of_contacts {
            let Some(contact) = contacts::by_id(tx, tenant, *id).await? else { continue };
            let left: Vec<Uuid> = contact.labels.into_iter().filter(|one| *one != self.id).collect();
            labels::of_contact(tx, tenant, *id, &left).await?;
            if let Some(person) = person(tx, tenant, *id).await? {
                follow(tx, tenant, &person.members).await?;
            }
            tell(tx, tenant, *id, EventKind::ContactUpdated, None).await?;
        }
        for id in &of_conversations {
            let Some(mut found) = conversations::load_locked(tx, tenant, *id).await? else { continue };
            found.labels.retain(|one| *one != self.id);
            labels::of_conversation(tx, tenant, *id, &found.labels).await?;
            labelled::set(tx, &found).await?;
            announce::conversation(tx, &mut found)?;
        }
        let is_last = [&of_contacts, &of_conversations].iter().all(|list| (list.len() as i64) < TAKEN_OFF);
        if is_last {
            labels::remove(tx, tenant, self.id).await?;
        }
        Ok(is_last)
    }
}

/// Sets the labels of a person. On several contacts they are those of the one as which the person is seen, and are taken off
/// the others.
pub struct LabelContact {
    pub scope: Scope,
    pub contact: Uuid,
    pub labels: Vec<Uuid>,
}

impl Verb for LabelContact {
    type Out = Card;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        let tenant = self.scope.tenant();
        let mut person = seen(tx, &self.scope, self.contact).await?;
        let wanted = checked(tx, tenant, &self.labels).await?;
        let mut now = Vec::new();
        for member in &person.members {
            let is_root = member.id == person.contact.id;
            // What another contact has and the person keeps stays there, so that a split leaves it there.
            let elsewhere = |label: &Uuid| {
                person.members.iter().any(|one| one.id != person.contact.id && one.labels.contains(label))
            };
            let own: Vec<Uuid> = if is_root {
                let keeps = |label: &Uuid| member.labels.contains(label) || !elsewhere(label);
                wanted.iter().copied().filter(keeps).collect()
            } else {
                member.labels.iter().copied().filter(|label| wanted.contains(label)).collect()
            };
            if own != member.labels {
                labels::of_contact(tx, tenant, member.id, &own).await?;
            }
            now.push(own);
        }
        for (member, own) in person.members.iter_mut().zip(now) {
            member.labels = own;
        }
        follow(tx, tenant, &person.members).await?;
        tell(tx, tenant, self.contact, EventKind::ContactUpdated, None).await?;
        cards::of(tx, &self.scope, self.contact).await
    }
}

/// Sets the labels of a conversation.
pub struct LabelConversation {
    pub scope: Scope,
    pub conversation: Uuid,
    pub labels: Vec<Uuid>,
}

impl Verb for LabelConversation {
    type Out = Conversation;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Conversation, Error> {
        let tenant = self.scope.tenant();
        let mut found = conversations::locked(tx, tenant, self.conversation).await?;
        let wanted = checked(tx, tenant, &self.labels).await?;
        if found.labels != wanted {
            labels::of_conversation(tx, tenant, found.id, &wanted).await?;
            found.labels = wanted;
            labelled::set(tx, &found).await?;
            announce::conversation(tx, &mut found)?;
        }
        Ok(found)
    }
}

/// Lists of a label have the conversations of all contacts of a person.
async fn follow(tx: &mut Tx<'_>, tenant: Uuid, members: &[Contact]) -> Result<(), Error> {
    let all: BTreeSet<Uuid> = members.iter().flat_map(|one| &one.labels).copied().collect();
    for member in members {
        labelled::of_contact(tx, tenant, member.id, all.iter().copied()).await?;
    }
    Ok(())
}

async fn checked(tx: &mut Tx<'_>, tenant: Uuid, wanted: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let mut found: Vec<Uuid> = Vec::new();
    let known = labels::list(tx, tenant).await?;
    for id in wanted {
        if !known.iter().any(|one| one.id == *id) {
            return Err(Error::invalid("labels", format!("there is no label {id}")));
        }
        if !found.contains(id) {
            found.push(*id);
        }
    }
    if found.len() > MOST_OF_ONE {
        return Err(Error::invalid("labels", format!("at most {MOST_OF_ONE} labels")));
    }
    Ok(found)
}
