//! Announces a change of a person: an event for each company that has conversations with it, so that whoever sees one of them
//! hears of it, and the newest conversations themselves, which show it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::group::person;
use crate::announce;
use crate::error::Error;
use crate::model::{EventKind, Merge, PersonChange};
use crate::store::{Tx, conversations};

/// Conversations of one contact that are shown anew, and those in which its companies are looked for.
const SHOWN: usize = 20;
const LOOKED_AT: i64 = 200;

/// `contact` is any contact of the person.
pub async fn tell(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    kind: EventKind,
    merge: Option<&Merge>,
) -> Result<(), Error> {
    let Some(person) = person(tx, tenant, contact).await? else { return Ok(()) };
    let mut companies = BTreeSet::new();
    let mut shown = Vec::new();
    for of in conversations::of_contacts(tx, tenant, &person.ids(), LOOKED_AT).await? {
        companies.extend(of.iter().map(|(_, company)| *company));
        shown.extend(of.into_iter().take(SHOWN).map(|(id, _)| id));
    }
    let members = person.members.clone();
    let change = PersonChange { members: person.ids(), contact: person.contact, merge: merge.cloned() };
    for company in companies {
        announce::person(tx, (tenant, company), kind, &change)?;
    }
    shown.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
    shown.truncate(SHOWN);
    // Together: a round trip for each would hold the tenant's row for long.
    tx.must_hold(tenant)?;
    for mut conversation in conversations::load_of_person(tx, tenant, &shown, &members).await? {
        announce::conversation(tx, &mut conversation)?;
    }
    Ok(())
}
