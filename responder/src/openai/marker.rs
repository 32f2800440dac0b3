//! Finds the marker with which a model hands over to a person, in text that arrives in pieces, and holds back a
//! possible beginning of it.

const MARKER: &str = "[handoff]";

#[derive(Default)]
pub(super) struct Marker {
    text: String,
    /// Bytes of the text that were returned.
    shown: usize,
    found: Option<usize>,
    chars: usize,
}

impl Marker {
    /// Adds a piece; returns the text that can be shown now.
    pub(super) fn push(&mut self, piece: &str) -> String {
        self.chars += piece.chars().count();
        self.text.push_str(piece);
        if self.found.is_some() {
            return String::new();
        }
        // Lower-casing ASCII keeps byte positions.
        let tail = self.text[self.shown..].to_ascii_lowercase();
        let until = match tail.find(MARKER) {
            Some(at) => {
                self.found = Some(self.shown + at);
                at
            }
            None => tail.len() - held_back(&tail),
        };
        let shown = self.text[self.shown..self.shown + until].to_owned();
        self.shown += until;
        shown
    }

    pub(super) fn chars(&self) -> usize {
        self.chars
    }

    /// The whole text, and the reason if there was a marker.
    pub(super) fn end(self) -> (String, Option<String>) {
        let Some(at) = self.found else { return (self.text.trim().to_owned(), None) };
        let reason =
            self.text[at + MARKER.len()..].trim_matches(|c: char| c.is_whitespace() || c == ':').trim();
        let reason = if reason.is_empty() { "the model asks for a person" } else { reason };
        (self.text[..at].trim().to_owned(), Some(reason.to_owned()))
    }
}

/// Length of the suffix that could become the marker.
fn held_back(text: &str) -> usize {
    (1..MARKER.len()).rev().find(|length| text.ends_with(&MARKER[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(pieces: &[&str]) -> (String, String, Option<String>) {
        let mut marker = Marker::default();
        let shown = pieces.iter().map(|piece| marker.push(piece)).collect();
        let (text, reason) = marker.end();
        (shown, text, reason)
    }

    #[test]
    fn a_person_is_called_with_a_reason() {
        let (shown, _, reason) = said(&["[", "Hand", "off] ", "wants a ", "refund"]);
        assert_eq!((shown.as_str(), reason.as_deref()), ("", Some("wants a refund")));
        let (shown, text, reason) = said(&["One moment. [han", "doff]"]);
        assert_eq!((shown.as_str(), text.as_str()), ("One moment. ", "One moment."));
        assert!(reason.is_some_and(|reason| !reason.is_empty()));
    }

    #[test]
    fn what_only_begins_alike_is_shown() {
        assert_eq!(said(&["see [ha", "t] é", "["]), ("see [hat] é".into(), "see [hat] é[".into(), None));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_marker_is_shown(pieces in proptest::collection::vec("[\\[\\]hHandofé ]{0,6}", 0..12)) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (shown, text, reason) = said(&pieces);
            let whole = pieces.concat();
            prop_assert!(whole.starts_with(&shown));
            prop_assert!(!shown.to_ascii_lowercase().contains(MARKER));
            prop_assert_eq!(reason.is_some(), whole.to_ascii_lowercase().contains(MARKER));
            if reason.is_none() {
                prop_assert_eq!(text, whole.trim());
            }
        }
    }
}
