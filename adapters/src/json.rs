//! Lenient reading of foreign JSON: what is missing, of another type or out of range is `None`, never an error, so that
//! one bad member cannot lose its neighbours. Ids never go through floating point.

use serde_json::Value;

use crate::{NotJson, bounds::MAX_ID_BYTES, tree};

/// The body as JSON. U+0000, which databases refuse, is left out wherever it stands: in texts, ids, names of members,
/// what is passed on unread. Half a surrogate pair, which JavaScript writes without a second thought, becomes U+FFFD
/// instead of losing the whole body. Nesting is bounded by the parser (128), the number of values by [`tree`].
pub(crate) fn document(body: &[u8]) -> Result<Value, NotJson> {
    let without = has_nul(body).then(|| mend(body)).flatten();
    let body = without.as_deref().unwrap_or(body);
    tree::read(body).or_else(|error| {
        mend(body).and_then(|mended| tree::read(&mended).ok()).ok_or_else(|| NotJson(error.to_string()))
    })
}

const NUL: &str = "\\u0000";

/// The search of texts takes a tenth of what comparing at each byte does.
fn has_nul(body: &[u8]) -> bool {
    std::str::from_utf8(body).map_or_else(
        |_| body.windows(NUL.len()).any(|bytes| bytes == NUL.as_bytes()),
        |body| body.contains(NUL),
    )
}

/// A copy with every `\u0000` left out and every lone `\uD800`–`\uDFFF` replaced; `None` when there is neither.
fn mend(body: &[u8]) -> Option<Vec<u8>> {
    let escape = |at: usize| {
        let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        // Not `from_str_radix` alone: it would take a sign.
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        is_hex.then(|| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten()
    };
    let mut mended = Vec::with_capacity(body.len());
    let mut changed = false;
    let mut at = 0;
    while at < body.len() {
        let (length, instead): (usize, Option<&[u8]>) = match (body[at] == b'\\').then(|| escape(at)) {
            None => (1, None),
            Some(Some(0)) => (6, Some(b"")),
            Some(Some(0xd800..=0xdbff)) if matches!(escape(at + 6), Some(0xdc00..=0xdfff)) => (12, None),
            Some(Some(0xd800..=0xdfff)) => (6, Some(b"\\ufffd")),
            Some(Some(_)) => (6, None),
            Some(None) => (2, None),
        };
        let end = (at + length).min(body.len());
        mended.extend_from_slice(instead.unwrap_or(&body[at..end]));
        changed |= instead.is_some();
        at = end;
    }
    changed.then_some(mended)
}

/// A member that is an object.
pub(crate) fn object<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|member| member.is_object())
}

/// The elements of a member that is an array, else none.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn integer(value: &Value, name: &str) -> Option<i64> {
    value.get(name)?.as_i64()
}

pub(crate) fn unsigned(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

/// A finite number, or text that holds one.
pub(crate) fn number(value: &Value, name: &str) -> Option<f64> {
    let number = match value.get(name)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// Text; empty is `None`.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// An id as text, or `None` where it is longer than any provider's: what is found by it would be malformed, and a body
/// that repeats it would grow.
pub(crate) fn key(value: &Value, name: &str) -> Option<String> {
    value.get(name).filter(|member| member.is_string()).and_then(id)
}

/// An id: text, or an integer.
pub(crate) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.len() > MAX_ID_BYTES => None,
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A flag, which some versions of some providers write as 0 and 1.
pub(crate) fn flag(value: &Value, name: &str) -> Option<bool> {
    let member = value.get(name)?;
    member.as_bool().or_else(|| match member.as_i64() {
        Some(0) => Some(false),
        Some(1) => Some(true),
        _ => None,
    })
}

/// A time in Unix milliseconds from an integer, a float or decimal text, in seconds or (from 1e11 on) milliseconds.
/// Outside 2009–2100 it is unknown.
pub(crate) fn millis(value: &Value, name: &str) -> Option<i64> {
    const FROM: f64 = 1_230_768_000_000.0;
    const UNTIL: f64 = 4_133_980_800_000.0;
    let number = number(value, name)?;
    let millis = if number.abs() >= 1e11 { number } else { number * 1000.0 }.round();
    (FROM..UNTIL).contains(&millis).then_some(millis as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_come_in_every_spelling() {
        let read = |value: Value| millis(&json!({ "t": value }), "t");
        assert_eq!(read(json!(1_794_312_000)), Some(1_794_312_000_000));
        assert_eq!(read(json!(1_794_312_060.853)), Some(1_794_312_060_853));
        assert_eq!(read(json!(1_794_312_000_317_i64)), Some(1_794_312_000_317));
        assert_eq!(read(json!("1794312000")), Some(1_794_312_000_000));
        assert_eq!(read(json!("1794312000.5")), Some(1_794_312_000_500));
        for absurd in
            [json!(0), json!(-1), json!(1e300), json!("soon"), json!("inf"), json!("NaN"), json!([1])]
        {
            assert_eq!(read(absurd), None);
        }
    }

    #[test]
    fn long_ids_keep_their_digits() {
        assert_eq!(id(&json!(12_345_678_901_234_567_u64)).as_deref(), Some("12345678901234567"));
        assert_eq!(id(&json!(1.5)), None);
        assert_eq!(id(&json!("")), None);
        assert_eq!(id(&json!("x".repeat(MAX_ID_BYTES + 1))), None);
        assert_eq!(key(&json!({"a": 1, "b": "x"}), "a"), None);
        assert_eq!(key(&json!({"a": 1, "b": "x"}), "b").as_deref(), Some("x"));
    }

    #[test]
    fn a_lone_surrogate_costs_one_character_and_not_the_body() {
        let body = br#"{"a":"x\ud83dy","b":"\ud83d\udc4d","c":"\\ud83d","d":"\udc4d"}"#;
        let value = document(body).unwrap();
        assert_eq!(value, json!({"a": "x\u{fffd}y", "b": "👍", "c": "\\ud83d", "d": "\u{fffd}"}));
        assert!(document(b"{\"a\":\"\\ud83d").is_err());
        assert!(document(b"\\ud8").is_err());
    }

    #[test]
    fn no_database_refuses_what_a_body_holds() {
        let body = br#"{"a\u0000":"\u0000x\u0000","b":"\\u0000","c":[{"d":"\u0000"}],"e":"\u0000\ud83d\u0000\udc4d","f":"\\\u0000"}"#;
        let value = document(body).unwrap();
        let right = json!({"a": "x", "b": "\\u0000", "c": [{"d": ""}], "e": "\u{fffd}\u{fffd}", "f": "\\"});
        assert_eq!(value, right);
        assert!(document(b"{\"a\":\"\\u0000").is_err() && document(b"\\u+000\\u0000").is_err());
    }
}
