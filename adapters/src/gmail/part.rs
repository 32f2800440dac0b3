//! The tree of a mail's parts: the text that people wrote, and the files. The transfer encoding is undone by the provider,
//! the charset is not. What was quoted below an answer stays in the text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;
use serde_json::{Value, json};

use super::{
    base64,
    header::{self, Headers},
    html,
};
use crate::{MediaKind, MediaRef, MediaState, json as read};

/// More than anybody attaches.
const MAX_FILES: usize = 200;

#[derive(Clone, Copy)]
pub(super) struct Part<'a>(&'a Value);

impl<'a> Part<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self(value)
    }

    pub(super) fn headers(self) -> Headers<'a> {
        Headers::of(self.0)
    }

    /// In small letters, without parameters.
    pub(super) fn mime(self) -> Cow<'a, str> {
        let mime = self.0.get("mimeType").and_then(Value::as_str).unwrap_or_default();
        let mime = mime.split(';').next().unwrap_or_default().trim();
        if mime.is_empty() {
            return self.headers().value("Content-Type").map_or(Cow::Borrowed("text/plain"), Cow::Owned);
        }
        if mime.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return mime.to_ascii_lowercase().into();
        }
        mime.into()
    }

    pub(super) fn children(self) -> impl Iterator<Item = Self> {
        read::list(self.0, "parts").iter().filter(|part| part.is_object()).map(Self)
    }

    /// Its place in the tree, which no call changes.
    fn id(self) -> &'a str {
        self.0.get("partId").and_then(Value::as_str).unwrap_or_default()
    }

    fn body(self) -> Option<&'a Value> {
        read::object(self.0, "body")
    }

    /// Good for this answer only: the next call gives another one.
    pub(super) fn attachment_id(self) -> Option<&'a str> {
        self.body()?.get("attachmentId")?.as_str().filter(|id| !id.is_empty())
    }

    /// What stands in the answer itself.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        base64::decode(self.body()?.get("data")?.as_str().filter(|data| !data.is_empty())?)
    }

    fn name(self) -> Option<String> {
        let given = self.0.get("filename").and_then(Value::as_str).and_then(header::text);
        given
            .or_else(|| self.headers().parameter("Content-Disposition", "filename"))
            .or_else(|| self.headers().parameter("Content-Type", "name"))
    }

    fn is_text(self) -> bool {
        matches!(&*self.mime(), "text/plain" | "text/html")
    }

    fn is_multipart(self) -> bool {
        self.mime().starts_with("multipart/")
    }

    /// Not the text of the mail: it has a name, or the sender says so, or it cannot be read as such.
    fn is_file(self) -> bool {
        !self.is_multipart()
            && (!self.is_text()
                || self.name().is_some()
                || self.headers().value("Content-Disposition").as_deref() == Some("attachment")
                || self.attachment_id().is_some())
    }

    /// Its bytes as text.
    pub(super) fn decoded(self) -> Option<String> {
        let bytes = self.bytes()?;
        let charset = self.headers().parameter("Content-Type", "charset");
        let text = characters(&bytes, charset.as_deref());
        Some(if text.contains('\0') { text.replace('\0', "") } else { text })
    }

    /// The text below this part, and whether it was written as such rather than as HTML.
    fn words(self) -> Option<(String, bool)> {
        let mime = self.mime();
        if self.is_multipart() {
            if mime == "multipart/alternative" {
                return self.alternative();
            }
            let mut found = self.children().filter_map(Self::words);
            let (mut text, mut is_plain) = found.next()?;
            for (more, is_more_plain) in found {
                text.push_str("\n\n");
                text.push_str(&more);
                is_plain &= is_more_plain;
            }
            return Some((text, is_plain));
        }
        if self.is_file() {
            return None;
        }
        let mut text = self.decoded()?;
        let is_plain = mime != "text/html";
        if !is_plain {
            text = html::to_text(&text);
        } else if text.contains('\r') {
            text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
        text.truncate(text.trim_end().len());
        (!text.is_empty()).then_some((text, is_plain))
    }

    /// The first plain one, else the first. HTML is read only where nothing else is: it costs more than all of the rest.
    fn alternative(self) -> Option<(String, bool)> {
        let mut others = Vec::new();
        for child in self.children() {
            if child.mime() == "text/html" {
                others.push(Err(child));
                continue;
            }
            match child.words() {
                Some((text, true)) => return Some((text, true)),
                Some(other) => others.push(Ok(other)),
                None => {}
            }
        }
        others.into_iter().find_map(|one| one.map_or_else(Self::words, Some))
    }

    /// What a person wrote, with the plain text before the HTML.
    pub(super) fn text(self) -> Option<String> {
        self.words().map(|(text, _)| text)
    }

    /// The files below this part, inline pictures among them. A mail that was forwarded as a file is one.
    pub(super) fn files(self, message: &str) -> Vec<MediaRef> {
        let mut files = Vec::new();
        self.collect(message, &mut files);
        files
    }

    fn collect(self, message: &str, files: &mut Vec<MediaRef>) {
        let mime = self.mime();
        if self.is_multipart() {
            self.children().for_each(|child| child.collect(message, files));
        } else if self.is_file() && !is_report(&mime) && files.len() < MAX_FILES {
            files.push(self.file(message, mime.into_owned()));
        }
    }

    fn file(self, message: &str, mime: String) -> MediaRef {
        let kind = match mime.split('/').next() {
            Some("image") => MediaKind::Image,
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            _ => MediaKind::Document,
        };
        let mut reference = json!({ "message": message, "part": self.id() });
        if self.is_inline() {
            reference["inline"] = true.into();
        }
        let can_be_had =
            self.attachment_id().is_some() || self.body().is_some_and(|body| body.get("data").is_some());
        let size = self.body().and_then(|body| read::unsigned(body, "size"));
        MediaRef {
            kind,
            name: self.name(),
            size: size.filter(|size| *size > 0),
            state: if can_be_had { MediaState::Ready } else { MediaState::Unavailable },
            mime: Some(mime),
            reference,
        }
    }

    /// A picture within the text.
    fn is_inline(self) -> bool {
        self.headers().first("Content-ID").is_some()
            && self.headers().value("Content-Disposition").as_deref() != Some("attachment")
    }

    /// The part at that place.
    pub(super) fn find(self, id: &str) -> Option<Self> {
        if self.id() == id {
            return Some(self);
        }
        self.children().find_map(|child| child.find(id))
    }
}

