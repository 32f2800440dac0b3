//! Encoded words (RFC 2047) that mail programs cut in the middle of a character: neighbours of one charset become one
//! word, which can be decoded. Everything else of such words is the library's.

use std::borrow::Cow;

use mail_parser::decoders::quoted_printable::quoted_printable_decode;

use super::base64::decode;

struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
    /// Behind it.
    end: usize,
}

/// The same value with neighbouring words of one charset in one. Costs nothing where there are no two.
pub(super) fn joined(value: &str) -> Cow<'_, str> {
    if value.matches("=?").nth(1).is_none() {
        return Cow::Borrowed(value);
    }
    let (mut joined, mut at, mut changed) = (String::with_capacity(value.len()), 0, false);
    while let Some(start) = value[at..].find("=?").map(|found| at + found) {
        joined.push_str(&value[at..start]);
        let Some(mut word) = word(value, start) else {
            joined.push_str("=?");
            at = start + 2;
            continue;
        };
        let first_end = word.end;
        while let Some(next) = following(value, &word) {
            word.bytes.extend(next.bytes);
            word.end = next.end;
        }
        if word.end == first_end {
            joined.push_str(&value[start..first_end]);
        } else {
            changed = true;
            let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &word.bytes);
            for part in ["=?", word.charset, "?B?", &text, "?="] {
                joined.push_str(part);
            }
        }
        at = word.end;
    }
    joined.push_str(&value[at..]);
    if changed { Cow::Owned(joined) } else { Cow::Borrowed(value) }
}

/// The next word, if nothing but blanks stands between and the charset is the same.
fn following<'a>(value: &'a str, before: &Word<'_>) -> Option<Word<'a>> {
    let rest = &value[before.end..];
    let start = before.end + (rest.len() - rest.trim_start().len());
    let next = word(value, start)?;
    next.charset.eq_ignore_ascii_case(before.charset).then_some(next)
}

fn word(value: &str, start: usize) -> Option<Word<'_>> {
    let (charset, rest) = value[start..].strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (text, _) = rest.split_once("?=")?;
    // A language may follow the charset (RFC 2231, 5).
    let label = charset.split('*').next().unwrap_or_default();
    if label.is_empty() || charset.len() > 60 || !charset.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => decode(text)?,
        "Q" | "q" => quoted_printable_decode(text.replace('_', " ").as_bytes())?,
        _ => return None,
    };
    let end = start + 2 + charset.len() + 1 + encoding.len() + 1 + text.len() + 2;
    Some(Word { charset: label, bytes, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_charset_become_one_word() {
        // "é" is cut between its two bytes.
        assert_eq!(joined("=?utf-8?B?Y2Fmww==?= =?UTF-8?B?qSE=?="), "=?utf-8?B?Y2Fmw6kh?=");
        assert_eq!(joined("a =?UTF-8?Q?caf=C3?=\t=?utf-8?B?qSE=?= b"), "a =?UTF-8?B?Y2Fmw6kh?= b");
        for plain in
            ["", "=?", "=?=?=?", "=?a?b?c", "one =?utf-8?Q?two?= three", "=?utf-8?Q?a?= =?koi8-r?Q?b?="]
        {
            assert_eq!(joined(plain), plain);
        }
    }
}
