//! Makes and parses the names of the socket's rooms.

use hub::SessionId;
use uuid::Uuid;

/// The feed of a tenant.
pub fn tenant(id: Uuid) -> String {
    format!("tenant:{id}")
}

/// The topic of the notices about a tenant's turns, for nodes with responders of it.
pub fn turns(tenant: Uuid) -> String {
    format!("turns:{tenant}")
}

/// The room of one person or program.
pub fn user(id: Uuid) -> String {
    format!("user:{id}")
}

/// The room of the sessions that have a conversation open.
pub fn conversation(id: Uuid) -> String {
    format!("conversation:{id}")
}

/// The room of those who watch a channel being paired.
pub fn pairing(channel: Uuid) -> String {
    format!("pairing:{channel}")
}

/// The room of one responder's connection: turns are sent as publications, which every client library supports.
pub fn responder(session: SessionId) -> String {
    format!("responder:{session}")
}

/// The tenant of a feed's room.
pub fn tenant_of(room: &str) -> Option<Uuid> {
    id_in_name(room, "tenant:")
}

pub fn conversation_of(room: &str) -> Option<Uuid> {
    id_in_name(room, "conversation:")
}

pub fn pairing_of(room: &str) -> Option<Uuid> {
    id_in_name(room, "pairing:")
}

/// The id at the end of a name, only in its canonical form: another spelling of the id would give one room a second
/// name.
pub fn id_in_name(name: &str, prefix: &str) -> Option<Uuid> {
    let text = name.strip_prefix(prefix)?;
    let id = Uuid::parse_str(text).ok()?;
    let mut form = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut form) == text).then_some(id)
}
