//! Writes JSON objects field by field, with zero values left out as in proto3, except those that clients read without a
//! default. Embedded JSON is copied; raw newlines in it, which would break the framing, become spaces.

use std::borrow::Cow;

use crate::data::Data;

pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        ObjectWriter { out, empty: true }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Writes the name; the caller writes the value.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        string(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn object(&mut self, name: &str) -> ObjectWriter<'_> {
        ObjectWriter::begin(self.key(name))
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text_or_empty(name, value);
        }
    }

    /// For fields that must be there even if empty: entries of a map, and those that clients read without a default.
    pub(crate) fn text_or_empty(&mut self, name: &str, value: &str) {
        string(self.key(name), value);
    }

    pub(crate) fn number(&mut self, name: &str, value: impl Into<i128>) {
        let value: i128 = value.into();
        if value != 0 {
            self.number_or_zero(name, value);
        }
    }

    pub(crate) fn number_or_zero(&mut self, name: &str, value: impl Into<i128>) {
        let value: i128 = value.into();
        self.key(name).extend_from_slice(value.to_string().as_bytes());
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.key(name).extend_from_slice(b"true");
        }
    }

    /// As one JSON value on one line.
    pub(crate) fn data(&mut self, name: &str, data: Option<&Data>) {
        if let Some(data) = data {
            self.key(name).extend_from_slice(&one_line(data.json_text().as_bytes()));
        }
    }
}

fn string(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("a string into memory has nothing that fails");
}

/// In valid JSON a raw line break can only be between tokens, where a space means the same.
fn one_line(json: &[u8]) -> Cow<'_, [u8]> {
    if json.iter().any(|b| matches!(b, b'\n' | b'\r')) {
        json.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }).collect::<Vec<_>>().into()
    } else {
        json.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_newlines_never_reach_the_wire() {
        let mut out = Vec::new();
        let mut object = ObjectWriter::begin(&mut out);
        object.data("data", Some(&"{\n  \"a\": [1,\r\n 2]\n}\n".into()));
        object.end();
        assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value, serde_json::json!({"data": {"a": [1, 2]}}));
    }

    #[test]
    fn zero_values_are_left_out_and_strings_escaped() {
        let mut out = Vec::new();
        let mut object = ObjectWriter::begin(&mut out);
        object.text("a", "");
        object.number("b", 0);
        object.flag("c", false);
        object.data("d", None);
        object.text("e", "q\"\n");
        object.number("f", u64::MAX);
        object.end();
        assert_eq!(out, br#"{"e":"q\"\n","f":18446744073709551615}"#);
    }
}
