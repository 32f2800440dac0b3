//! The names of rooms. Each thing has one name: another way to write an id would be a second room for the same thing.

use uuid::Uuid;

/// The room of a tenant's feed.
pub(crate) fn of_tenant(tenant: Uuid) -> String {
    format!("tenant:{tenant}")
}

/// The id at the end of a name that begins with `prefix`, in the one form in which names are made.
pub(crate) fn id_in_name(room: &str, prefix: &str) -> Option<Uuid> {
    let text = room.strip_prefix(prefix)?;
    let id = Uuid::parse_str(text).ok()?;
    let mut form = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut form) == text).then_some(id)
}
