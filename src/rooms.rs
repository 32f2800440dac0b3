//! The names of the socket's rooms, made here and read here.

use hub::SessionId;
use uuid::Uuid;

/// A tenant's feed.
pub fn tenant(id: Uuid) -> String {
    format!("tenant:{id}")
}

/// A person's or a program's own.
pub fn user(id: Uuid) -> String {
    format!("user:{id}")
}

/// Those who look at a conversation.
pub fn conversation(id: Uuid) -> String {
    format!("conversation:{id}")
}

/// One responder's connection: turns come to it as publications, which every client library shows.
pub fn responder(session: SessionId) -> String {
    format!("responder:{session}")
}

/// The tenant whose feed a room is.
pub fn tenant_of(room: &str) -> Option<Uuid> {
    id_in_name(room, "tenant:")
}

pub fn conversation_of(room: &str) -> Option<Uuid> {
    id_in_name(room, "conversation:")
}

/// The id at the end of a name, in the one form in which names are made: another way to write the same id would be a
/// second name of the same thing.
pub fn id_in_name(name: &str, prefix: &str) -> Option<Uuid> {
    let text = name.strip_prefix(prefix)?;
    let id = Uuid::parse_str(text).ok()?;
    let mut form = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut form) == text).then_some(id)
}
