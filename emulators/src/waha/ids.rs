//! Message ids of WhatsApp, in the bare form and in WAHA's full form.

use std::fmt::Write;

/// A new id in WhatsApp's form: unique, and different in every run.
pub(super) fn new_bare_id() -> String {
    let mut bytes = [0; 9];
    // Without randomness the ids repeat, which the tests that count messages detect.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().fold("3EB0".to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02X}");
        id
    })
}

pub(super) fn message_id(from_me: bool, chat: &str, bare: &str, participant: Option<&str>) -> String {
    match participant {
        Some(participant) => format!("{from_me}_{chat}_{bare}_{participant}"),
        None => format!("{from_me}_{chat}_{bare}"),
    }
}

/// The bare part of a full id, or a bare id itself.
pub(super) fn bare(id: &str) -> &str {
    id.split('_').nth(2).unwrap_or(id)
}
