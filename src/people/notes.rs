//! Notes about a contact: written, changed and removed by people, never sent.

use uuid::Uuid;

use super::cards::{self, Card};
use super::group::{Person, seen};
use super::tell::tell;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{ContactNote, EventKind};
use crate::store::{Tx, Verb, contact_notes, contact_words};

/// Notes of one contact.
pub(super) const MOST: i64 = 100;
const MAX_TEXT: usize = 4_000;

/// Adds a note, changes one, or removes it.
pub struct NoteContact {
    pub scope: Scope,
    pub contact: Uuid,
    /// `None`: a new one.
    pub note: Option<Uuid>,
    /// `None`: it is removed.
    pub text: Option<String>,
}

impl Verb for NoteContact {
    type Out = Card;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        let tenant = self.scope.tenant();
        let person = seen(tx, &self.scope, self.contact).await?;
        let text = self.text.as_deref().map(str::trim);
        if text.is_some_and(|text| text.is_empty() || text.chars().count() > MAX_TEXT) {
            return Err(Error::invalid("text", format!("write 1 to {MAX_TEXT} characters")));
        }
        let noted = match (self.note, text) {
            (None, None) => return Err(Error::invalid("text", "write something")),
            (None, Some(text)) => {
                self.add(tx, &person, text).await?;
                person.contact.id
            }
            (Some(id), text) => {
                let found = contact_notes::load(tx, tenant, id).await?;
                let found = found.filter(|note| person.ids().contains(&note.contact));
                let mut note = found.ok_or(Error::NotFound("note"))?;
                match text {
                    None => contact_notes::remove(tx, tenant, id).await?,
                    Some(text) => {
                        text.clone_into(&mut note.text);
                        note.edited_at = Some(tx.now());
                        contact_notes::edit(tx, tenant, &note).await?;
                    }
                }
                note.contact
            }
        };
        // Of no other contact of the person: a contact's words are hundreds of rows, and a person has up to 50 contacts.
        contact_words::note(tx, tenant, noted).await?;
        tell(tx, tenant, self.contact, EventKind::ContactUpdated, None).await?;
        cards::of(tx, &self.scope, self.contact).await
    }
}

impl NoteContact {
    async fn add(&self, tx: &mut Tx<'_>, person: &Person, text: &str) -> Result<(), Error> {
        let (tenant, contact) = (self.scope.tenant(), person.contact.id);
        if contact_notes::list(tx, tenant, &[contact], MOST).await?.len() as i64 == MOST {
            let detail = format!("a contact has at most {MOST} notes: remove one first");
            return Err(Error::conflict("too_many_notes", detail));
        }
        let actor = self.scope.actor();
        let note = ContactNote {
            id: tx.new_id(),
            contact,
            text: text.to_owned(),
            author: actor.user(),
            author_name: actor.name.clone(),
            created_at: tx.now(),
            edited_at: None,
        };
        Ok(contact_notes::insert(tx, tenant, &note).await?)
    }
}
