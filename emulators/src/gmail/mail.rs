//! A mail that arrives in a mailbox, as a test describes it: in code, or as the `mail` step in `tests/cases`.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::part::Part;

/// A mail. What is left out is added as the sender's and Google's servers would.
///
/// ```
/// # use emulators::gmail::Mail;
/// let mail = Mail::new("Ari <ari@example.org>", "Order 7788", "Where is it?")
///     .html("<p>Where is <b>it</b>?</p>")
///     .file("label.jpg", b"\xff\xd8\xff".as_slice());
/// assert_eq!(mail.files.len(), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Mail {
    pub id: Option<String>,
    pub thread_id: Option<String>,
    /// Empty: `INBOX` and `UNREAD`.
    pub label_ids: Vec<String>,
    #[serde(deserialize_with = "headers")]
    pub headers: Vec<(String, String)>,
    pub text: Option<String>,
    pub html: Option<String>,
    /// The name that the text's part gives for its charset. The body is UTF-8, or Latin-1 for `ISO-8859-1`.
    pub charset: Option<String>,
    /// The body of the text's part, if the emulator cannot encode its charset.
    #[serde(skip)]
    pub text_bytes: Option<Vec<u8>>,
    pub files: Vec<MailFile>,
    /// The parts of a `multipart/mixed` in the form of `payload`, instead of text, HTML and files. `text` or `bytes`
    /// is a part's body; so is `body.data`.
    pub parts: Vec<Value>,
    /// `false`: no notification of its own.
    pub push: Option<bool>,
    /// The application has it already. Only a mark for the runner of a case.
    pub known: bool,
    /// It is in the history, and `messages.get` does not find it.
    pub vanished: bool,
}

/// A file of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MailFile {
    pub filename: String,
    /// Guessed from the name without it.
    pub mime_type: Option<String>,
    #[serde(deserialize_with = "bytes")]
    pub bytes: Vec<u8>,
    /// An image within the HTML.
    pub content_id: Option<String>,
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    let map = BTreeMap::<String, String>::deserialize(deserializer)?;
    Ok(map.into_iter().collect())
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(deserializer).map(String::into_bytes)
}

impl Mail {
    pub fn new(from: &str, subject: &str, text: &str) -> Self {
        let mail = Self { text: Some(text.to_owned()), ..Self::default() };
        mail.header("From", from).header("Subject", subject)
    }

    /// Adds a header, without replacing one of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn html(mut self, html: &str) -> Self {
        self.html = Some(html.to_owned());
        self
    }

    pub fn html_only(mut self, html: &str) -> Self {
        self.text = None;
        self.html(html)
    }

    /// The text in this charset, of which `bytes` is the encoded form.
    pub fn charset(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.charset = Some(name.to_owned());
        self.text_bytes = Some(bytes.into());
        self
    }

    pub fn file(mut self, filename: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let filename = filename.to_owned();
        self.files.push(MailFile { filename, bytes: bytes.into(), ..MailFile::default() });
        self
    }

    /// An answer in this thread, to the mail with this Message-ID.
    pub fn answering(mut self, thread: &str, message_id: &str) -> Self {
        self.thread_id = Some(thread.to_owned());
        self.header("In-Reply-To", message_id).header("References", message_id)
    }

    /// As a vacation responder writes.
    pub fn automatic(self) -> Self {
        self.header("Auto-Submitted", "auto-replied").header("Precedence", "bulk")
    }

    /// As a mailing list distributes.
    pub fn from_list(self, id: &str) -> Self {
        let unsubscribe = format!("<mailto:leave@{id}>");
        let id = format!("<{id}>");
        self.header("List-Id", &id).header("List-Unsubscribe", &unsubscribe).header("Precedence", "list")
    }

    pub fn without_push(mut self) -> Self {
        self.push = Some(false);
        self
    }

    pub fn vanishing(mut self) -> Self {
        self.vanished = true;
        self
    }

    pub(super) fn header_value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The tree of parts, with only the mail's own headers at the root.
    pub(super) fn tree(&self) -> Part {
        let mut root = if self.parts.is_empty() { self.body() } else { self.given() };
        if let Some(own) = self.header_value("Content-Type") {
            root.mime = own.split(';').next().unwrap_or_default().trim().to_lowercase();
            root.headers.clear();
        }
        let own = self.headers.clone();
        Part { headers: own.into_iter().chain(root.headers).collect(), ..root }
    }

    fn given(&self) -> Part {
        Part::multipart("mixed", "", self.parts.iter().map(given_part).collect())
    }

    fn body(&self) -> Part {
        let charset = self.charset.as_deref().unwrap_or("UTF-8");
        let leaf =
            |mime: &str, body: Vec<u8>| Part::leaf(mime, &format!("{mime}; charset=\"{charset}\""), body);
        let text = self.text.as_ref().map(|text| match &self.text_bytes {
            Some(bytes) => bytes.clone(),
            None => encode(text, charset),
        });
        let text = text.map(|bytes| leaf("text/plain", bytes));
        let html = self.html.as_ref().map(|html| leaf("text/html", encode(html, charset)));
        let body = match (text, html) {
            (Some(text), Some(html)) => Part::multipart("alternative", "", vec![text, html]),
            (text, html) => text.or(html).unwrap_or_else(|| leaf("text/plain", Vec::new())),
        };
        if self.files.is_empty() {
            return body;
        }
        let files = self.files.iter().map(MailFile::part);
        Part::multipart("mixed", "", std::iter::once(body).chain(files).collect())
    }
}

