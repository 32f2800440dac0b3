//! People: contacts that are one person, by hand or by proof, and back again. What a contact is seen as is a mapping: nothing
//! of a contact moves when it is merged, so that undoing a merge restores what was there.
//!
//! Says nothing about conversations and turns; who blocks a person ends its turns in `inbox/block.rs`.

mod attributes;
mod cards;
mod group;
mod labels;
mod merge;
mod notes;
mod proof;
mod roots;
mod tell;

pub use crate::search::phone;
pub use attributes::{ListAttributes, PutAttribute, SetAttributes};
pub use cards::{Card, CardConversation, CardIdentity, GetCard, of as card};
pub use group::{MOST, Person, person, seen};
pub use labels::{LabelContact, LabelConversation, ListLabels, PutLabel, RemoveLabel};
pub use merge::{Merge, Split};
pub use notes::NoteContact;
pub use proof::{Told, is_of_another, same};
pub use tell::tell;

use crate::error::Error;

/// The name of a label or an attribute, of at most so many characters.
fn name(given: &str, most: usize) -> Result<String, Error> {
    let name = given.trim();
    if name.is_empty() || name.chars().count() > most {
        return Err(Error::invalid("name", format!("give 1 to {most} characters")));
    }
    Ok(name.to_owned())
}
