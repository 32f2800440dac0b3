//! Data of the application as the engine carries it: any bytes. A session in Protobuf gets them as they are. A session in
//! JSON gets one JSON value: the data if it is one, `null` for no bytes at all, and `{"b64data":"…"}` (Base64, with
//! padding) for anything else, JSON among it that is nested deeper than readers' parsers go. Whether it is JSON is found
//! out once, when the data enters.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Levels of nested arrays and objects. Many parsers end at 128 and then refuse the whole frame, with what others have
/// published; replies and pushes add a few levels around the data.
const MAX_DEPTH: usize = 100;

/// Any bytes, cheap to clone; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    bytes: Bytes,
    /// The bytes are one JSON value of at most [`MAX_DEPTH`] levels, perhaps with space around it.
    is_json: bool,
}

impl Data {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// The JSON value, `null` if there are no bytes; `None` if it is not JSON.
    pub fn json(&self) -> Option<&RawValue> {
        if self.bytes.is_empty() {
            return Some(RawValue::NULL);
        }
        self.is_json.then(|| serde_json::from_slice(&self.bytes).ok()).flatten()
    }

    /// Bytes of which it is known whether they are JSON: of another node, which has found it out.
    pub(crate) fn found_to_be(bytes: Bytes, is_json: bool) -> Self {
        Data { bytes, is_json }
    }

    /// The bytes themselves, not copied.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// A copy, for bytes that are a part of something longer: a slice of it would keep the whole in memory.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }

    /// As one JSON value in text, which may have line breaks in it.
    pub(crate) fn json_text(&self) -> Cow<'_, str> {
        if self.bytes.is_empty() {
            return "null".into();
        }
        if self.is_json {
            // JSON is UTF-8, so nothing is replaced or copied.
            return String::from_utf8_lossy(&self.bytes);
        }
        format!("{{\"b64data\":\"{}\"}}", BASE64_STANDARD.encode(&self.bytes)).into()
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        let is_json = serde_json::from_slice::<&RawValue>(&bytes).is_ok() && is_shallow(&bytes);
        Data { bytes, is_json }
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Data {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<Box<RawValue>> for Data {
    fn from(value: Box<RawValue>) -> Self {
        let is_json = is_shallow(value.get().as_bytes());
        Data { bytes: Box::<str>::from(value).into_boxed_bytes().into(), is_json }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(from).map(Data::from)
    }
}

/// Whether a JSON value has at most [`MAX_DEPTH`] levels.
fn is_shallow(json: &[u8]) -> bool {
    // Short of that many brackets nothing needs to be looked at.
    if json.len() <= 2 * MAX_DEPTH {
        return true;
    }
    let (mut depth, mut in_text, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b']' | b'}' if !in_text => depth -= 1,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_nested_too_deep_for_parsers_is_other_bytes() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for (text, is_json) in [
            (nested(MAX_DEPTH), true),
            (nested(MAX_DEPTH + 1), false),
            (nested(50_000), false),
            (objects(MAX_DEPTH), true),
            (objects(MAX_DEPTH + 1), false),
            (format!("[{}]", "[],".repeat(500) + "{}"), true),
            (format!("\"{}\"", "[".repeat(500)), true),
            (format!(r#"["\\", "{}\"[", {}]"#, "{".repeat(300), nested(20)), true),
            (format!(r#"["\\", {}]"#, nested(MAX_DEPTH)), false),
        ] {
            assert_eq!(Data::from(text.clone()).is_json(), is_json, "{text:.80}");
            let raw = RawValue::from_string(text.clone()).unwrap();
            let data = Data::from(raw);
            assert_eq!(data.is_json(), is_json, "{text:.80}");
            assert!(serde_json::from_str::<serde_json::Value>(&data.json_text()).is_ok(), "{text:.80}");
        }
    }

    #[test]
    fn what_is_not_json_has_a_form_in_json() {
        let forms: [(&'static [u8], bool, &str); 6] = [
            (b"{\"a\": 1}", true, "{\"a\": 1}"),
            (b" [1,\n2]\n", true, " [1,\n2]\n"),
            (b"", false, "null"),
            (b"{", false, "{\"b64data\":\"ew==\"}"),
            (b"{} {}", false, "{\"b64data\":\"e30ge30=\"}"),
            (b"\x00\xff\n", false, "{\"b64data\":\"AP8K\"}"),
        ];
        for (bytes, is_json, text) in forms {
            let data = Data::from(Bytes::from_static(bytes));
            assert_eq!((data.is_json(), &*data.json_text(), data.as_bytes()), (is_json, text, bytes));
            assert_eq!(data.json().is_some(), is_json || bytes.is_empty());
        }
        assert_eq!(Data::from(" {} ").json().unwrap().get(), "{}");
    }
}
