//! A person: contacts that are one, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Contact, text_enum};

text_enum!(
    /// What says that two contacts are one person.
    MergeKind {
        /// A person of the business.
        Person = "person",
        /// The provider, which told a number and a hidden id together.
        HiddenId = "hidden_id",
        /// The provider, which gave the chat another id.
        ChatMoved = "chat_moved",
    }
);

text_enum!(MergeState {
    Active = "active",
    Undone = "undone",
    /// What was told contradicts what was known: a person has to decide.
    Asked = "asked",
    /// A person decided that they are two.
    Refused = "refused",
});

/// A reason for which two contacts are one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Merge {
    pub id: Uuid,
    pub contact: Uuid,
    pub into: Uuid,
    pub kind: MergeKind,
    pub state: MergeState,
    /// Who did it, if a person did.
    pub author: Option<String>,
    /// The proof: the channel, the ids that are one person's, and the message that told it.
    pub channel: Option<Uuid>,
    pub ids: Vec<String>,
    pub message: Option<Uuid>,
    pub conversation: Option<Uuid>,
    pub created_at: i64,
    /// When it was undone, refused or confirmed, and by whom.
    pub decided_at: Option<i64>,
    pub decided_by: Option<String>,
}

/// A change of a person, as an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonChange {
    /// As it is seen now.
    pub contact: Contact,
    /// All contacts that are this person now, `contact` the first. After a split there is an event for each person.
    pub members: Vec<Uuid>,
    /// What made or undid it.
    pub merge: Option<Merge>,
}
