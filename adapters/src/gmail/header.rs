//! The header fields of a mail or of a part, as the API lists them: names without case, values that may repeat, be folded
//! and hold encoded words. Addresses are separated first and their words decoded after.

use mail_parser::{Address, HeaderValue, parsers::MessageStream};
use serde_json::Value;

use super::encoded_word::joined;
use crate::json;

/// Fields that are looked at: more than any mail has.
const MAX_FIELDS: usize = 500;
/// Bytes of one field. The library takes fifty times as much for a list of short addresses.
const MAX_FIELD: usize = 16 * 1024;
/// Addresses of one field.
const MAX_ADDRESSES: usize = 50;
/// Message ids of one field.
const MAX_IDS: usize = 100;
/// Bytes of an address (RFC 5321, 4.5.3.1) and of a message id, which has to fit into a key of ours.
const MAX_ADDRESS: usize = 254;
const MAX_ID: usize = 500;

#[derive(Clone, Copy)]
pub(super) struct Headers<'a>(&'a [Value]);

/// Who stands in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub(super) name: Option<String>,
    /// In small letters.
    pub(super) address: String,
}

impl<'a> Headers<'a> {
    pub(super) fn of(part: &'a Value) -> Self {
        Self(json::list(part, "headers"))
    }

    pub(super) fn all(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().take(MAX_FIELDS).filter_map(move |field| {
            is_name(field.get("name")?.as_str()?, name)
                .then(|| field.get("value")?.as_str())
                .flatten()
                .map(start)
        })
    }