/// Is for machines, and read by [`super::bounce`].
fn is_report(mime: &str) -> bool {
    matches!(mime, "message/delivery-status" | "message/disposition-notification" | "text/rfc822-headers")
}

/// Text in the charset that it says to have. Without one it is UTF-8, or what older programs of the west wrote.
fn characters(bytes: &[u8], charset: Option<&str>) -> String {
    let label = charset.unwrap_or_default().trim();
    if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
        return encoding.decode(bytes).0.into_owned();
    }
    if let Some(decode) = charset_decoder(label.as_bytes()).filter(|_| !label.is_empty()) {
        return decode(bytes);
    }
    let (text, _, is_broken) = UTF_8.decode(bytes);
    if is_broken { WINDOWS_1252.decode(bytes).0.into_owned() } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(mime: &str, content_type: &str, bytes: &[u8]) -> Value {
        let data = ::base64::Engine::encode(&base64::URL_SAFE, bytes);
        json!({"mimeType": mime, "headers": [{"name": "Content-Type", "value": content_type}],
               "body": {"size": bytes.len(), "data": data}})
    }

    fn plain(text: &str) -> Value {
        leaf("text/plain", "text/plain; charset=UTF-8", text.as_bytes())
    }

    fn html(text: &str) -> Value {
        leaf("text/html", "text/html; charset=UTF-8", text.as_bytes())
    }

    fn multipart(kind: &str, parts: &[Value]) -> Value {
        json!({"mimeType": format!("multipart/{kind}"), "body": {"size": 0}, "parts": parts})
    }

    fn text(part: &Value) -> Option<String> {
        Part::of(part).text()
    }

    #[test]
    fn text_is_read_in_its_charset() {
        for (label, bytes, expected) in [
            ("ISO-8859-1", &b"M\xfcller"[..], "Müller"),
            ("windows-1252", b"5 \x80", "5 €"),
            ("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
            ("gb18030", b"\xc4\xe3\xba\xc3", "你好"),
            ("iso-2022-jp", b"\x1b$BF|K\\\x1b(B", "日本"),
            ("utf-7", b"Hi +AOk-", "Hi é"),
            ("us-ascii", b"plain", "plain"),
            ("x-unknown", "é".as_bytes(), "é"),
            ("x-unknown", b"\xe9", "é"),
        ] {
            let part = leaf("text/plain", &format!("text/plain; charset=\"{label}\""), bytes);
            assert_eq!(text(&part).as_deref(), Some(expected), "{label}");
        }
        assert_eq!(text(&leaf("text/plain", "text/plain", b"a\r\nb\0 \r\n")).as_deref(), Some("a\nb"));
    }

    #[test]
    fn the_plain_text_is_preferred_wherever_it_stands() {
        let both = multipart("alternative", &[html("<b>h</b>"), plain("p")]);
        assert_eq!(text(&both).as_deref(), Some("p"));
        let nested = multipart("alternative", &[plain(" \r\n"), multipart("related", &[html("<b>h</b>")])]);
        assert_eq!(text(&nested).as_deref(), Some("h"));
        let apple = multipart("mixed", &[plain("one"), json!({"mimeType": "image/png"}), plain("two")]);
        assert_eq!(text(&apple).as_deref(), Some("one\n\ntwo"));
        assert_eq!(text(&multipart("alternative", &[])), None);
    }

    #[test]
    fn files_are_found_by_their_place_and_never_part_of_the_text() {
        let mut note = plain("not the text");
        note["filename"] = "note.txt".into();
        note["partId"] = "1".into();
        let picture = json!({"partId": "0.1", "mimeType": "image/png", "filename": "",
            "headers": [{"name": "content-id", "value": "<logo>"}, {"name": "Content-Disposition", "value": "inline"}],
            "body": {"size": 7, "attachmentId": "A"}});
        let forwarded = json!({"partId": "2", "mimeType": "message/rfc822", "body": {"size": 0},
            "parts": [plain("somebody else's words")]});
        let mail =
            multipart("mixed", &[multipart("related", &[html("<i>hi</i>"), picture]), note, forwarded]);
        assert_eq!(text(&mail).as_deref(), Some("hi"));
        let files = Part::of(&mail).files("m1");
        let found: Vec<_> = files.iter().map(|file| (file.kind, file.state, &file.reference)).collect();
        assert_eq!(
            found,
            [
                (
                    MediaKind::Image,
                    MediaState::Ready,
                    &json!({"message": "m1", "part": "0.1", "inline": true})
                ),
                (MediaKind::Document, MediaState::Ready, &json!({"message": "m1", "part": "1"})),
                (MediaKind::Document, MediaState::Unavailable, &json!({"message": "m1", "part": "2"})),
            ]
        );
        assert_eq!(Part::of(&mail).find("0.1").and_then(Part::attachment_id), Some("A"));
    }
}
