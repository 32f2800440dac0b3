//! Parses JSON documents of callers, over HTTP and the socket: into a struct, or into an error with the invalid field
//! and what to do. Text that a database cannot store is refused here, before a verb begins, so that both engines
//! behave the same.

mod about;
mod place;
mod text;

use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use text::{line, opt_line, opt_written, written};

use place::{field_at, quoted};

/// A refused document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The path of keys (`settings.quiet_ms`), if the error is about one field; it has no array indexes.
    pub field: Option<String>,
    /// What is wrong, for people.
    pub problem: String,
    /// The document is not JSON, as opposed to JSON with invalid content.
    pub not_json: bool,
}

impl Refused {
    fn field(field: Option<String>, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into(), not_json: false }
    }

    /// The problem on one line, after the field.
    pub fn text(&self) -> String {
        match &self.field {
            Some(field) => format!("{field}: {}", self.problem),
            None => self.problem.clone(),
        }
    }
}

/// Parses a document. Costs one more pass over its bytes, and one over its values only if it may contain U+0000.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refused> {
    without_nul(json)?;
    serde_json::from_slice(json).map_err(|error| refused(json, &error))
}

/// As [`read`], with the id of one `thing` as an additional field under the thing's name. With `lenient`, unknown
/// fields are ignored.
pub fn read_about<T: DeserializeOwned>(
    json: &[u8],
    thing: &'static str,
    lenient: bool,
) -> Result<(Uuid, T), Refused> {
    without_nul(json)?;
    about::read(json, thing, lenient).map_err(|error| refused(json, &error))
}

fn without_nul(json: &[u8]) -> Result<(), Refused> {
    if let Some(field) = text::nul(json) {
        let field = Some(field).filter(|field| !field.is_empty());
        return Err(Refused::field(
            field,
            "holds the character U+0000, which cannot be stored: leave it out",
        ));
    }
    Ok(())
}

fn refused(json: &[u8], error: &serde_json::Error) -> Refused {
    let text = error.to_string();
    let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
    let inside = || field_at(json, error.line(), error.column());
    // The parser's messages; a raw line break or half an emoji in a text is the most frequent mistake.
    if why.contains("surrogate") || why.contains("hex escape") {
        let problem = "holds half of a surrogate pair (\\ud800 to \\udfff alone): send the whole character";
        return Refused::field(inside(), problem);
    }
    if why.contains("control character") {
        let problem = "holds a raw control character: write it as an escape (\\n), or leave it out";
        return Refused::field(inside(), problem);
    }
    if why.contains("number out of range") {
        return Refused::field(inside(), "is a number that is too large");
    }
    if !error.is_data() {
        return Refused { field: None, problem: format!("the body is not JSON: {text}"), not_json: true };
    }
    // The message names a missing or unknown field; it belongs to the object in which parsing stopped.
    let named =
        (why.starts_with("missing field") || why.starts_with("unknown field")).then(|| quoted(why)).flatten();
    let field = match (inside(), named) {
        (Some(outer), Some(inner)) if !outer.ends_with(&inner) => Some(format!("{outer}.{inner}")),
        (Some(outer), _) => Some(outer),
        (None, inner) => inner,
    };
    Refused::field(field, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Outer {
        name: String,
        settings: Option<Inner>,
        list: Option<Vec<Inner>>,
        data: Option<serde_json::Value>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Inner {
        quiet_ms: i64,
    }

    fn refused(text: &str) -> Refused {
        read::<Outer>(text.as_bytes()).expect_err(text)
    }

    fn field(text: &str) -> String {
        refused(text).field.unwrap_or_else(|| panic!("{text} is refused without a field"))
    }

    #[test]
    fn the_wrong_field_is_named() {
        assert_eq!(field("{}"), "name");
        assert_eq!(field(r#"{"nam": 1}"#), "nam");
        assert_eq!(field(r#"{"name": "x", "nam": 1}"#), "nam");
        assert_eq!(field(r#"{"settings": {"quiet_ms": 1, "slow": 2}}"#), "settings.slow");
        assert_eq!(field(r#"{"name": "x", "settings": {}}"#), "settings.quiet_ms");
        assert_eq!(field(r#"{"name": 1}"#), "name");
        assert_eq!(field("{\"name\": \"x\",\n \"settings\": {\"quiet_ms\": \"4\"}}"), "settings.quiet_ms");
        assert_eq!(field(r#"{"name": "x", "list": [{"quiet_ms": 1}, {"quiet_ms": true}]}"#), "list.quiet_ms");
        assert_eq!(field(r#"{"name": "a\"b:c", "settings": {"slow": 1}}"#), "settings.slow");
        assert!(refused("{\"name\"").not_json);
        assert!(read::<Outer>(br#"{"name": "x"}"#).is_ok());
    }

    #[test]
    fn what_no_database_keeps_is_refused_by_its_field() {
        for (text, field) in [
            (r#"{"name": "a\u0000b"}"#, "name"),
            (r#"{"name": "x", "data": {"deep": [1, {"er": ["\u0000"]}]}}"#, "data.deep.er"),
            (r#"{"name": "x", "data": {"a\u0000": 1}}"#, "data.a\u{fffd}"),
            (r#"{"name": "x", "\u0000": 1}"#, "\u{fffd}"),
            (r#"{"name": "x", "data": {"y": "\\\u0000"}}"#, "data.y"),
        ] {
            let refused = refused(text);
            assert_eq!(refused.field.as_deref(), Some(field), "{text}");
            assert!(refused.problem.contains("U+0000"), "{refused:?}");
        }
        // An escaped backslash followed by `u0000` is plain text.
        assert!(read::<Outer>(br#"{"name": "\\u0000"}"#).is_ok());
    }

    #[test]
    fn half_characters_and_absurd_numbers_are_refused_by_their_field() {
        for (text, expected) in [
            (r#"{"name": "x\ud83d"}"#, "name"),
            (r#"{"name": "\udc4dx"}"#, "name"),
            (r#"{"name": "\ud83d\ud83d"}"#, "name"),
            ("{\"name\": \"a\u{1}b\"}", "name"),
            (r#"{"name": "x", "settings": {"quiet_ms": 9223372036854775808}}"#, "settings.quiet_ms"),
            (r#"{"name": "x", "settings": {"quiet_ms": 1e999}}"#, "settings.quiet_ms"),
            (r#"{"name": "x", "settings": {"quiet_ms": 1.5}}"#, "settings.quiet_ms"),
        ] {
            let refused = refused(text);
            assert_eq!(refused.field.as_deref(), Some(expected), "{text}: {refused:?}");
        }
        assert!(refused(r#"{"name": "x", "settings": {"quiet_ms": NaN}}"#).not_json);
    }

    #[test]
    fn any_bytes_are_survived() {
        proptest::proptest!(|(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60))| {
            let _ = read::<Outer>(&bytes);
        });
    }
}
