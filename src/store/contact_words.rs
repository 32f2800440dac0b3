//! What else contacts are found by: words of their attributes and notes, their labels, and the ids that providers have for them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::value::Arg;
use super::{StoreError, Tx, attributes, contact_notes, labels};
use crate::args;
use crate::model::Contact;
use crate::search::fold::{fold, words};

const PUT: &str = "insert into contact_words (tenant, term, contact) values ($1, $2, $3) \
    on conflict (tenant, term, contact) do nothing";
const FORGET: &str = "delete from contact_words where tenant = $1 and term = $2 and contact = $3";
const FIND: &str = "select contact from contact_words where tenant = $1 and term >= $2 and term < $3 \
    order by term, contact limit $4";
const OF_CONTACT: &str =
    "select term from contact_words where tenant = $1 and contact = $2 order by term limit 1000";
const IDS_OF: &str = "select external_id from identities where tenant = $1 and contact = $2 limit 100";
const BY_ID: &str = "select contact from identities where tenant = $1 and external_id = $2 limit 20";

pub const ALL: &[&str] = &[PUT, FORGET, FIND, OF_CONTACT, IDS_OF, BY_ID];

/// The most words of a contact, and bytes of one.
const WORDS: usize = 400;
const TERM: usize = 60;
/// Notes of which the words are found, the newest.
const NOTES: i64 = 100;
/// Contacts that a label finds.
const LABELLED: i64 = 300;

/// Notes the words of a contact's attributes and notes anew: only those that came or went are written.
pub async fn note(tx: &mut Tx<'_>, tenant: Uuid, contact: Uuid) -> Result<(), StoreError> {
    let mut found = BTreeSet::new();
    for value in attributes::of_contacts(tx, tenant, &[contact]).await?.into_iter().flatten() {
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
    let now: BTreeSet<Vec<u8>> =
        found.into_iter().map(String::into_bytes).filter(|word| word.len() <= TERM).take(WORDS).collect();
    let before: Vec<(Vec<u8>,)> = tx.all(OF_CONTACT, args![tenant, contact]).await?;
    let before: BTreeSet<Vec<u8>> = before.into_iter().map(|(word,)| word).collect();
    for gone in before.difference(&now) {
        tx.put(FORGET, args![tenant, gone.as_slice(), contact]).await?;
    }
    for new in now.difference(&before) {
        tx.put(PUT, args![tenant, new.as_slice(), contact]).await?;
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
        // Many labels may begin alike: all their bearers would be looked at one by one.
        if found.len() as i64 >= limit {
            break;
        }
        let name = fold(&label.name);
        if whole.split(' ').any(|word| !word.is_empty() && name.split(' ').any(|one| one.starts_with(word))) {
            let (contacts, _) = labels::bearers(tx, tenant, label.id, LABELLED).await?;
            found.extend(contacts.into_iter().map(|id| (id,)));
        }
    }
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// What a contact is found by besides its names.
pub(super) struct Besides {
    /// One of its ids is what was typed.
    pub has_id: bool,
    /// Of its attributes, notes and labels.
    pub words: Vec<String>,
}

/// What else these contacts are found by, in their order: a few statements for all of them.
pub(super) async fn besides(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[&Contact],
    typed: &str,
) -> Result<Vec<Besides>, StoreError> {
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<_> = contacts.iter().map(|one| vec![Arg::from(tenant), Arg::from(one.id)]).collect();
    let ids: Vec<Vec<(String,)>> = tx.each(IDS_OF, &asked).await?;
    let terms: Vec<Vec<(Vec<u8>,)>> = tx.each(OF_CONTACT, &asked).await?;
    let is_labelled = contacts.iter().any(|one| !one.labels.is_empty());
    let labels = if is_labelled { labels::list(tx, tenant).await? } else { Vec::new() };
    let id = typed.trim();
    let is_typed = |one: &(String,)| {
        let one = one.0.as_str();
        one == id || one.strip_suffix("@lid") == Some(id) || one.strip_suffix("@c.us") == Some(id)
    };
    let found = contacts.iter().zip(ids).zip(terms).map(|((contact, ids), terms)| {
        let mut words: Vec<String> =
            terms.into_iter().filter_map(|(term,)| String::from_utf8(term).ok()).collect();
        for label in labels.iter().filter(|label| contact.labels.contains(&label.id)) {
            words.extend(crate::search::fold::words(&label.name).into_iter().map(|word| word.folded));
        }
        Besides { has_id: ids.iter().any(is_typed), words }
    });
    Ok(found.collect())
}
