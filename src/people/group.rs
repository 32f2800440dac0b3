//! The contacts of one person, and deriving them anew after a reason came or went.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::roots::roots;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::Contact;
use crate::store::{Tx, contacts, conversations, labelled, merges};

/// Contacts that one person has at most.
pub const MOST: usize = 50;
/// Conversations that are asked whether the caller sees one.
const LOOKED_AT: i64 = 200;

/// A person: the contact as which it is seen, and all its contacts, the former first.
#[derive(Clone, Debug)]
pub struct Person {
    pub contact: Contact,
    pub members: Vec<Contact>,
}

impl Person {
    pub fn ids(&self) -> Vec<Uuid> {
        self.members.iter().map(|one| one.id).collect()
    }
}

/// The person of a contact.
pub async fn person(tx: &mut Tx<'_>, tenant: Uuid, contact: Uuid) -> Result<Option<Person>, Error> {
    let Some(found) = contacts::by_id(tx, tenant, contact).await? else { return Ok(None) };
    let members =
        if found.is_joined() { contacts::group(tx, tenant, found.root()).await? } else { vec![found] };
    let Some(mut contact) = members.first().cloned() else { return Ok(None) };
    contacts::show(&mut contact, &members);
    Ok(Some(Person { contact, members }))
}

/// As [`person`], if the caller sees one of its conversations.
pub async fn seen(tx: &mut Tx<'_>, scope: &Scope, contact: Uuid) -> Result<Person, Error> {
    let found = person(tx, scope.tenant(), contact).await?.ok_or(Error::NotFound("contact"))?;
    if scope.companies().is_none() {
        return Ok(found);
    }
    let of = conversations::of_contacts(tx, scope.tenant(), &found.ids(), LOOKED_AT).await?;
    if of.iter().flatten().any(|(_, company)| scope.sees_company(*company)) {
        return Ok(found);
    }
    Err(Error::NotFound("contact"))
}

/// Derives as what the contacts are seen that these have to do with, and stores what changed.
pub(super) async fn derive(tx: &mut Tx<'_>, tenant: Uuid, from: &[Uuid]) -> Result<(), Error> {
    let mut before: BTreeMap<Uuid, Contact> = BTreeMap::new();
    let mut reasons: BTreeMap<Uuid, (Uuid, Uuid)> = BTreeMap::new();
    let mut next: BTreeSet<Uuid> = from.iter().copied().collect();
    // What is one step away is asked for together: a round trip each would hold the tenant's row for long.
    while !next.is_empty() {
        let asked: Vec<Uuid> = std::mem::take(&mut next).into_iter().collect();
        let found = contacts::by_ids(tx, tenant, &asked).await?;
        let ids: Vec<Uuid> = found.iter().map(|contact| contact.id).collect();
        let joined: Vec<Uuid> = found.iter().filter(|one| one.has_merged).map(|one| one.id).collect();
        next.extend(found.iter().filter_map(|contact| contact.merged_into));
        next.extend(contacts::members(tx, tenant, &joined).await?.into_iter().map(|member| member.id));
        before.extend(found.into_iter().map(|contact| (contact.id, contact)));
        for (id, contact, into) in merges::active(tx, tenant, &ids).await? {
            reasons.insert(id, (contact, into));
            next.extend([contact, into]);
        }
        next.retain(|id| !before.contains_key(id) && !asked.contains(id));
    }
    let all: Vec<Uuid> = before.keys().copied().collect();
    let in_order: Vec<(Uuid, Uuid)> = reasons.into_values().collect();
    let now = roots(&all, &in_order);
    for (id, contact) in &before {
        let root = now.get(id).copied().filter(|root| root != id);
        let has_merged = now.iter().any(|(one, root)| root == id && one != id);
        if contact.merged_into != root || contact.has_merged != has_merged {
            contacts::set_root(tx, tenant, *id, root, has_merged).await?;
        }
    }
    let then = shown(&before, Contact::root);
    for (id, labels) in shown(&before, |contact| now.get(&contact.id).copied().unwrap_or(contact.id)) {
        if then.get(&id) != Some(&labels) {
            labelled::of_contact(tx, tenant, id, labels).await?;
        }
    }
    Ok(())
}

/// The labels that each contact's conversations show: those of all that are seen as the same one.
fn shown(all: &BTreeMap<Uuid, Contact>, root: impl Fn(&Contact) -> Uuid) -> BTreeMap<Uuid, BTreeSet<Uuid>> {
    let mut of: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for contact in all.values() {
        of.entry(root(contact)).or_default().extend(&contact.labels);
    }
    all.values().map(|contact| (contact.id, of[&root(contact)].clone())).collect()
}
