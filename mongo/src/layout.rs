//! Where a message is kept. A document has the messages of [`SPAN`] consecutive numbers of one conversation, so a message's
//! place follows from its number: nothing is counted, split or moved, and writers need not agree on anything. A message over
//! [`LARGE`] has a document of its own, and a stub in the other one: so a document stays under 256 KiB whatever is written.

use uuid::Uuid;

/// Messages of one document.
pub const SPAN: i64 = 64;
/// Bytes from which on a message has a document of its own.
pub const LARGE: usize = 3_840;

/// The state of a message as of a place of the feed. Cursors count within an epoch: a feed that lost its end counts anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub epoch: String,
    pub cursor: i64,
}

impl Version {
    /// Whether it replaces what is stored. Another epoch always does: its cursors cannot be compared, and only the feed that
    /// holds is followed.
    pub fn replaces(&self, stored: &Self) -> bool {
        self.epoch != stored.epoch || self.cursor > stored.cursor
    }
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub conversation: Uuid,
    pub contact: Uuid,
    pub seq: i64,
    pub version: Version,
    /// When it was written, Unix milliseconds: it is kept from then on.
    pub at: i64,
    /// JSON, an object.
    pub body: String,
    /// It is new, and was never longer.
    pub is_new: bool,
}

/// The document of a number, which begins with 1.
pub const fn bucket_of(seq: i64) -> i64 {
    (seq - 1).div_euclid(SPAN)
}

pub const fn is_large(body: &str) -> bool {
    body.len() > LARGE
}

/// The key of a document: tenant, conversation, number. Keys of one length are ordered by their bytes, so that a tenant's
/// documents are neighbours, and a conversation's are in their order.
pub fn key(tenant: Uuid, conversation: Uuid, number: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(40);
    key.extend_from_slice(tenant.as_bytes());
    key.extend_from_slice(conversation.as_bytes());
    key.extend_from_slice(&number.max(0).to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_document_is_bounded_in_messages_and_bytes() {
        assert_eq!((bucket_of(1), bucket_of(SPAN), bucket_of(SPAN + 1)), (0, 0, 1));
        // What else an entry takes: its names, its version, an epoch of up to 64 bytes.
        let entry = LARGE + 160;
        assert!(entry * (SPAN as usize) < 256 * 1024 && SPAN <= 100);
    }

    #[test]
    fn a_later_cursor_replaces_an_earlier_one_and_another_epoch_any() {
        let at = |epoch: &str, cursor| Version { epoch: epoch.into(), cursor };
        assert!(at("a", 2).replaces(&at("a", 1)));
        assert!(!at("a", 1).replaces(&at("a", 1)) && !at("a", 1).replaces(&at("a", 2)));
        assert!(at("b", 1).replaces(&at("a", 2)));
    }

    proptest! {
        #[test]
        fn keys_are_ordered_as_what_they_are_of(a: (u128, u128, u32), b: (u128, u128, u32)) {
            let of = |(tenant, conversation, number): (u128, u128, u32)| {
                key(Uuid::from_u128(tenant), Uuid::from_u128(conversation), i64::from(number))
            };
            prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(&b));
        }
    }
}