impl MailFile {
    fn part(&self) -> Part {
        let mime = self.mime_type.clone().unwrap_or_else(|| guess(&self.filename).to_owned());
        let name = &self.filename;
        let mut part = Part::leaf(&mime, &format!("{mime}; name=\"{name}\""), self.bytes.clone());
        let place = if self.content_id.is_some() { "inline" } else { "attachment" };
        part.headers.push(("Content-Disposition".into(), format!("{place}; filename=\"{name}\"")));
        part.headers.extend(self.content_id.iter().map(|id| ("Content-ID".to_owned(), format!("<{id}>"))));
        part.filename.clone_from(name);
        part
    }
}

/// The media type by a name's ending.
fn guess(filename: &str) -> &'static str {
    match filename.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "ogg" => "audio/ogg",
        _ => "application/octet-stream",
    }
}

fn encode(text: &str, charset: &str) -> Vec<u8> {
    let is_latin = charset.eq_ignore_ascii_case("iso-8859-1");
    // Letters beyond Latin-1 become question marks, as in a mail program that was told to use it.
    if is_latin {
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    } else {
        text.into()
    }
}

/// A part in the form of `payload`.
fn given_part(part: &Value) -> Part {
    let text = |name: &str| part[name].as_str();
    let mime = text("mimeType").unwrap_or("text/plain").to_lowercase();
    let data = part["body"]["data"].as_str().map(|data| data.trim_end_matches('='));
    let body = match (text("text").or_else(|| text("bytes")), data) {
        (Some(body), _) => encode(body, text("charset").unwrap_or("UTF-8")),
        // Data of a test that cannot be decoded show as an empty part.
        (None, Some(data)) => BASE64_URL_SAFE_NO_PAD.decode(data).unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let pair = |header: &Value| {
        let text = |name: &str| header[name].as_str().unwrap_or_default().to_owned();
        (text("name"), text("value"))
    };
    let mut headers: Vec<_> = list(&part["headers"]).iter().map(pair).collect();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        let charset = text("charset").map_or(String::new(), |charset| format!("; charset=\"{charset}\""));
        headers.push(("Content-Type".into(), format!("{mime}{charset}")));
    }
    let parts = list(&part["parts"]).iter().map(given_part).collect();
    Part { headers, mime, filename: text("filename").unwrap_or_default().to_owned(), body, parts }
}

/// The report that a mail did not reach its recipient, as Google's servers send it.
pub(super) fn bounce(message_id: &str, subject: &str, recipient: &str, thread: &str) -> Mail {
    let report = format!(
        "Reporting-MTA: dns; googlemail.com\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\n\
         Status: 5.1.1\r\nDiagnostic-Code: smtp; 550-5.1.1 The email account does not exist.\r\n"
    );
    let header = |name: &str, value: &str| serde_json::json!({ "name": name, "value": value });
    let original = serde_json::json!({ "mimeType": "text/plain", "text": "",
        "headers": [header("Message-ID", message_id), header("To", recipient), header("Subject", subject)] });
    let words = format!("Address not found\r\n\r\nYour message wasn't delivered to {recipient}.\r\n");
    let mail = Mail {
        parts: vec![
            serde_json::json!({ "mimeType": "text/plain", "charset": "UTF-8", "text": words }),
            serde_json::json!({ "mimeType": "message/delivery-status", "text": report }),
            serde_json::json!({ "mimeType": "message/rfc822", "parts": [original] }),
        ],
        ..Mail::default()
    };
    mail.header("From", "Mail Delivery Subsystem <mailer-daemon@googlemail.com>")
        .header("Subject", "Delivery Status Notification (Failure)")
        .header("Return-Path", "<>")
        .header("Auto-Submitted", "auto-replied")
        .header("X-Failed-Recipients", recipient)
        .header("Content-Type", "multipart/report; boundary=\"report\"; report-type=delivery-status")
        .answering(thread, message_id)
}
