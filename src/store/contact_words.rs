//! What else contacts are found by: words of their attributes and notes, their labels, and the ids that providers have for them.

use uuid::Uuid;

use super::{StoreError, Tx, attributes, contact_notes, labels};
use crate::args;
use crate::model::Contact;
use crate::search::fold::{fold, words};

const PUT: &str = "insert into contact_words (tenant, term, contact) values ($1, $2, $3) \
    on conflict (tenant, term, contact) do nothing";
const FORGET: &str = "delete from contact_words where tenant = $1 and contact = $2";
const FIND: &str = "select contact from contact_words where tenant = $1 and term >= $2 and term < $3 \
    order by term, contact limit $4";
const OF_CONTACT: &str =
    "select term from contact_words where tenant = $1 and contact = $2 order by term limit 1000";
const BY_ID: &str = "select contact from identities where tenant = $1 and external_id = $2 limit 20";

pub const ALL: &[&str] = &[PUT, FORGET, FIND, OF_CONTACT, BY_ID];

/// The most words of a contact, and bytes of one.
const WORDS: usize = 400;
const TERM: usize = 60;
/// Notes of which the words are found, the newest.
const NOTES: i64 = 100;
/// Contacts that a label finds.
const LABELLED: i64 = 300;

/// Notes the words of a contact's attributes and notes anew.
pub async fn note(tx: &mut Tx<'_>, tenant: Uuid, contact: Uuid) -> Result<(), StoreError> {
    tx.put(FORGET, args![tenant, contact]).await?;
    let mut found = std::collections::BTreeSet::new();
    for value in attributes::of_contact(tx, tenant, contact).await? {
        let mut texts = Vec::new();
        texts_of(&value.value, &mut texts);
        found.extend(texts.iter().flat_map(|text| words(text)).map(|word| word.folded));
    }
    for note in contact_notes::list(tx, tenant, &[contact], NOTES).await? {
        found.extend(words(&note.text).into_iter().map(|word| word.folded));
        if found.len() >= WORDS {
            break;
        }
    }
    for word in found.iter().filter(|word| word.len() <= TERM).take(WORDS) {
        tx.put(PUT, args![tenant, word.as_bytes(), contact]).await?;
    }
    Ok(())
}

fn texts_of(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Number(number) => found.push(number.to_string()),
        serde_json::Value::Object(parts) => parts.values().for_each(|part| texts_of(part, found)),
        _ => {}
    }
}

/// Contacts that have a word, a label or an id of what was typed. `range`: of the longest word.
pub(super) async fn find(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    typed: &str,
    (low, high): (&Vec<u8>, &Vec<u8>),
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let id = typed.trim();
    let mut found: Vec<(Uuid,)> = Vec::new();
    for form in [id.to_owned(), format!("{id}@lid"), format!("{id}@c.us")] {
        found.extend(tx.all::<(Uuid,)>(BY_ID, args![tenant, &form]).await?);
    }
    found.extend(tx.all::<(Uuid,)>(FIND, args![tenant, low, high, limit]).await?);
    let whole = fold(typed);
    for label in labels::list(tx, tenant).await? {
        let name = fold(&label.name);
        if whole.split(' ').any(|word| !word.is_empty() && name.split(' ').any(|one| one.starts_with(word))) {
            let (contacts, _) = labels::bearers(tx, tenant, label.id, LABELLED).await?;
            found.extend(contacts.into_iter().map(|id| (id,)));
        }
    }
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Whether one of the contact's ids is this.
pub(super) async fn has_id(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    typed: &str,
) -> Result<bool, StoreError> {
    let id = typed.trim();
    let ids = super::contacts::identities(tx, tenant, &[contact]).await?;
    Ok(ids.iter().any(|one| {
        one.external_id == id
            || one.external_id.strip_suffix("@lid") == Some(id)
            || one.external_id.strip_suffix("@c.us") == Some(id)
    }))
}

/// The words by which a contact is found besides its name: of its attributes, notes and labels.
pub(super) async fn of_contact(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: &Contact,
) -> Result<Vec<String>, StoreError> {
    let terms: Vec<(Vec<u8>,)> = tx.all(OF_CONTACT, args![tenant, contact.id]).await?;
    let mut found: Vec<String> =
        terms.into_iter().filter_map(|(term,)| String::from_utf8(term).ok()).collect();
    if !contact.labels.is_empty() {
        for label in labels::list(tx, tenant).await? {
            if contact.labels.contains(&label.id) {
                found.extend(words(&label.name).into_iter().map(|word| word.folded));
            }
        }
    }
    Ok(found)
}
