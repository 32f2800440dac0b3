//! What a provider proves: that two ids of a channel are one person's. It merges their contacts by itself, once for two
//! contacts: what a person took back is not done again. What contradicts something known is never merged silently, since
//! numbers are given to other people: then a person is asked.

use uuid::Uuid;

use super::group::{MOST, Person, derive, person};
use super::tell::tell;
use crate::error::Error;
use crate::model::{Channel, Contact, EventKind, Merge, MergeKind, MergeState};
use crate::store::{Tx, contacts, merges};

/// What told that two ids are one person's.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    pub kind: MergeKind,
    /// The ids, of the first and of the second contact.
    pub ids: (&'a str, &'a str),
    /// The key of the message that told it.
    pub key: Option<&'a str>,
    /// It contradicts something known.
    pub is_doubtful: bool,
}

/// Merges the first contact into the second, or asks a person whether they are one.
pub async fn same(
    tx: &mut Tx<'_>,
    channel: &Channel,
    (one, other): (&Contact, &Contact),
    told: Told<'_>,
) -> Result<(), Error> {
    let tenant = channel.tenant;
    let pair = (one.id, other.id);
    if one.id == other.id || merges::of_pair(tx, tenant, pair, told.kind.as_str()).await?.is_some() {
        return Ok(());
    }
    let (Some(first), Some(second)) =
        (person(tx, tenant, one.id).await?, person(tx, tenant, other.id).await?)
    else {
        return Ok(());
    };
    let is_one = first.contact.id == second.contact.id;
    let is_asked = told.is_doubtful
        || (!is_one && first.members.len() + second.members.len() > MOST)
        || (told.kind == MergeKind::HiddenId && has_several(tx, channel, [&first, &second]).await?);
    let reason = Merge {
        id: tx.new_id(),
        contact: one.id,
        into: other.id,
        kind: told.kind,
        state: if is_asked { MergeState::Asked } else { MergeState::Active },
        author: None,
        channel: Some(channel.id),
        ids: vec![told.ids.0.to_owned(), told.ids.1.to_owned()],
        message: None,
        conversation: None,
        created_at: tx.now(),
        decided_at: None,
        decided_by: None,
    };
    merges::insert(tx, tenant, &reason, told.key).await?;
    if is_asked {
        tell(tx, tenant, one.id, EventKind::ContactUpdated, Some(&reason)).await?;
        return tell(tx, tenant, other.id, EventKind::ContactUpdated, Some(&reason)).await;
    }
    derive(tx, tenant, &[one.id, other.id]).await?;
    if is_one {
        return Ok(());
    }
    tell(tx, tenant, other.id, EventKind::ContactMerged, Some(&reason)).await
}

/// Whether a hidden id cannot be of this contact: its person has another one on the channel. A number alone proves less than a
/// hidden id, which stays with a person.
pub async fn is_of_another(
    tx: &mut Tx<'_>,
    channel: &Channel,
    contact: &Contact,
    id: &str,
) -> Result<bool, Error> {
    if !is_hidden(id) {
        return Ok(false);
    }
    let Some(known) = person(tx, channel.tenant, contact.id).await? else { return Ok(false) };
    Ok(hidden_ids(tx, channel, [&known]).await?.iter().any(|known| known != id))
}

async fn has_several<const N: usize>(
    tx: &mut Tx<'_>,
    channel: &Channel,
    people: [&Person; N],
) -> Result<bool, Error> {
    Ok(hidden_ids(tx, channel, people).await?.len() > 1)
}

async fn hidden_ids<const N: usize>(
    tx: &mut Tx<'_>,
    channel: &Channel,
    people: [&Person; N],
) -> Result<Vec<String>, Error> {
    let members: Vec<Uuid> = people.into_iter().flat_map(Person::ids).collect();
    let ids = contacts::identities(tx, channel.tenant, &members).await?;
    let here = ids.into_iter().filter(|id| id.channel == channel.id);
    let mut found: Vec<String> = here.map(|id| id.external_id).collect();
    found.retain(|id| is_hidden(id));
    found.sort();
    found.dedup();
    Ok(found)
}

/// Ids that stand for a person instead of its number: `…@lid`, and `CC.…` of a business account.
fn is_hidden(id: &str) -> bool {
    let bytes = id.as_bytes();
    id.ends_with("@lid")
        || (bytes.len() > 3 && bytes[2] == b'.' && bytes[..2].iter().all(u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_ids_are_known_by_their_form() {
        for (id, hidden) in [
            ("187654321098765@lid", true),
            ("US.13491208655302741918", true),
            ("US.ENT.11815799212886844830", true),
            ("15550100123@c.us", false),
            ("15550100123", false),
            ("ana.lee@example.com", false),
            ("-1001234567890", false),
        ] {
            assert_eq!(is_hidden(id), hidden, "{id}");
        }
    }
}