    pub(super) fn first(self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// A text for people, with its words decoded.
    pub(super) fn text(self, name: &'a str) -> Option<String> {
        self.first(name).and_then(text)
    }

    pub(super) fn mailboxes(self, name: &'a str) -> Vec<Mailbox> {
        self.all(name).flat_map(mailboxes).take(MAX_ADDRESSES).collect()
    }

    /// Message ids with their angle brackets, in their order.
    pub(super) fn ids(self, name: &'a str) -> Vec<&'a str> {
        self.all(name).flat_map(ids).take(MAX_IDS).collect()
    }

    /// A parameter of a field such as `Content-Type`, whatever way it is written (RFC 2231).
    pub(super) fn parameter(self, name: &'a str, parameter: &str) -> Option<String> {
        let value = line(self.first(name)?);
        // Most have none of the parameters that are looked for, and splitting them up costs more than all else here.
        if !has_word(&value, parameter) {
            return None;
        }
        let HeaderValue::ContentType(value) = MessageStream::new(value.as_bytes()).parse_content_type()
        else {
            return None;
        };
        let value = value.attribute(parameter)?;
        text(value).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// What stands before the parameters, in small letters.
    pub(super) fn value(self, name: &'a str) -> Option<String> {
        let value = self.first(name)?.split(';').next()?.trim().to_ascii_lowercase();
        (!value.is_empty()).then_some(value)
    }
}

fn is_name(written: &str, name: &str) -> bool {
    written.len() >= name.len() && written.trim().eq_ignore_ascii_case(name)
}

fn has_word(value: &str, word: &str) -> bool {
    value.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

fn start(value: &str) -> &str {
    &value[..value.floor_char_boundary(MAX_FIELD)]
}

/// One unfolded line, as the library expects it.
fn line(value: &str) -> String {
    let value = value.trim();
    let mut line = String::with_capacity(value.len() + 1);
    if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0')) {
        line += &value.replace('\r', "").replace("\n ", " ").replace("\n\t", " ").replace(['\n', '\0'], " ");
    } else {
        line += value;
    }
    line.push('\n');
    line
}

/// A value with its words decoded.
pub(super) fn text(value: &str) -> Option<String> {
    let value = start(value);
    if !value.contains("=?") && !value.bytes().any(|byte| byte.is_ascii_control()) {
        return Some(value.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    }
    let line = line(&joined(value));
    let text = MessageStream::new(line.as_bytes()).parse_unstructured().into_text()?.replace('\0', "");
    (!text.is_empty()).then_some(text)
}

fn mailboxes(value: &str) -> Vec<Mailbox> {
    let line = line(&joined(value));
    let HeaderValue::Address(found) = MessageStream::new(line.as_bytes()).parse_address() else {
        return Vec::new();
    };
    let mailbox = |one: &mail_parser::Addr<'_>| {
        let address = address(one.address.as_deref()?)?;
        let name =
            one.name.as_deref().map(|name| name.replace('\0', "")).filter(|name| !name.trim().is_empty());
        Some(Mailbox { name, address })
    };
    match &found {
        Address::List(list) => list.iter().filter_map(mailbox).collect(),
        Address::Group(groups) => {
            groups.iter().flat_map(|group| &group.addresses).filter_map(mailbox).collect()
        }
    }
}

/// An address in small letters, if a mail can be sent there: one that holds neither blanks nor what would end a header
/// field or begin another address.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>,;:\"\\()[]@".contains(c);
    let is_address = (3..=MAX_ADDRESS).contains(&text.len())
        && !local.is_empty()
        && !domain.is_empty()
        && local.chars().all(is_plain)
        && domain.chars().all(is_plain);
    is_address.then(|| text.to_lowercase())
}

/// The message ids of a text, with their angle brackets.
pub(super) fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('<').filter_map(|(start, _)| {
        let length = text.as_bytes()[start..].iter().take(MAX_ID).position(|byte| *byte == b'>')?;
        let id = &text[start..=start + length];
        (length > 1 && id.bytes().all(|byte| byte.is_ascii_graphic())).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Value {
        let list: Vec<_> = pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        json!({ "headers": list })
    }

    fn one(value: &str) -> (Option<String>, String) {
        let mut found = mailboxes(value);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        let found = found.remove(0);
        (found.name, found.address)
    }

    #[test]
    fn addresses_are_separated_before_their_words_are_decoded() {
        let anna = (Some("Müller, Anna".to_owned()), "anna@example.org".to_owned());
        assert_eq!(one("=?ISO-8859-1?Q?M=FCller=2C_Anna?= <Anna@Example.org>"), anna);
        assert_eq!(one("\"=?ISO-8859-1?Q?M=FCller=2C_Anna?=\" <Anna@Example.org>"), anna);
        assert_eq!(one("=?utf-8?Q?M=C3?=\r\n =?utf-8?Q?=BCller=2C_Anna?= <anna@example.org>"), anna);
        assert_eq!(one("\"Müller, Anna\" <anna@example.org>"), anna);
        assert_eq!(one("<anna@example.org>"), (None, anna.1.clone()));
        assert_eq!(one("anna@example.org (Anna)").1, anna.1);
        let two = mailboxes("\"Sample, Ari\" <Ari@Example.org>, lee@example.net");
        assert_eq!(two.len(), 2);
        assert_eq!(two[0].name.as_deref(), Some("Sample, Ari"));
        assert_eq!(mailboxes("Team: a@example.org, b@example.org;").len(), 2);
        assert_eq!(mailboxes("undisclosed-recipients:;"), []);
        assert_eq!(mailboxes("nobody"), []);
    }

    #[test]
    fn words_are_joined_and_decoded_in_their_charset() {
        assert_eq!(text("=?UTF-8?B?TGzDoW1hbWUsIHBvciBmYXZvcg==?=").as_deref(), Some("Llámame, por favor"));
        assert_eq!(text("=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?= au lait").as_deref(), Some("café au lait"));
        assert_eq!(text("Re: =?koi8-r?B?8NLJ18XU?=").as_deref(), Some("Re: Привет"));
        assert_eq!(text("=?gb2312?B?xOO6ww==?=").as_deref(), Some("你好"));
        assert_eq!(text("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=").as_deref(), Some("日本"));
        assert_eq!(text("plain\r\n folded").as_deref(), Some("plain folded"));
        assert_eq!(text("=?utf-8?X?broken?=").as_deref(), Some("=?utf-8?X?broken?="));
        assert_eq!(text(""), None);
    }

    #[test]
    fn names_have_no_case_and_parameters_every_spelling() {
        let part = fields(&[
            ("content-TYPE", "text/plain; Charset=\"ISO-8859-1\"; format=flowed"),
            ("Content-Disposition", "attachment; filename*=UTF-8''Jahresabschlu%C3%9F.pdf"),
        ]);
        let headers = Headers::of(&part);
        assert_eq!(headers.parameter("Content-Type", "charset").as_deref(), Some("ISO-8859-1"));
        assert_eq!(
            headers.parameter("Content-Disposition", "filename").as_deref(),
            Some("Jahresabschluß.pdf")
        );
        assert_eq!(headers.value("Content-Type").as_deref(), Some("text/plain"));
    }

    #[test]
    fn ids_are_what_stands_between_brackets() {
        let found: Vec<_> = ids("<a@b> (text) <c@d>\r\n <e f> <> <<g@h").collect();
        assert_eq!(found, ["<a@b>", "<c@d>"]);
        assert_eq!(ids(&format!("<{}@x>", "a".repeat(600))).count(), 0);
    }

    #[test]
    fn an_address_that_would_break_a_header_is_none() {
        assert_eq!(address(" Ari@Example.org ").as_deref(), Some("ari@example.org"));
        for bad in ["", "ari", "@x", "a@", "a b@x", "a@x\r\nBcc: b@y", "a@x,b@y", "a@b@c", "<a@x>"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
