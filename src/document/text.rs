//! Characters permitted in text. U+0000 is refused everywhere, because PostgreSQL cannot store it. Of the other
//! control characters, all but line breaks and tabs are removed from messages, and single-line fields may have none.
//! Bidirectional marks and joiners stay: right-to-left scripts and emoji need them.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The path of the first key or string with U+0000 in a JSON document; `None` for invalid JSON, which the parser
/// reports.
pub(super) fn nul(json: &[u8]) -> Option<String> {
    const ESCAPE: &[u8] = b"\\u0000";
    // The escape is rare, so that most documents cost only a search through their bytes.
    if !json.windows(ESCAPE.len()).any(|bytes| bytes == ESCAPE) {
        return None;
    }
    let mut search = Search { path: Vec::new(), found: None };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let _ = (&mut search).deserialize(&mut reader);
    search.found
}

struct Search {
    path: Vec<String>,
    found: Option<String>,
}

impl Search {
    /// Stops the parser by an error when it finds U+0000.
    fn look<E: de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            self.found = Some(self.path.join("."));
            return Err(E::custom("found"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Search {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Search {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.look(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            self.path.push(key.replace('\0', "\u{fffd}"));
            self.look::<A::Error>(&key)?;
            members.next_value_seed(&mut *self)?;
            self.path.pop();
        }
        Ok(())
    }
}

/// Normalises text of a person or a model for storage and sending: all line breaks become `\n`.
fn clean(text: String) -> String {
    let is_kept = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_kept) {
        return text;
    }
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| is_kept(*c)).collect()
}

fn one_line<E: de::Error>(text: String) -> Result<String, E> {
    if text.chars().any(|c| c.is_control() || turns(c)) {
        return Err(E::custom("must be on one line, without control characters"));
    }
    Ok(text)
}

/// Whether the character reverses the display order of what follows: `invoice\u{202e}fdp.exe` looks like a PDF.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// For `deserialize_with`: see [`clean`].
pub fn written<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(clean)
}

/// The same for what may be absent; needs `default` beside it.
pub fn opt_written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(clean))
}

/// For `deserialize_with`: single-line text such as names, ids and addresses.
pub fn line<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).and_then(one_line)
}

/// The same for what may be absent; needs `default` beside it.
pub fn opt_line<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(from)?.map(one_line).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_keeps_its_lines_and_its_emoji() {
        let family =
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{202b}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{202c}\ta\nb";
        assert_eq!(clean(family.into()), family);
        assert_eq!(clean("a\r\nb\rc\u{7}\u{1b}[31m\u{7f}\u{9b}d".into()), "a\nb\nc[31md");
    }

    #[test]
    fn a_name_shows_what_it_is() {
        let refused = |text: &str| one_line::<serde_json::Error>(text.to_owned()).is_err();
        for name in ["invoice\u{202e}fdp.exe", "a\u{2066}b", "a\u{202a}b", "a\nb", "a\u{7f}"] {
            assert!(refused(name), "{name:?}");
        }
        for name in [
            "invoice.pdf",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}.pdf",
            "\u{1f468}\u{200d}\u{1f469}.png",
            "a\u{200f}.pdf",
        ] {
            assert!(!refused(name), "{name:?}");
        }
    }
}
