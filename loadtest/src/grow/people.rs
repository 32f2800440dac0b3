//! What tenants know of their customers: labels, attributes, notes with the words by which they are found, and contacts
//! that are one person. So much of each as `--kept` says.

use anyhow::Result;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::conversation::Conversation;
use super::database::row;
use super::table::Table;

const LABELS: u64 = 20;
const ATTRIBUTES: u64 = 10;
/// Of so many contacts two are one person.
const PEOPLE: usize = 10;
/// Different words of notes.
const WORDS: u64 = 20_000;

/// The labels and the attributes of a tenant.
pub(crate) struct Known {
    pub(crate) labels: Vec<Uuid>,
    attributes: Vec<Uuid>,
}

/// What a contact's own row shows of it.
pub(crate) struct Shown {
    pub(crate) merged_into: Option<Uuid>,
    pub(crate) has_merged: bool,
    pub(crate) labels: Option<String>,
}

/// Writes the lists of each tenant, by which the others are made.
pub(crate) fn tenants(context: &mut Context<'_>) -> Result<Vec<Known>> {
    let mut all = Vec::new();
    for at in 0..context.accounts.tenants.len() {
        let (tenant, made) = (context.accounts.tenants[at].id, context.plan.first_day());
        let mut known = Known { labels: Vec::new(), attributes: Vec::new() };
        for number in 0..LABELS {
            let id = context.id(made);
            context.fill.put(Table::Labels, row![tenant, id, &format!("Label {number}"), "#3366cc", made])?;
            known.labels.push(id);
        }
        for number in 0..ATTRIBUTES {
            let (id, name) = (context.id(made), format!("Attribute {number}"));
            let row = row![tenant, id, &name, "text", "{}", made];
            context.fill.put(Table::Attributes, row)?;
            known.attributes.push(id);
        }
        all.push(known);
    }
    Ok(all)
}

/// The first label is on most contacts, the second on one of a hundred, each other on some.
fn labels_of(number: u64, known: &Known) -> Vec<Uuid> {
    let mut found = Vec::new();
    if number % 5 < 3 {
        found.push(known.labels[0]);
    }
    if number.is_multiple_of(100) {
        found.push(known.labels[1]);
    } else if number.is_multiple_of(3) {
        found.push(known.labels[2 + (number / 3 % (LABELS - 2)) as usize]);
    }
    found
}

fn shown_labels(labels: &[Uuid]) -> Option<String> {
    (!labels.is_empty()).then(|| serde_json::json!(labels).to_string())
}

/// What the row of a tenant's contact shows. `contacts`: all of the tenant; `place`: which of them it is.
pub(crate) fn shown(known: &Known, contacts: &[Contact], place: usize) -> Shown {
    let before = place.checked_sub(1).filter(|_| place % PEOPLE == 1);
    Shown {
        merged_into: before.map(|before| contacts[before].id),
        has_merged: place.is_multiple_of(PEOPLE) && place + 1 < contacts.len(),
        labels: shown_labels(&labels_of(contacts[place].number.into(), known)),
    }
}

/// Writes what is known of a tenant's contacts, in the order of the keys.
pub(crate) fn contacts(
    context: &mut Context<'_>,
    tenant: Uuid,
    known: &Known,
    contacts: &[Contact],
) -> Result<()> {
    let (mut labels, mut words) = (Vec::new(), Vec::new());
    for (place, contact) in contacts.iter().enumerate() {
        let number = u64::from(contact.number);
        labels.extend(labels_of(number, known).into_iter().map(|label| (label, contact.id)));
        for (attribute, kept) in known.attributes.iter().zip(0..context.plan.kept) {
            let (word, at) = (format!("value{}", (number + kept) % 997), contact.created_at);
            let value = format!("\"{word}\"");
            words.push((word, contact.id));
            let row = row![tenant, contact.id, *attribute, &value, at, "Anna Novak"];
            context.fill.put(Table::ContactAttributes, row)?;
        }
        for _ in 0..context.plan.kept {
            let (id, at) = (context.id(contact.created_at), contact.created_at);
            let word = format!("word{}", context.dice.roll(WORDS));
            let text = format!("Asked again: {word}");
            words.extend(["asked", "again", &word].map(|word| (word.to_owned(), contact.id)));
            let row = row![tenant, id, contact.id, &text, "Anna Novak", at];
            context.fill.put(Table::Notes, row)?;
        }
        merges(context, tenant, contacts, place)?;
    }
    labels.sort_unstable();
    for (label, contact) in labels {
        context.fill.put(Table::ContactLabels, row![tenant, label, contact])?;
    }
    words.sort_unstable();
    words.dedup();
    for (word, contact) in words {
        context.fill.put(Table::Words, row![tenant, word.as_bytes(), contact])?;
    }
    Ok(())
}

/// The reason for which a contact is seen as the one before it, and those that were taken back.
fn merges(context: &mut Context<'_>, tenant: Uuid, contacts: &[Contact], place: usize) -> Result<()> {
    let (Some(before), contact) = (place.checked_sub(1), &contacts[place]) else { return Ok(()) };
    let into = contacts[before].id;
    let active = place % PEOPLE == 1;
    for number in 0..context.plan.kept {
        let state = if active && number == 0 { "active" } else { "undone" };
        let (id, at) = (context.id(contact.created_at), contact.created_at);
        let decided = (state == "undone").then_some(at + 60_000);
        let row = row![tenant, id, contact.id, into, "person", state, "Anna Novak", at, decided];
        context.fill.put(Table::Merges, row)?;
    }
    Ok(())
}

/// Writes the labels of a conversation; returns what its row shows.
pub(crate) fn conversation(
    context: &mut Context<'_>,
    tenant: Uuid,
    known: &Known,
    one: &Conversation,
) -> Result<Option<String>> {
    let labels = labels_of(context.dice.roll(1_000_000), known);
    for label in &labels {
        context.fill.put(Table::ConversationLabels, row![tenant, *label, one.id])?;
    }
    Ok(shown_labels(&labels))
}
